"""The phases in which a stage works: deploy to the idle side, verify there, roll out, verify live."""

import math
from dataclasses import asdict, replace
from typing import Any

from orchestrators.environment_lock import ask_lock, mirror_lock
from orchestrators.fan_out import an_operation, health_checks, in_waves
from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, insist, now
from slipway.promotion import stage_run as phase
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S, LoadMeasurement, judge_load
from slipway.promotion.outcomes import Answer, Outcome, worst
from slipway.promotion.plan import LoadTest, Target
from slipway.promotion.stage_run import Site, StageRun, Step

SWAP_WITHIN_S = 900.0
VERIFY_TRIES = 3


def deploy(context: Context, run: StageRun) -> Durable:
    """Look at every target as it is, then deploy the build to all idle sides in parallel."""
    order = _survey(run)
    survey = yield from insist(context, "survey_targets", order)
    if survey.state != Outcome.PASSED:
        return run.ends(Outcome.BROKEN, survey.code, f"the targets could not be read: {survey.words}")
    sites = {name: Site(**site) for name, site in survey.result["sites"].items()}
    run = replace(run, sites=sites, since=now(context))
    silent = [name for name, site in sites.items() if not site.previous]
    if silent and run.live_before:
        words = f"{', '.join(silent)} answers no version, although {run.live_before} should be live"
        return run.ends(Outcome.BROKEN, "LIVE_UNREADABLE", words)
    asked, steps = [], []
    for target in run.changing:
        id = run.operation(target, "deploy")
        order = {**_change(run, target), "package": run.artifact}
        asked.append(an_operation(context, id, "deploy", order, run.plan.deploy_within_s))
        steps.append(Step("deploy", target.name, id))
    words = f"deploys {run.build.version} to the idle side of {_names(run)}{_drift(run)}"
    run, verdict = yield from _carried_out(context, run, "deploying", words, steps, asked)
    return _on(run, verdict, phase.VERIFY)


def verify(context: Context, run: StageRun) -> Durable:
    """Health check and load tests of every idle side, side by side; one verdict over all of them.

    Not enough evidence (the driver itself was late, say) is no verdict on the release: it is tried again.
    """
    run = replace(run, since=now(context))
    health = health_checks(context, run, f"health-{run.tick}", live=False)
    changing = run.changing
    steps = [Step("verify health", target.name, each["id"]) for target, each in zip(changing, health, strict=True)]
    drivers, tests = _load_drivers(context, run)
    steps += [Step(f"load {test.name}", target.name, ids[0]) for target, test, ids in tests]
    run = run.stepping(steps, now(context))
    run = yield from record_stage(
        context, run, "verifying", f"verifies {run.build.version} on the idle side of {_names(run)}"
    )
    answers = yield from in_waves(context, [*health, *drivers])
    ended = {each["id"]: answer for each, answer in zip([*health, *drivers], answers, strict=True)}
    verdicts = []
    for step in steps:
        verdict = ended[step.operation]
        for target, test, ids in tests:
            if (step.name, step.target) == (f"load {test.name}", target.name):
                verdict = _load_verdict(test, [ended[id] for id in ids])
        verdicts.append(_named(step.target, verdict))
        run = run.stepped(step.name, step.target, verdict, now(context))
    verdict = worst(verdicts)
    if verdict.outcome == Outcome.NOT_ENOUGH_EVIDENCE and run.tick + 1 < VERIFY_TRIES:
        return replace(run, tick=run.tick + 1)
    return _on(run, verdict, phase.ROLL_OUT)


def roll_out(context: Context, run: StageRun) -> Durable:
    """All at once: swap the slots of every target. From here on the new release serves the traffic."""
    run = replace(run, since=now(context))
    asked, steps = [], []
    for target in run.changing:
        id = run.operation(target, "swap")
        asked.append(an_operation(context, id, "swap", _change(run, target), SWAP_WITHIN_S))
        steps.append(Step("swap", target.name, id))
    words = f"swaps the slots of {_names(run)}"
    run, verdict = yield from _carried_out(context, run, "rolling-out", words, steps, asked)
    if verdict.outcome != Outcome.PASSED:
        return _on(run, verdict, phase.VERIFY_LIVE)
    release = {
        "version": run.build.version,
        "promotion": run.promotion,
        "finished_at": run.build.dump()["finished_at"],
        "received_at": run.received_at,
        "at": now(context),
    }
    yield from ask_lock(context, run, "switched", {"release": release})
    yield from mirror_lock(context, run)
    return replace(run, switched=True).to(phase.VERIFY_LIVE)


