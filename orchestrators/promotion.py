"""Orchestration `promotion`: one build's journey. Starts every stage at once; each waits for its needs."""

from dataclasses import replace
from typing import Any

import azure.durable_functions as df

from orchestrators.artifact_pins import asked_again, asked_once, found
from orchestrators.waiting import LONGEST_WAIT, Context, Durable, NotTaken, ask_decisions, given, insist, now, nudge_or
from slipway.promotion.about import about_build
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.overall import ALL_PASSED, overall
from slipway.promotion.promotion_run import PROMOTION_LOST, PromotionRun
from slipway.promotion.stage_parts import Ending

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="promotion")
def promotion(context: df.DurableOrchestrationContext) -> Durable:
    """Claim the promotion, run its stages, and in a generation of its own say how it ended.

    Input: a `PromotionRun` as JSON. The claim decides which of several starts of the same promotion
    is the one that counts; the others end without effect. When an orchestration of it was lost, it is
    closed: it waits until every stage is over, and then ends.
    """
    run = PromotionRun.load(given(context))
    try:
        if run.ending:
            return (yield from _end(context, run))
        if run.closing:
            run = yield from _closed(context, run, run.closing)
            context.continue_as_new(run.dump())
            return None
        claim = yield from insist(context, "claim_promotion", {"promotion": run.id, "token": run.token})
        if claim.state != Outcome.PASSED:
            return {"outcome": claim.state, "code": claim.code, "words": claim.words}
        if claim.result["claim"] != "mine":
            return {"outcome": "another run has this promotion"}
        run = yield from _pinned(context, run)
    except NotTaken:
        context.continue_as_new(run.dump())
        return None
    if run.ending or not run.pinned:
        context.continue_as_new(run.dump())
        return None
    children = []
    for stage in run.plan.stages:
        instance = stage_id(run.id, stage.name)
        children.append(context.call_sub_orchestrator("stage", run.stage_input(stage, instance), instance))
    try:
        run = replace(run, ending=overall((yield context.task_all(children))))
    except Exception as error:  # noqa: BLE001 - a stage answers; one that fails was ended from outside
        lost = Ending(Outcome.BROKEN, "STAGE_LOST", f"the orchestration of a stage was ended: {error}")
        run = replace(run, closing=lost)
    context.continue_as_new(run.dump())
    return None


def _closed(context: Context, run: PromotionRun, closing: Ending) -> Durable:
    """The run with its end once every stage is over. What stands in the place of a lost stage reports for it.

    In the place of a promotion that is no more (PROMOTION_LOST) nothing unproven goes on.
    """
    if not run.started_at:
        run = yield from _begin(context, run)
    abort = {"by": "slipway", "at": now(context), "reason": closing.words} if closing.code == PROMOTION_LOST else None
    asked = {"waiter": context.instance_id, "abort": abort}
    answer = yield from ask_decisions(context, run.id, "close_promotion", asked)
    if answer["do"] == "end":
        return replace(run, ending=ALL_PASSED if answer["passed"] else closing)
    said = {"state": "running", "since": run.started_at, "waits_for": "stages to be over"}
    context.set_custom_status(said)
    yield from nudge_or(context, context.current_utc_datetime + LONGEST_WAIT)
    return run


def _pinned(context: Context, run: PromotionRun) -> Durable:
    """The run, on record, with what it deploys; with an end when that is not to be had; or neither, to be asked again.

    Asked before it is on record that it begins, so that this says what is deployed. What takes longer is on record as
    waiting first.
    """
    if not run.started_at:
        run, answer = yield from asked_once(context, run)
        return (yield from _begin(context, run, answer))
    run, answer = yield from asked_again(context, run)
    if run.pinned:
        context.set_custom_status({"state": "running", "since": run.started_at})
        words, evidence = found(answer)
        yield from _record(context, run, 2, "pinned", f"what is deployed is known: {words}", {"artifacts": evidence})
    elif not run.ending:
        status = {"state": "running", "since": run.started_at, "waits_for": answer.words}
        context.set_custom_status(status)
    return run


def _begin(context: Context, run: PromotionRun, pinning: Answer | None = None) -> Durable:
    run = replace(run, started_at=now(context))
    yield from ask_decisions(context, run.id, "begin", {"stages": [stage.name for stage in run.plan.stages]})
    status = {"state": "running", "since": run.started_at}
    words = f"{run.build.service} {run.build.version} begins its way through {len(run.plan.stages)} stages"
    evidence: dict[str, Any] = {
        "build": run.build.dump(),
        "pipeline": run.plan.pipeline_digest,
        "submitted_by": run.submitted_by,
    }
    if pinning and pinning.running:
        status |= {"waits_for": pinning.words}
        words += f"; it waits: {pinning.words}"
    elif pinning:
        told, artifacts = found(pinning)
        words += f"; {told}" if told else ""
        evidence |= {"artifacts": artifacts}
    context.set_custom_status(status)
    yield from _record(context, run, 1, "started", words, evidence)
    return run


def _end(context: Context, run: PromotionRun) -> Durable:
    ending = run.ending
    assert ending is not None
    yield from ask_decisions(context, run.id, "end", {"outcome": ending.outcome})
    run = replace(run, ended_at=now(context))
    context.set_custom_status({"state": ending.outcome, "since": run.ended_at})
    action = ending.outcome.replace(" ", "-")
    yield from _record(context, run, 3, action, ending.words, {"code": ending.code})
    yield from insist(context, "end_promotion", {"promotion": run.id, "token": run.token})
    return {"outcome": ending.outcome, "code": ending.code, "words": ending.words}


def _record(
    context: Context, run: PromotionRun, rev: int, action: str, words: str, evidence: dict[str, Any]
) -> Durable:
    record = {
        "promotion": run.id,
        "id": f"{run.id}:{rev}",
        "at": now(context),
        "actor": "slipway",
        "action": f"promotion.{action}",
        "words": words,
        "evidence": evidence,
        "about": about_build(run.build, run.artifact),
        "row": {"key": "promotion", "rev": rev, "doc": run.row()},
        "listed_at": run.received_at,
        "service": run.build.service,
    }
    yield from insist(context, "record", record)
