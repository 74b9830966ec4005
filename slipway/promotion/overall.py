"""A promotion's end from those of its stages."""

from typing import Any

from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_parts import Ending

ALL_PASSED = Ending(Outcome.PASSED, "", "every stage passed")


def overall(outcomes: list[dict[str, Any]]) -> Ending:
    """A promotion's end from its stages': passed when all passed, else the gravest, with its reason.

    A stage that was only cancelled because one that it needs did not pass is a consequence, not a reason.
    """
    order = [Outcome.FAILED, Outcome.BROKEN, Outcome.NOT_ENOUGH_EVIDENCE, Outcome.CANCELLED, Outcome.PASSED]
    reasons = [each for each in outcomes if each["code"] != "NEED_NOT_PASSED"] or outcomes
    gravest = min(reasons, key=lambda each: order.index(Outcome(each["outcome"])))
    if gravest["outcome"] == Outcome.PASSED:
        return ALL_PASSED
    return Ending(gravest["outcome"], gravest["code"], f"stage {gravest['stage']}: {gravest['words']}")
