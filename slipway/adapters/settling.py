"""Whether users have followed a switch that resolvers hear of: what they meet, and until when old answers may live."""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.sides import Met
from slipway.promotion.outcomes import Answer, moment, passed, running

_LATE_S = 5.0


def settled(
    words: str, warning: str, side: str, met: Met | None, ttl_s: float, handle: dict[str, Any] | None = None
) -> Answer:
    """Running until the moment that the handle has as `until`, and while users meet something else; then passed with
    the result `side`, the version that was `observed` ("" where nothing could tell) and `old_answers_s`. Without a
    handle there is nothing to wait for."""
    left = moment(handle["until"]) - clock.now() if handle else timedelta(0)
    late = met is not None and not met.all_new
    said = [words]
    if met:
        said.append(f"{met.new} of {met.looks} looks at the users' address met {met.version}")
    if handle and left > timedelta(0):
        said.append(f"answers from before may live for {left.total_seconds():.0f} s more")
        return running(handle, min(left.total_seconds(), max(_LATE_S, ttl_s / 4)), "; ".join(said))
    if handle and late:
        return running(handle, _LATE_S, "; ".join(said))
    if handle:
        said.append(f"answers from before lived for {ttl_s:g} s; whoever keeps them longer is not seen from here")
    said.append(warning)
    result = {"side": side, "observed": met.version if met else "", "old_answers_s": ttl_s}
    return passed("; ".join(filter(None, said)), **result)
