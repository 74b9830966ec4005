"""What a rollback brings beside the code, for the answer to who asks for one; refused when it could not serve."""

import asyncio
from typing import Any

from slipway.promotion.errors import Refused, SlipwayError
from slipway.promotion.release_parts import before
from slipway.promotion.release_parts.before import Before, would_bring
from slipway.promotion.release_parts.configuration import GONE, KeptConfiguration
from slipway.promotion.release_parts.known import leads_to


async def brought_beside(lock: dict[str, Any]) -> str:
    """Configuration and flags that come back with the code of the release before, by the copy of its `lock`, in words;
    empty without any. Raises Refused CONFIGURATION_GONE."""
    back, changed = leads_to(lock)
    if not back.configuration.label and not changed and not (lock["live"] or {}).get("configuration"):
        return ""
    seen = await asyncio.to_thread(_seen, back)
    if seen.state == before.GONE:
        words = f"{back.version} cannot serve again: {seen.words}"
        raise Refused(GONE, f"{words}; then say rollback again, or promote a build that is good")
    told = would_bring(seen, changed)
    return "; ".join(("", *told.brings, f"not: {', '.join(told.leaves)}"))


def _seen(back: Before) -> Before:
    if not back.configuration.label:
        return back
    from slipway.adapters.configuration.fixing import Fixing

    try:
        answer = Fixing().look(KeptConfiguration.load(vars(back.configuration)))
    except SlipwayError as error:  # the way back looks again
        return Before(back.version, back.configuration, before.UNREAD, f"could not be looked at: {error.words}")
    return Before(back.version, back.configuration, answer.result["state"], answer.words)
