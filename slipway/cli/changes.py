"""What is new between two looks at a promotion, as lines for a pipe or a log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from slipway.cli.api_answers import Promotion, Stage, Step
from slipway.cli.looks import look
from slipway.cli.moments import spoken
from slipway.cli.printing import clean
from slipway.cli.stage_rows import RAMPING, stage_words, step_name, tries


@dataclass(frozen=True)
class Change:
    """Something that happened: in which stage (empty: to the whole promotion), its state, and words."""

    stage: str
    state: str
    words: str

    def line(self, now: datetime) -> str:
        """`✓ test        passed · error rate 0 % of 160 requests`."""
        return f"{look(self.state).icon} {clean(self.stage):<11} {clean(spoken(self.words, now))}".rstrip()


def changes(before: Promotion | None, after: Promotion, every_step: bool = False) -> list[Change]:
    """Stages that changed their state or their canary's share, and the promotion's own end. Of the steps that ended
    those that did not pass and load tests, or all with `every_step`."""
    earlier = {stage.name: stage for stage in before.stages} if before else {}
    found: list[Change] = []
    for stage in after.stages:
        found.extend(_of_stage(earlier.get(stage.name), stage, every_step))
    if after.over and not (before and before.over):
        reason = f": {after.words}" if after.words and after.state != "passed" else ""
        found.append(Change("", after.state, f"{after.service} {after.version} {after.state}{reason}"))
    return found


def _of_stage(before: Stage | None, after: Stage, every_step: bool) -> Iterator[Change]:
    ended = {_key(step) for step in before.steps if step.ended_at} if before else set()
    for step, of_try in zip(after.steps, tries(after), strict=True):
        worth_it = every_step or step.state != "passed" or step.name.startswith("load")
        if step.ended_at and worth_it and _key(step) not in ended:
            yield Change(after.name, step.state, _step_words(step, after, of_try))
    known = (before.state, _share(before)) if before else ("pending", None)
    if (after.state, _share(after)) != known:
        yield Change(after.name, after.state, stage_words(after))


def _share(stage: Stage) -> float | None:
    """A canary's share of the traffic, while it ramps."""
    return stage.ramp.share if stage.ramp and stage.state == RAMPING else None


def _key(step: Step) -> tuple[str, str, datetime | None]:
    return step.name, step.target, step.started_at


def _step_words(step: Step, stage: Stage, of_try: int) -> str:
    name = step_name(step, stage)
    if of_try < stage.attempt:
        name = f"try {of_try} · {name}"
    return f"{name}: {step.words}" if step.words else f"{name} {step.state}"
