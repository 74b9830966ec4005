"""What is checked on the idle side of one target: its health, and its load tests with their drivers."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from orchestrators.fan_out import WIDEST, an_operation, health_checks
from orchestrators.waiting import Context
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S, LoadMeasurement, judge_load
from slipway.promotion.outcomes import Answer, Outcome, worst
from slipway.promotion.plan import LoadTest, Target
from slipway.promotion.stage_run import StageRun, Step

HEALTH = "verify health"


@dataclass(frozen=True)
class TargetChecks:
    """The operations of one target's checks, the steps that people see, and which ids make up which load test."""

    target: Target
    operations: list[dict[str, Any]]
    steps: list[Step]
    loads: list[tuple[LoadTest, list[str]]]

    def verdicts(self, ended: dict[str, Answer]) -> Iterator[tuple[str, Answer]]:
        """Each step's name with its verdict, from the answers of all operations by id."""
        yield HEALTH, ended[self.operations[0]["id"]]
        for test, ids in self.loads:
            yield f"load {test.name}", _load_verdict(test, [ended[id] for id in ids])


def in_parts(run: StageRun) -> list[list[Target]]:
    """The targets that change, in groups whose checks are at most 20 operations."""
    room, parts = 0, []
    needed = 1 + sum(_drivers(test) for test in run.plan.loads)
    for target in run.changing:
        if needed > room:
            parts.append([target])
            room = WIDEST
        else:
            parts[-1].append(target)
        room -= needed
    return parts


def target_checks(context: Context, run: StageRun, target: Target) -> TargetChecks:
    """The checks of one target, for the stage's present try (`tick`)."""
    health = health_checks(context, run, f"health-{run.tick}", live=False, targets=[target])
    steps, operations, loads = [Step(HEALTH, target.name, health[0]["id"])], health, []
    for test in run.plan.loads:
        drivers = _load_drivers(context, run, target, test)
        ids = [driver["id"] for driver in drivers]
        loads.append((test, ids))
        steps.append(Step(f"load {test.name}", target.name, ids[0]))
        operations = operations + drivers
    return TargetChecks(target, operations, steps, loads)


def _drivers(test: LoadTest) -> int:
    return max(1, math.ceil(test.rate_per_s / DRIVER_RATE_PER_S))


def _load_drivers(context: Context, run: StageRun, target: Target, test: LoadTest) -> list[dict[str, Any]]:
    count = _drivers(test)
    order = {
        "promotion": run.promotion,
        "url": run.sites[target.name].idle + test.path,
        "rate_per_s": test.rate_per_s / count,
        "duration_s": test.duration_s,
        "headers": [asdict(header) for header in test.headers],
    }
    ids = [run.operation(target, f"load-{test.name}-{run.tick}-{driver}") for driver in range(count)]
    within_s = test.duration_s * 2 + 120
    return [an_operation(context, id, "drive_load", order, within_s) for id in ids]


def _load_verdict(test: LoadTest, answers: list[Answer]) -> Answer:
    stopped = worst(answers)
    if stopped.outcome != Outcome.PASSED:
        return stopped
    measured = [LoadMeasurement.load(answer.result) for answer in answers]
    whole = measured[0]
    for each in measured[1:]:
        whole = whole.merge(each)
    return replace(judge_load(test, whole), at=max(answer.at for answer in answers))
