"""How a promotion fixes what it deploys: asked first thing, and again until it is known or will not be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.waiting import LONGEST_PAUSE, Context, Durable, called
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.pins import Pin, is_package
from slipway.promotion.plain import plain
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stored import known

TRIES = 10  # a generation
FIRST_PAUSE_S = 5.0


def asked_once(context: Context, run: PromotionRun) -> Durable:
    """The run with its artifacts pinned, with the end that it comes to without them, or as it was; and the answer."""
    order = {
        "promotion": run.id,
        "operation": child_id(run.id, "pin", "1"),
        "artifacts": list(run.artifacts),
        "digest": run.digest_to_find,
        "handle": run.pinning,
    }
    answer = yield from called(context, "pin_artifacts", order)
    if answer.running:
        return replace(run, pinning={**answer.handle, "pause_s": _pause_s(run, answer)}), answer
    if answer.outcome != Outcome.PASSED:
        return replace(run, ending=Ending(answer.state, answer.code, answer.words)), answer
    pins = {pin["address"]: pin["at"] for pin in answer.result["pins"] if pin["at"] != pin["address"]}
    return replace(run, pins=pins, pinned=True), answer


def asked_again(context: Context, run: PromotionRun) -> Durable:
    """The same after some tries with growing pauses. A longer one that Azure wants is kept by the activity, which sees
    an abort meanwhile."""
    answer = Answer(Outcome.PASSED)
    for _ in range(TRIES):
        pause = timedelta(seconds=run.pinning.get("pause_s", FIRST_PAUSE_S))
        yield context.create_timer(context.current_utc_datetime + pause)
        run, answer = yield from asked_once(context, run)
        if not answer.running:
            break
    return run, answer


def _pause_s(run: PromotionRun, answer: Answer) -> float:
    """Until the next try: they grow from one generation to the next as well."""
    grown_s = 2 * run.pinning["pause_s"] if "pause_s" in run.pinning else FIRST_PAUSE_S
    return float(min(max(grown_s, answer.after_s), LONGEST_PAUSE.total_seconds()))


def found(answer: Answer) -> tuple[str, list[dict[str, Any]]]:
    """In words for people, and as evidence. Words say nothing of a package at its usual address."""
    pins = [Pin(**{**known(Pin, each), "parts": ()}) for each in answer.result.get("pins") or ()]
    told = [pin for pin in pins if pin.at != pin.address or not is_package(pin.address)]
    return "; ".join(pin.words for pin in told), [plain(pin) for pin in pins]