def verify_live(context: Context, run: StageRun) -> Durable:
    """Check that what answers at the live addresses is the version that was deployed, and healthy."""
    run = replace(run, since=now(context))
    asked = health_checks(context, run, "live", live=True)
    names = run.plan.targets
    steps = [Step("verify live", target.name, each["id"]) for target, each in zip(names, asked, strict=True)]
    words = f"verifies that {run.build.version} answers live"
    run, verdict = yield from _carried_out(context, run, "verifying-live", words, steps, asked)
    return _on(run, verdict, phase.BAKE)


def _carried_out(
    context: Context, run: StageRun, action: str, words: str, steps: list[Step], asked: list[dict[str, Any]]
) -> Durable:
    """Record, run, and note how each step ended. Returns the run and the verdict over all steps."""
    run = run.stepping(steps, now(context))
    run = yield from record_stage(context, run, action, words)
    answers = yield from in_waves(context, asked)
    named = [_named(step.target, answer) for step, answer in zip(steps, answers, strict=True)]
    for step, answer in zip(steps, named, strict=True):
        run = run.stepped(step.name, step.target, answer, now(context))
    return run, worst(named)


def _on(run: StageRun, verdict: Answer, following: str) -> StageRun:
    if verdict.outcome == Outcome.PASSED:
        return run.to(following)
    return run.ends(verdict.outcome, verdict.code, verdict.words)


def _named(target: str, answer: Answer) -> Answer:
    if answer.state == Outcome.PASSED or not answer.words:
        return answer
    return replace(answer, words=f"{target}: {answer.words}")


def _load_drivers(
    context: Context, run: StageRun
) -> tuple[list[dict[str, Any]], list[tuple[Target, LoadTest, list[str]]]]:
    """The driver operations of every load test and target, and which ids make up which test."""
    drivers: list[dict[str, Any]] = []
    tests = []
    for target in run.changing:
        for test in run.plan.loads:
            count = max(1, math.ceil(test.rate_per_s / DRIVER_RATE_PER_S))
            ids = [run.operation(target, f"load-{test.name}-{run.tick}-{driver}") for driver in range(count)]
            order = {
                "promotion": run.promotion,
                "url": run.sites[target.name].idle + test.path,
                "rate_per_s": test.rate_per_s / count,
                "duration_s": test.duration_s,
            }
            drivers += [an_operation(context, id, "drive_load", order, test.duration_s * 2 + 120) for id in ids]
            tests.append((target, test, ids))
    return drivers, tests


def _load_verdict(test: LoadTest, answers: list[Answer]) -> Answer:
    stopped = worst(answers)
    if stopped.outcome != Outcome.PASSED:
        return stopped
    measured = [LoadMeasurement.load(answer.result) for answer in answers]
    whole = measured[0]
    for each in measured[1:]:
        whole = whole.merge(each)
    return replace(judge_load(test, whole), at=max(answer.at for answer in answers))


def _change(run: StageRun, target: Target) -> dict[str, Any]:
    return {
        "promotion": run.promotion,
        "target": asdict(target),
        "version": run.build.version,
        "version_path": run.plan.health.version_path,
        "fence": run.fence,
    }


def _survey(run: StageRun) -> dict[str, Any]:
    targets = [asdict(target) for target in run.plan.targets]
    return {"promotion": run.promotion, "targets": targets, "version_path": run.plan.health.version_path}


def _names(run: StageRun) -> str:
    """The targets that change, in words; every one may answer this version already."""
    return ", ".join(target.name for target in run.changing) or "no target: it is live already"


def _drift(run: StageRun) -> str:
    """A live version that Slipway did not put there, in words."""
    others = {site.previous for site in run.sites.values()} - {run.live_before, run.build.version}
    if not run.live_before or not others:
        return ""
    return f"; found {', '.join(sorted(others))} live where Slipway had put {run.live_before}"
