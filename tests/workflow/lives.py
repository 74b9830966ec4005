"""Random lives of a service's promotions: stories of what may happen, told to a model, and the shortest that fails.

A story is data, drawn from a seed and from nothing else; whom a step concerns is chosen when it is told, from those
whom it fits. So a story without some of its steps is a story, too.
"""

import random
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.promotion.approval import APPROVE, REJECT
from slipway.promotion.transitions import MACHINES
from tests.workflow.model import ENVIRONMENTS, Model
from tests.workflow.must_hold import MustHold
from tests.workflow.rough_world import Lag

STEPS = 25
MOST_BUILDS = 4
NEEDED = ("claim_promotion", "record", "mirror_environment", "survey_targets", "end_promotion", "compare_loads")
JUDGING = ("judge_tick", "watch_tick")
RAMPING = ("begin_ramp", "split", "split", "look_at_ramp", "show_ramp")
ACTIVITIES = (
    *NEEDED,
    *JUDGING,
    *RAMPING,
    "deploy",
    "swap",
    "stop_idle",
    "stop_old_side",
    "check_health",
    "look_at_live",
    "drive_load",
)
FLAWS = ("", "", "", "", "crashing", "bad load", "sick idle", "sick live", "sick later", "endless")
OFTEN = ("quick", "quick", "held", "stays", "promoted")
FLAWS_OF_RAMPS = ("", "", "", "harmful", "harmful later", "sick while ramping", "sick live", "endless")
ORCHESTRATIONS = ("promotion", "stage", "stage", "stage", "approval", "operation", "rollback", "canary_ramp")
NUDGES = ("arrive", "lost", "doubled", "every other lost")
LAGS = ("before", "after", "writing", "forgetting")
PAUSES = (0, 0, 1, 20, 20, 45, 60, 60, 130, 300, 1000, 4000)
TURNS = (0, 7, 40, 150)
TO_A_RAMP = ("advance", "promote", "rollback")

Step = tuple[Any, ...]
Story = list[Step]


