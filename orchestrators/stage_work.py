"""The phases in which a stage works: deploy to the idle side, verify there, roll out, verify live."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.environment_lock import raise_fences
from orchestrators.fan_out import an_operation, fan_out, health_checks, reachable
from orchestrators.going_live import tell_locks
from orchestrators.recording import record_stage
from orchestrators.release_parts import flags_checked, flags_set
from orchestrators.release_settings import fixed, settings_before_users
from orchestrators.stage_consent import consent_before_users
from orchestrators.stage_flag import dark, tester_checks
from orchestrators.stage_front_door import returned
from orchestrators.target_checks import compared, in_parts, target_checks
from orchestrators.waiting import Context, Durable, ask_decisions, insist, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.kinds.targets import target_kind
from slipway.promotion.outcomes import Answer, Outcome, worst
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import ARTIFACT, LONGEST_SHOWN, PLANNED, shortened
from slipway.promotion.stage_parts import Site, Step
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known

VERIFY_TRIES = 3
SILENT_LOOKS, SILENT_PAUSE = 2, timedelta(seconds=30)
SAYS_NOTHING = (Outcome.BROKEN, Outcome.NOT_ENOUGH_EVIDENCE)


def deploy(context: Context, run: StageRun) -> Durable:
    """Look at every target as it is, then deploy the build to all idle sides in parallel. A live release that is down
    is replaced like any other where its platform says that it is the one; there is no way back to it, then."""
    ended = yield from stopped(context, run)
    if ended:
        return ended
    order = _survey(run)
    survey = yield from insist(context, "survey_targets", order)
    if survey.state != Outcome.PASSED:
        return run.ends(Outcome.BROKEN, survey.code, f"the targets could not be read: {survey.words}")
    sites = {name: Site(**known(Site, site)) for name, site in survey.result["sites"].items()}
    run = replace(run, sites=sites, since=now(context))
    highest = survey.result.get("fence", 0)
    # A target may have been under another lock before (its environment was renamed, say): go above its number.
    if highest:
        run = yield from raise_fences(context, run, highest)
    if reused := survey.result.get("reused"):
        words = f"{', '.join(reused)} serves {run.called} already, with another chart, image or values"
        words = f"{words}: give the new ones a new version, or nothing tells them apart"
        return run.ends(Outcome.BROKEN, "VERSION_REUSED", words)
    silent = [name for name, site in sites.items() if not site.previous and name in run.live_targets]
    unknown = [name for name in silent if sites[name].held in ("", run.version_of(name))]
    if unknown:
        words = f"{', '.join(unknown)} answers no version, although {run.live_before} should be live"
        return run.ends(Outcome.BROKEN, "LIVE_UNREADABLE", words)
    if silent and run.tick < SILENT_LOOKS:  # it may be back in a moment, and then there is a way back to it
        yield from nudge_or(context, context.current_utc_datetime + SILENT_PAUSE)
        return replace(run, tick=run.tick + 1)
    if run.plan.configuration:
        run = yield from fixed(context, run)
        if run.ending:
            return run
    if run.plan.flags:
        run = yield from flags_checked(context, run)
        if run.ending:
            return run
    if run.flag_plan:
        run = yield from dark(context, run)
        if run.ending:
            return run
    if run.before_it:
        run, aside = yield from returned(context, run, before_deployment=True)
        if aside.outcome != Outcome.PASSED:
            return run.ends(aside.outcome, aside.code, f"users may be on the idle side: {aside.words}")
    asked, steps = [], []
    for target in run.changing:
        id = run.operation(target, "deploy")
        order = {**_change(run, target), "package": run.package_of(target.name)}
        asked.append(an_operation(context, id, "deploy", order, run.plan.deploy_within_s))
        steps.append(Step("deploy", target.name, id))
    words = f"deploys {run.called} to the idle side of {_names(run.changing)}{_drift(run)}"
    words += "".join(f"; {sites[name].held} is down on {name}, so there is no way back to it" for name in silent)
    words += f"; its configuration is {run.configuration.words}" if run.configuration.label else ""
    changing = run.changing
    run, verdict, answers = yield from _answered(context, run, "deploying", words, steps, asked)
    for target, answer in zip(changing, answers, strict=True):
        run = replace(run, sites={**run.sites, target.name: _prepared(run, target, answer)})
    return _on(run, verdict, phase.VERIFY)


def verify(context: Context, run: StageRun) -> Durable:
    """Health check and load tests of the idle sides, side by side; one verdict over all of them.

    Targets are verified together as far as 20 operations go, the rest in generations that follow (`part`).
    A test's drivers always run together: split, they would not be the load that was asked for. What says
    nothing about the release (a check that broke, a driver that was late) is tried again.
    """
    ended = yield from stopped(context, run)
    if ended:
        return ended
    parts = in_parts(run)
    if not parts:
        return run.to(run.after_verify)
    run = replace(run, since=now(context))
    checks = [target_checks(context, run, target) for target in parts[run.part]]
    run = run.stepping([step for each in checks for step in each.steps], now(context))
    words = f"verifies {run.called} on the idle side of {', '.join(t.name for t in parts[run.part])}"
    run = yield from record_stage(context, run, "verifying", words)
    asked = [operation for each in checks for operation in each.operations]
    answers = yield from fan_out(context, asked)
    found = {operation["id"]: answer for operation, answer in zip(asked, answers, strict=True)}
    verdicts = yield from compared(context, run, [verdict for each in checks for verdict in each.verdicts(found)])
    for each in verdicts:
        run = run.stepped(each.step, each.target, each.answer, now(context))
    verdict = worst([_named(each.target, each.answer) for each in verdicts])
    return _next_of_verify(run, verdict, last=run.part + 1 == len(parts))


def _next_of_verify(run: StageRun, verdict: Answer, last: bool) -> StageRun:
    if verdict.outcome in SAYS_NOTHING and run.tick + 1 < VERIFY_TRIES:
        return replace(run, tick=run.tick + 1)
    if verdict.outcome == Outcome.PASSED and not last:
        return replace(run, part=run.part + 1, tick=0)
    return _on(run, verdict, run.after_verify)


def roll_out(context: Context, run: StageRun) -> Durable:
    """The switch of every target, all at once or a part of them. From here on the new release serves the traffic."""
    ended = yield from stopped(context, run)
    if ended:
        return ended
    if run.flag_plan and not run.changing:  # it is live already, and its flag is tried again
        return run.to(phase.VERIFY_LIVE)
    run = yield from settings_before_users(context, replace(run, since=now(context)))
    run = run if run.ending else (yield from consent_before_users(context, run))
    if run.ending:
        return run
    if run.plan.blue_green and run.plan.judged and run.baseline and not run.part:
        run = replace(run, watched={"usual_until": now(context)})
    asked, steps, part = [], [], run.parts[run.part]
    for target in part:
        id = run.operation(target, "swap")
        asked.append(an_operation(context, id, "swap", _switch(run, target), run.plan.switch_within_s(target)))
        steps.append(Step("swap", target.name, id))
    words = _goes_live(run, part)
    run, verdict = yield from carried_out(context, run, "rolling-out", words, steps, asked)
    if verdict.outcome != Outcome.PASSED:
        return _on(run, verdict, phase.VERIFY_LIVE)
    if run.part + 1 == len(run.parts) and run.plan.flags:
        run = yield from flags_set(context, run)
        if run.ending:
            return run
    yield from tell_locks(context, run)
    return replace(run.to(phase.VERIFY_LIVE), switched=True, part=run.part)


def verify_live(context: Context, run: StageRun) -> Durable:
    """Check that what answers at the live addresses is the version that was deployed, and healthy; of what was switched
    last, where other targets are left for the next part."""
    run = replace(run, since=now(context))
    names = reachable(run.live_now)
    asked = health_checks(context, run, f"live-{run.tick}", live=True, targets=names)
    steps = [Step("verify live", target.name, each["id"]) for target, each in zip(names, asked, strict=True)]
    more, more_steps = tester_checks(context, run)
    asked, steps = [*asked, *more], [*steps, *more_steps]
    words = f"verifies that {run.called} answers live"
    run, verdict = yield from carried_out(context, run, "verifying-live", words, steps, asked)
    if verdict.outcome in SAYS_NOTHING and run.tick + 1 < VERIFY_TRIES:
        return replace(run, tick=run.tick + 1)
    if verdict.outcome != Outcome.PASSED:
        return run.ends(verdict.outcome, verdict.code, verdict.words)
    return run.next_part()


def stopped(context: Context, run: StageRun) -> Durable:
    """The run as it ends when the promotion was aborted meanwhile, else None."""
    asked = {"waiter": run.instance, "past_pause": True}
    going = yield from ask_decisions(context, run.promotion, "ask_going_on", asked)
    return run.ends(Outcome.CANCELLED, going["code"], going["words"]) if going["do"] == "cancel" else None


def carried_out(
    context: Context, run: StageRun, action: str, words: str, steps: list[Step], asked: list[dict[str, Any]]
) -> Durable:
    """Record, run, and note how each step ended. Returns the run and the verdict over all steps."""
    run, verdict, _ = yield from _answered(context, run, action, words, steps, asked)
    return run, verdict


def _answered(
    context: Context, run: StageRun, action: str, words: str, steps: list[Step], asked: list[dict[str, Any]]
) -> Durable:
    """As `carried_out`, with the answers of the steps."""
    run = run.stepping(steps, now(context))
    run = yield from record_stage(context, run, action, words)
    answers = yield from fan_out(context, asked)
    named = [_named(step.target, answer) for step, answer in zip(steps, answers, strict=True)]
    for step, answer in zip(steps, named, strict=True):
        run = run.stepped(step.name, step.target, answer, now(context))
    return run, worst(named), answers


def _on(run: StageRun, verdict: Answer, following: str) -> StageRun:
    if verdict.outcome == Outcome.PASSED:
        return run.to(following)
    return run.ends(verdict.outcome, verdict.code, verdict.words)


def _named(target: str, answer: Answer) -> Answer:
    if answer.state == Outcome.PASSED or not answer.words:
        return answer
    return replace(answer, words=f"{target}: {answer.words}")


def _change(run: StageRun, target: Target) -> dict[str, Any]:
    return {
        "promotion": run.promotion,
        "target": plain(target.running(run.image_of(target))),
        "version": run.version_of(target.name),
        **run.plan.reading,
        "fence": run.fence_of(target.name),
    }


def _prepared(run: StageRun, target: Target, answer: Answer) -> Site:
    """The target's site after its deployment: the address of a side that did not exist before, and what is planned."""
    site = run.sites[target.name]
    room = LONGEST_SHOWN // len(run.changing)
    told = shortened(str(answer.result.get("changes", "")).split("\n"), room)
    planned = str(answer.result.get("planned", ""))
    return replace(site, idle=answer.result.get("address") or site.idle, changes=told, planned=planned)


