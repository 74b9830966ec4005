"""What is checked on the idle side of one target: its health, its load tests with their drivers, and its tests."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrators.fan_out import WIDEST, an_operation, health_checks, reachable
from orchestrators.jobs import a_test
from orchestrators.waiting import Context, Durable, insist
from slipway.promotion.job_plan import JobTest
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S, LoadMeasurement, judge_load
from slipway.promotion.load_runs.judgement import judge_run
from slipway.promotion.load_runs.measured import RunMeasurement
from slipway.promotion.outcomes import Answer, Outcome, worst
from slipway.promotion.plain import plain
from slipway.promotion.plan import LoadTest, Target
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

HEALTH = "verify health"


@dataclass(frozen=True)
class Verdict:
    """What a step of a target came to; of a load test that was driven, what was measured, too."""

    step: str
    target: str
    answer: Answer
    test: LoadTest | None = None
    measured: LoadMeasurement | RunMeasurement | None = None

    @property
    def comparable(self) -> bool:
        """Whether it is a load within its own limits, which are judged first."""
        return self.measured is not None and self.answer.outcome == Outcome.PASSED


@dataclass(frozen=True)
class TargetChecks:
    """The operations of one target's checks, the steps that people see, which ids make up which load test, and which is
    of which tests."""

    target: Target
    operations: list[dict[str, Any]]
    steps: list[Step]
    loads: list[tuple[LoadTest, list[str]]]
    tests: list[tuple[JobTest, str]] = field(default_factory=list)

    def verdicts(self, ended: dict[str, Answer]) -> Iterator[Verdict]:
        """Each step's verdict by itself, from the answers of all operations by id."""
        for step in self.steps:
            if step.name == HEALTH:
                yield Verdict(HEALTH, self.target.name, ended[step.operation])
        for test, ids in self.loads:
            yield _load_verdict(test, self.target.name, [ended[id] for id in ids])
        for tests, id in self.tests:
            yield Verdict(_called(tests), self.target.name, ended[id])


def in_parts(run: StageRun) -> list[list[Target]]:
    """The targets that change, in groups whose checks are at most 20 operations."""
    room, parts = 0, []
    loads = 1 + sum(_drivers(test) for test in run.plan.loads)
    for target in run.changing:
        needed = loads + len(_tests_of(run, target))
        if needed > room:
            parts.append([target])
            room = WIDEST
        else:
            parts[-1].append(target)
        room -= needed
    return parts


def target_checks(context: Context, run: StageRun, target: Target) -> TargetChecks:
    """The checks of one target, for the stage's present try (`tick`)."""
    operations = health_checks(context, run, f"health-{run.tick}", live=False, targets=reachable([target]))
    steps, loads = [Step(HEALTH, target.name, health["id"]) for health in operations], []
    for test in run.plan.loads if operations else ():
        drivers = [_load_run(context, run, target, test)] if test.run else _load_drivers(context, run, target, test)
        ids = [driver["id"] for driver in drivers]
        loads.append((test, ids))
        steps.append(Step(f"load {test.name}", target.name, ids[0]))
        operations = operations + drivers
    tests = []
    for each in _tests_of(run, target):
        operation = a_test(context, run, each, target)
        tests.append((each, operation["id"]))
        steps.append(Step(_called(each), target.name, operation["id"]))
        operations = [*operations, operation]
    return TargetChecks(target, operations, steps, loads, tests)


def _tests_of(run: StageRun, target: Target) -> list[JobTest]:
    """Those that run against the target; the first one has those of the whole stage."""
    is_first, answers = target == run.changing[0], target.of_kind.answers
    return [test for test in run.plan.tests if (is_first if test.once else answers)]


def _called(test: JobTest) -> str:
    return "tests" if test.name == "tests" else f"tests {test.name}"


def _drivers(test: LoadTest) -> int:
    return max(1, math.ceil(test.rate_per_s / DRIVER_RATE_PER_S))


def _load_drivers(context: Context, run: StageRun, target: Target, test: LoadTest) -> list[dict[str, Any]]:
    count = _drivers(test)
    order = {
        "promotion": run.promotion,
        "url": run.sites[target.name].idle + test.path,
        "rate_per_s": test.rate_per_s / count,
        "duration_s": test.duration_s,
        "headers": [plain(header) for header in test.headers],
    }
    ids = [run.operation(target, f"load-{test.name}-{run.tick}-{driver}") for driver in range(count)]
    return [an_operation(context, id, "drive_load", order, test.longest_s) for id in ids]


def _load_run(context: Context, run: StageRun, target: Target, test: LoadTest) -> dict[str, Any]:
    """A load that Azure drives is one operation, however large."""
    order = {
        "promotion": run.promotion,
        "run": plain(test.run),
        "called": f"{run.version_of(target.name)} {run.plan.name} {target.name}",
        "address": run.sites[target.name].idle,
        "version": run.version_of(target.name),
        "compared": bool(test.against),
    }
    id = run.operation(target, f"load-{test.name}-{run.tick}")
    return an_operation(context, id, "run_load_test", order, test.longest_s)


def compared(context: Context, run: StageRun, verdicts: list[Verdict]) -> Durable:
    """The verdicts, once the loads among them were kept and compared with the previous release. Raises NotTaken."""
    for service in dict.fromkeys(run.service_of(each.target) for each in verdicts if each.comparable):
        verdicts = yield from _compared(context, run, verdicts, service)
    return verdicts


def _compared(context: Context, run: StageRun, verdicts: list[Verdict], service: str) -> Durable:
    """The same of one service's loads: each is compared with its own previous release."""

    def is_its(each: Verdict) -> bool:
        return each.comparable and run.service_of(each.target) == service

    order = {
        "promotion": run.promotion,
        "service": service,
        "environment": run.plan.environment,
        "stage": run.plan.name,
        "version": run.version_at(service),
        "rev": run.attempt * 1000 + run.tick,
        "loads": [_measured(each) for each in verdicts if is_its(each)],
    }
    answer = yield from insist(context, "compare_loads", order)
    if answer.state != Outcome.PASSED:
        return [replace(each, answer=answer) if is_its(each) else each for each in verdicts]
    further = iter(answer.result["verdicts"])
    return [_joined(each, Answer.load(next(further))) if is_its(each) else each for each in verdicts]


def _measured(verdict: Verdict) -> dict[str, Any]:
    assert verdict.test is not None and verdict.measured is not None
    return {"target": verdict.target, "test": plain(verdict.test), "measured": verdict.measured.dump()}


def _joined(verdict: Verdict, comparison: Answer) -> Verdict:
    """The load's own limits were kept, so the comparison decides; what was measured stays beside it."""
    words = comparison.words
    if comparison.outcome == Outcome.PASSED:
        words = "; ".join(filter(None, (verdict.answer.words, words)))
    result = {**verdict.answer.result, **comparison.result}
    return replace(verdict, answer=replace(comparison, words=words, result=result, at=verdict.answer.at))


def _load_verdict(test: LoadTest, target: str, answers: list[Answer]) -> Verdict:
    step, stopped = f"load {test.name}", worst(answers)
    if stopped.outcome != Outcome.PASSED:
        return Verdict(step, target, stopped)
    if test.run:
        seen = RunMeasurement.load(stopped.result)
        return Verdict(step, target, replace(judge_run(test, seen), at=stopped.at), test, seen)
    measured = [LoadMeasurement.load(answer.result) for answer in answers]
    whole = measured[0]
    for each in measured[1:]:
        whole = whole.merge(each)
    verdict = replace(judge_load(test, whole), at=max(answer.at for answer in answers))
    return Verdict(step, target, verdict, test, whole)