class Life:
    """Tells a story to a model, step by step, and looks after each whether all is as it must be."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.holds = MustHold(model)
        self._holds: list[tuple[str, str]] = []

    async def tell(self, story: Story) -> None:
        """Raises AssertionError when something is not as it must be."""
        for name, *given in story:
            await getattr(self, name)(*given)
            await self._look()
        await self.holds.at_the_end()
        await self._look()

    async def _look(self) -> None:
        await self.holds.at_every_moment()
        for machine in MACHINES:
            unknown = self.model.flow.seen[machine.name] - machine.transitions
            assert not unknown, f"{machine.name}: not in the table: {sorted(unknown)}"

    def _which(self, n: int, state: str = "") -> str | None:
        """A promotion; if there are some with a stage in that state, one of these."""
        fitting = [id for id in self.model.builds if state and state in self.model.states(id)]
        among = fitting or list(self.model.builds)
        return among[n % len(among)] if among else None

    async def time_passes(self, seconds: float) -> None:
        await self.model.wait(seconds)
        await self.holds.when_all_is_quiet()

    async def a_moment_passes(self, turns: int) -> None:
        """Afterwards everything is in the middle of something."""
        await self.model.turns(turns)

    async def an_environment_is_new(self, environment: str) -> None:
        if not self.model.builds:
            self.model.nothing_is_live(environment)

    async def a_build_is_submitted(self, stages: tuple[str, ...], more: dict[str, Any]) -> None:
        if len(self.model.builds) < MOST_BUILDS:
            await self.model.submit(f"1.{len(self.model.builds) + 1}.0", stages, **more)

    async def a_message_comes_again(self, n: int) -> None:
        if id := self._which(n):
            await self.model.submit(self.model.builds[id].version, [plan.name for plan in self.model.stages[id]])

    async def somebody_votes(self, n: int, person: str, decision: str, late_s: float | None) -> None:
        if id := self._which(n, "waiting for approval"):
            await self.model.vote(id, person, decision, late_s=late_s)

    async def somebody_says(self, n: int, command: str, stage: str, key: str, mark: bool) -> None:
        if id := self._which(n, "ramping" if command in TO_A_RAMP else {"retry": "failed"}.get(command, "")):
            await self.model.tell(id, command, stage=stage, key=key, mark=mark)

    async def somebody_rolls_back(self, n: int, stage: str) -> None:
        if id := self._which(n, "passed"):
            await self.model.roll_back(id, stage)

    async def somebody_holds(self, environment: str, minutes: float) -> None:
        self._holds.append((environment, await self.model.hold(environment, minutes)))

    async def a_hold_is_lifted(self, n: int) -> None:
        if self._holds:
            await self.model.lift(*self._holds[n % len(self._holds)])

    async def a_lock_is_opened(self, environment: str) -> None:
        await self.model.lift(min(self.model.broken, default=environment))

    async def the_host_is_killed(self) -> None:
        await self.model.restart()

    async def the_host_dies_at_work(self, calls: int) -> None:
        self.model.flow.dies_in(calls)

    async def somebody_ends(self, orchestration: str, n: int, how: str) -> None:
        """An orchestration that runs is terminated or purged."""
        running = self.model.running(orchestration)
        if running:
            await getattr(self.model, how)(running[n % len(running)])

    async def the_janitor_comes(self) -> None:
        await self.model.janitor()

    async def nudges(self, how: str) -> None:
        self.model.flow.nudges = how

    async def the_worker_breaks_down(self, activity: str, times: int) -> None:
        self.model.world.raising[activity] += times

    async def a_service_is_away(self, activity: str, times: int) -> None:
        self.model.world.away[activity] += times

    async def a_call_is_slow(self, activity: str, where: str, seconds: float) -> None:
        self.model.world.lags.setdefault(activity, []).append(Lag(where, seconds))

    async def swaps_will_fail(self, times: int) -> None:
        self.model.world.refused_swaps += times

    async def splits_will_fail(self, times: int) -> None:
        self.model.world.refused_splits += times

    async def telemetry_is_away(self, away: bool) -> None:
        self.model.world.no_telemetry = away

    async def checks_cannot_be_run(self, broken: bool) -> None:
        self.model.world.broken_checks = broken

    async def targets_cannot_be_read(self, unreadable: bool) -> None:
        self.model.world.unreadable = unreadable


def a_story(seed: int) -> Story:
    """The story of that seed; after most of its steps time passes, long enough for something to happen."""
    draw = random.Random(seed)
    story: Story = [("an_environment_is_new", draw.choice(tuple(ENVIRONMENTS)))] if draw.random() < 0.1 else []
    story.append(_a_build(draw))
    weights, makers = zip(*_STEPS, strict=True)
    for _ in range(STEPS):
        story.append(draw.choices(makers, weights)[0](draw))
        turns = ("a_moment_passes", draw.choice(TURNS))
        story.append(turns if draw.random() < 0.3 else ("time_passes", draw.choice(PAUSES)))
    return story


async def outcome_of(story: Story) -> Exception | None:
    """What goes wrong in a story; None when nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        async with Model(str(Path(folder) / "hub.sqlite")) as model:
            try:
                await Life(model).tell(story)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is what was looked for
                return problem
    return None


async def shortest(story: Story, problem: Exception, tries: int = 300) -> Story:
    """A shorter story that goes wrong in the same place: without all that may be left out (ddmin, after Zeller)."""
    part = len(story) // 2
    while part >= 1:
        start = 0
        while start < len(story) and tries > 0:
            without = story[:start] + story[start + part :]
            tries -= 1
            other = await outcome_of(without)
            if other is not None and _where(other) == _where(problem):
                story = without
            else:
                start += part
        part //= 2
    return story


