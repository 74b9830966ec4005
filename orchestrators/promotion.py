"""Orchestration `promotion`: one build's journey. Starts every stage at once; each waits for its needs."""

from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Context, Durable, ask_decisions, insist, now
from slipway.promotion.ids import stage_id
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.stage_run import Ending, overall

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="promotion")
def promotion(context: df.DurableOrchestrationContext) -> Durable:
    """Claim the promotion, run its stages, say how it ended.

    Input: a `PromotionRun` as JSON. The claim decides which of several starts of the same promotion
    is the one that counts; the others end without effect.
    """
    run = PromotionRun.load(context.get_input())
    claim = yield from insist(context, "claim_promotion", {"promotion": run.id, "token": run.token})
    if claim.result.get("claim") != "mine":
        return {"outcome": "another run has this promotion"}
    started_at = now(context)
    context.set_custom_status({"state": "running", "since": started_at})
    words = f"{run.build.service} {run.build.version} begins its way through {len(run.plan.stages)} stages"
    yield from _record(context, run, 1, "started", words, run.row("running", started_at))
    children = []
    for stage in run.plan.stages:
        instance = stage_id(run.id, stage.name)
        children.append(context.call_sub_orchestrator("stage", run.stage_input(stage, instance), instance))
    outcomes = yield context.task_all(children)
    ending = overall(outcomes)
    yield from ask_decisions(context, run.id, "end", {"outcome": ending.outcome})
    context.set_custom_status({"state": ending.outcome, "since": now(context)})
    row = run.row(ending.outcome, started_at, now(context), ending)
    action = ending.outcome.replace(" ", "-")
    yield from _record(context, run, 2, action, ending.words, row, ending)
    yield from insist(context, "end_promotion", {"promotion": run.id, "token": run.token})
    return {"outcome": ending.outcome, "code": ending.code, "words": ending.words}


def _record(
    context: Context,
    run: PromotionRun,
    rev: int,
    action: str,
    words: str,
    row: dict[str, Any],
    ending: Ending | None = None,
) -> Durable:
    evidence = {"code": ending.code} if ending else {"build": run.build.dump(), "pipeline": run.plan.pipeline_digest}
    record = {
        "promotion": run.id,
        "id": f"{run.id}:{rev}",
        "at": now(context),
        "actor": "slipway",
        "action": f"promotion.{action}",
        "words": words,
        "evidence": evidence,
        "row": {"key": "promotion", "rev": rev, "doc": row},
        "listed_at": run.received_at if rev == 1 else "",
        "service": run.build.service,
    }
    yield from insist(context, "record", record)
