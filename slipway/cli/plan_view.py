"""A plan as people read it: stage by stage, and what would stop a build there now if a server said that."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.api_answers import LivePlan, MayPromote
from slipway.cli.blue_green_view import approval_words, reach_lines, switch_lines
from slipway.cli.calendar_view import calendar_lines
from slipway.cli.canary_view import canary_lines
from slipway.cli.flag_view import RIGHTS
from slipway.cli.front_door_view import rights_words
from slipway.cli.gates_view import gate_rights, gate_words
from slipway.cli.group_view import deploy_words, lock_words, order_lines
from slipway.cli.jobs_view import contract_words, expand_words, jobs_of, schema_lines, tests_words
from slipway.cli.load_view import headers_words, load_rights, load_words
from slipway.cli.printing import clean
from slipway.cli.reasons import is_command, look_of, told, worth_planning
from slipway.cli.release_parts_view import brings_back, configuration_lines, flag_wishes
from slipway.cli.times import rounded
from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.kinds import SWITCHES, actions_on
from slipway.promotion.pins import how_pinned, is_package
from slipway.promotion.plan import HealthCheck, PromotionPlan, StagePlan
from slipway.promotion.rings import READS_ACCOUNT, ROLL_BACK_ALL, RegionGate, RingPlan


def in_order(stages: tuple[StagePlan, ...]) -> Iterator[StagePlan]:
    """Each stage after all that it needs; otherwise as they stand in the file."""
    left, done = list(stages), set[str]()
    while left:
        ready = next(stage for stage in left if done.issuperset(stage.needs))
        left.remove(ready)
        done.add(ready.name)
        yield ready


Rollouts = Mapping[str, Sequence[str]]  # by stage, where there is more to say than the rollout's name


def plan_page(
    compiled: PromotionPlan,
    artifact: str,
    origin: str,
    rollouts: Rollouts,
    taken: Sequence[str] = (),
    told: Sequence[str] = (),
    held: Rollouts | None = None,
) -> RenderableType:
    """What would happen to a build, stage by stage; `origin` names the pipeline, `taken` whose builds it takes, `told`
    who hears of it, `held` what policies say of a stage."""
    head = (*_head(compiled, artifact, origin, "", taken), *(Text(clean(f"tells {each}"), "dim") for each in told))
    as_roles = Text(clean(f"\nslipway roles {origin} prints them as roles, each with where it is given"), "dim")
    return Group(*head, *_stages(compiled, {}, None, rollouts, held), *_rights(compiled), as_roles)


def live_page(compiled: PromotionPlan, artifact: str, origin: str, live: LivePlan, now: datetime) -> RenderableType:
    """The same, and in each stage what would stop the build there at `now`, and how that ends."""
    known = [f"taken in before, so nothing new begins; slipway status {live.promotion}"] if live.known else []
    may = {stage.name: stage.may_promote for stage in live.stages}
    head = _head(compiled, artifact, origin, live.version, live.builds)
    return Group(*head, *(Text(clean(words), "yellow") for words in known), *_stages(compiled, may, now, {}))


def _head(compiled: PromotionPlan, artifact: str, origin: str, version: str, taken: Sequence[str]) -> Iterator[Text]:
    named = clean(f"{compiled.service} {version}".rstrip())
    yield Text.assemble((named, "bold"), f"  owner {clean(compiled.owner)}")
    whose = artifact or "each member has an artifact of its own"
    yield Text(f"{clean(origin)} · {clean(compiled.pipeline_digest[:19])}…\n{clean(whose)}", style="dim")
    for address in compiled.artifacts:
        if not is_package(address):
            yield Text(clean(f"{address}: {how_pinned(address)}"), style="dim")
    for each in taken:
        yield Text(clean(f"builds of {each}"), style="dim")


def _stages(
    compiled: PromotionPlan,
    may: Mapping[str, MayPromote],
    now: datetime | None,
    rollouts: Rollouts,
    held: Rollouts | None = None,
) -> Iterator[RenderableType]:
    for number, stage in enumerate(in_order(compiled.stages), 1):
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim", no_wrap=True)
        facts.add_column(overflow="fold")
        for number_of_rule, words in enumerate((held or {}).get(stage.name, ())):
            facts.add_row("" if number_of_rule else "   policies", Text(clean(words)))
        for name, words in _facts(stage, compiled.service, rollouts.get(stage.name, ())):
            facts.add_row(f"   {name}", Text(clean(words)))
        if now and stage.name in may:
            for name, text in _now(may[stage.name], now):
                facts.add_row(f"   {name}", text)
        after = f"  {stage.ring.words}" if stage.ring else ""
        after += f"  after {', '.join(stage.needs)}" if stage.needs else ""
        yield Group("", Text.assemble(f"{number}. ", (clean(stage.name), "bold"), (after, "dim")), facts)


def _rights(compiled: PromotionPlan) -> Iterator[Text]:
    """What Slipway's identity has to be granted, kind by kind."""
    kinds = dict.fromkeys(target.kind for stage in compiled.stages for target in stage.targets)
    for kind in kinds:
        on_it, on_its_environment = actions_on(kind)
        if not on_it:  # what it takes is a role on data, which is told below
            continue
        yield Text(f"\nOn every {kind} target Slipway's identity needs{_listed(on_it)}", "dim")
        if on_its_environment:
            yield Text(f"and on the environment of each{_listed(on_its_environment)}", "dim")
    sections = (section for stage in compiled.stages for target in stage.targets for section in target.settings)
    for switch in (SWITCHES[each] for each in dict.fromkeys(sections) if each in SWITCHES):
        yield Text(f"\nOn {switch.on} of each it needs{_listed(switch.actions)}", "dim")
    if any(stage.canary and stage.canary.front_door for stage in compiled.stages):
        yield Text(f"\n{rights_words()}", "dim")
    if any((stage.canary and stage.canary.flag) or stage.configuration or stage.flags for stage in compiled.stages):
        yield Text(f"\n{RIGHTS}", "dim")
    for line in load_rights(compiled):
        yield Text(f"\n{clean(line)}", "dim")
    for line in gate_rights(compiled.stages):
        yield Text(f"\n{clean(line)}", "dim")
    for job in jobs_of(compiled):
        yield Text(f"\nOn the job {clean(job)} Slipway's identity needs{_listed(JOB_ACTIONS)}", "dim")
    gates = (stage.ring.gate for stage in compiled.stages if stage.ring)
    for account in dict.fromkeys(gate.name for gate in gates if gate):
        needs = _listed((READS_ACCOUNT,))
        yield Text(f"\nOn the Cosmos DB account {clean(account)} Slipway's identity needs{needs}", "dim")