def _where(problem: Exception) -> tuple[str, int]:
    """The line that raised it."""
    last = traceback.extract_tb(problem.__traceback__)[-1]
    return last.filename, last.lineno or 0


def as_code(story: Story) -> str:
    """A story as the body of a test."""
    lines = [f"await life.{name}({', '.join(map(repr, given))})" for name, *given in story]
    return "\n".join([*lines, "await check_the_end(model)"])


def _a_build(draw: random.Random) -> Step:
    more = {
        "finished": draw.randint(-2, 2),
        "flaw": draw.choice(FLAWS),
        "mode": draw.choice(["queue", "supersede", "ignore"]),
        "at_least": draw.choice([1, 1, 2]),
        "load": draw.random() < 0.5,
    }
    stages = draw.choice([("dev",), ("production",), ("dev", "production")])
    if "production" in stages and draw.random() < 0.5:
        more |= {"ramp": draw.choice(OFTEN), "at_least": draw.choice([0, 0, 1])}
        more["flaw"] = draw.choice(FLAWS_OF_RAMPS)
    elif "production" in stages and draw.random() < 0.5:
        more |= {"switch": draw.choice(["asked", "asked", "kept"]), "at_least": draw.choice([0, 0, 1])}
    return "a_build_is_submitted", stages, more


def _a_vote(draw: random.Random) -> Step:
    person = draw.choice(["Alice", "Dave", "Alice", "Dave", "Bob", "Carol"])
    decision = draw.choices([APPROVE, REJECT], [6, 1])[0]
    return "somebody_votes", draw.randrange(4), person, decision, draw.choice([None] * 6 + [0.0, 1.0])


def _a_command(draw: random.Random) -> Step:
    command = draw.choice(["abort", "abort", "retry", "retry", "retry", "pause", "resume"])
    stage = draw.choice(["", "", *ENVIRONMENTS])
    return "somebody_says", draw.randrange(4), command, stage, draw.choice(["", "", "", "same"]), draw.random() < 0.7


def _to_a_ramp(draw: random.Random) -> Step:
    command = draw.choice(TO_A_RAMP)
    return "somebody_says", draw.randrange(4), command, draw.choice(["", "production"]), "", True


def _of(name: str, *choices: tuple[Any, ...]) -> Callable[[random.Random], Step]:
    return lambda draw: (name, *(draw.choice(each) for each in choices))


_STEPS: list[tuple[float, Callable[[random.Random], Step]]] = [
    (4, _a_build),
    (1, _of("a_message_comes_again", range(4))),
    (6, _a_vote),
    (5, _a_command),
    (3, _to_a_ramp),
    (1, _of("somebody_rolls_back", range(4), tuple(ENVIRONMENTS))),
    (1, _of("somebody_holds", tuple(ENVIRONMENTS), (1, 30, 90))),
    (1, _of("a_hold_is_lifted", range(4))),
    (1, _of("a_lock_is_opened", tuple(ENVIRONMENTS))),
    (2, _of("the_host_is_killed")),
    (1.5, _of("the_host_dies_at_work", (1, 2, 3, 5, 8, 13, 30))),
    (1.5, _of("somebody_ends", ORCHESTRATIONS, range(4), ("terminate", "terminate", "purge"))),
    (1, _of("the_janitor_comes")),
    (1, _of("nudges", NUDGES)),
    (1.5, _of("the_worker_breaks_down", ACTIVITIES, (1, 2, 3))),
    (1.5, _of("a_service_is_away", (*NEEDED, *JUDGING), (1, 3, 40))),
    (4, _of("a_call_is_slow", ACTIVITIES, LAGS, (1.0, 25.0, 300.0))),
    (1.5, _of("swaps_will_fail", (1, 2, 2))),
    (1, _of("splits_will_fail", (1, 2, 2, 12))),
    (1, _of("telemetry_is_away", (True, False, False))),
    (1, _of("checks_cannot_be_run", (True, False, False))),
    (1, _of("targets_cannot_be_read", (True, False, False))),
]