def _switch(run: StageRun, target: Target) -> dict[str, Any]:
    """The order for the switch of a target, which is held to what was planned, of what was pinned."""
    order = _change(run, target)
    if ARTIFACT in order["target"]["settings"]:
        order["target"]["settings"][ARTIFACT] = run.package_of(target.name)
    if planned := run.sites[target.name].planned:
        order["target"]["settings"][PLANNED] = planned
    return order


def _survey(run: StageRun) -> dict[str, Any]:
    targets = [plain(target) for target in run.plan.targets]
    names = [target.name for target in run.plan.targets if target.of_kind.tells_packages]
    brings = {name: {"version": run.version_of(name), "package": run.package_of(name)} for name in names}
    asked = {"promotion": run.promotion, "targets": targets, **run.plan.reading}
    return {**asked, "brings": brings} if brings else asked


def _goes_live(run: StageRun, part: tuple[Target, ...]) -> str:
    """What happens to the targets of a part, in words, kind by kind."""
    kinds = dict.fromkeys(target.kind for target in part or run.plan.targets[:1])
    each = (f"{target_kind(kind).goes_live} {_names(tuple(t for t in part if t.kind == kind))}" for kind in kinds)
    return "; ".join(each)


def _names(targets: tuple[Target, ...]) -> str:
    """The targets that change, in words; every one may answer this version already."""
    return ", ".join(target.name for target in targets) or "no target: it is live already"


def _drift(run: StageRun) -> str:
    """A live version that Slipway did not put there, in words."""
    if run.plan.members:
        return _drift_of_members(run)
    others = {site.previous for site in run.sites.values() if site.previous} - {run.live_before, run.build.version}
    if not run.live_before or not others:
        return ""
    return f"; found {', '.join(sorted(others))} live where Slipway had put {run.live_before}"


def _drift_of_members(run: StageRun) -> str:
    """The same, target by target, since each member has a version of its own."""
    found = {name: (site.previous, run.live_before_of(name)) for name, site in run.sites.items() if site.previous}
    wrong = {
        name: (seen, kept) for name, (seen, kept) in found.items() if kept and seen not in (kept, run.version_of(name))
    }
    told = (f"{seen} live on {name} where Slipway had put {kept}" for name, (seen, kept) in sorted(wrong.items()))
    return f"; found {', '.join(told)}" if wrong else ""