def _listed(actions: tuple[str, ...]) -> str:
    return "".join(f"\n   {action}" for action in actions)


def _now(may: MayPromote, now: datetime) -> Iterator[tuple[str, Text]]:
    """What would stop the build there now, beside what the plan says of any build."""
    name, reasons = "now", worth_planning(may)
    if not any(reason.blocks for reason in reasons):
        yield name, Text(f"✓ nothing {'' if may.allowed else 'else '}is in the way", "green")
        name = ""
    for reason in reasons:
        shown = look_of(reason)
        lines = [told(reason, now), *([reason.ended_by] if is_command(reason) else [])]
        words = "\n  ".join(clean(line) for line in lines)
        yield name, Text(f"{shown.icon} {words}", shown.style)
        name = ""


def _facts(stage: StagePlan, service: str, rollout: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What happens in a stage of `service`, in the order in which it happens."""
    for number, gate in enumerate(stage.gates):
        yield "" if number else "gates", gate_words(gate)
    if stage.hotfix_skips:
        yield "hotfix", f"may skip {', '.join(stage.hotfix_skips)}, once a second person has confirmed it"
    if stage.approval:
        yield "approval", approval_words(stage.approval)
    yield from calendar_lines(stage)
    yield "lock", lock_words(stage, service)
    for number, line in enumerate(configuration_lines(stage)):
        yield "" if number else "configuration", line
    if stage.migration:
        yield "database", expand_words(stage.migration)
    for target in stage.targets:
        yield "deploy", deploy_words(stage, target)
    if any(target.of_kind.answers for target in stage.targets):
        yield "verify", _health(stage.health)
    for load in stage.loads:
        yield "", load_words(load)
    for test in stage.tests:
        yield "", tests_words(test)
    if stage.ring and stage.ring.gate:
        yield "region", _region(stage.ring.gate)
    for number, gate in enumerate(stage.switch_gates):
        yield "" if number else "before users", gate_words(gate)
    lines = [*canary_lines(stage), *switch_lines(stage), *rollout] or [_at_once(stage)]
    lines += order_lines(stage)
    for number, line in enumerate(lines):
        yield "" if number else "roll out", line
    for number, line in enumerate(flag_wishes(stage)):
        yield "" if number else "flags", line
    yield "bake", rounded(stage.bake_s) if stage.bake_s else "none"
    if stage.watch_s:
        yield "watch", f"{rounded(stage.watch_s)} after that, ready to go back"
    if stage.migration and stage.migration.contract:
        yield "database", contract_words(stage.migration)
    yield "way back", stage.way_back
    for line in (*reach_lines(stage), *brings_back(stage), *schema_lines(stage)):
        yield "", line
    if stage.ring:
        yield "when bad", _when_bad(stage.ring)


def _at_once(stage: StagePlan) -> str:
    if not stage.max_parallel:
        return f"{stage.rollout}, then verify what is live"
    parts = ceil(len(stage.targets) / stage.max_parallel)
    return (
        f"{stage.max_parallel} of {len(stage.targets)} targets at a time, verified live before the next: {parts} parts"
    )


def _region(gate: RegionGate) -> str:
    """What the account of a ring must show before users meet the release."""
    asked = [f"{gate.region} is among its regions"] if gate.region else []
    asked.append("all of them have succeeded, and the region that is written to is still the same")
    if gate.write_region_last:
        asked.append(f"it is written to in {gate.regions[-1]}, that of the last ring with a region")
    return f"of the Cosmos DB account {gate.name}: {'; '.join(asked)}; waits at most {rounded(gate.within_s)}"


def _when_bad(ring: RingPlan) -> str:
    later = "later rings do not begin" if ring.number < ring.count else ""
    if not ring.earlier:
        earlier = ""
    elif ring.on_bad == ROLL_BACK_ALL:
        earlier = f"and with it {', '.join(reversed(ring.earlier))}"
    else:
        earlier = f"what {', '.join(ring.earlier)} has stays"
    return "; ".join(filter(None, ("it goes back", earlier, later)))


def _health(check: HealthCheck) -> str:
    words = f"health {check.path}: {check.successes} good answers in a row within {rounded(check.within_s)}"
    return words + headers_words(check.headers)
