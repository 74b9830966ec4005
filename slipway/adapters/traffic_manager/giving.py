"""Giving a side its share of what a profile answers: read, write, read back.

The handle is `{"kind": "intended"}` as long as there may be something left to write, so that each write is made under
the fence; `shows` is what our last one, on the way to `share`, made of the endpoints. What somebody else writes
meanwhile is not fought over.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.sides import other_side
from slipway.adapters.traffic_manager.profile import Place, Profile, Shown
from slipway.adapters.traffic_manager.weights import Pair, Weight
from slipway.promotion.outcomes import Answer, broken, iso, moment, running
from slipway.settings import Settings

SOON_S = 2.0


class Giving:
    """`settle_s`: how long what Azure shows may differ from what it has accepted. Raises AzureProblem."""

    def __init__(self, settings_: Settings, settle_s: float) -> None:
        self._settings = settings_
        self._settle = timedelta(seconds=settle_s)

    def profile(self, place: Place) -> Profile:
        return Profile(self._settings, place)

    def towards(self, place: Place, shown: Shown, handle: dict[str, Any], side: str, share: float) -> Answer | None:
        """The next of the writes that give the side `share` (0..1), and None when there is none left. Broken
        WEIGHT_NOT_APPLIED when Azure does not show what was written."""
        pair = shown.pair(side)
        write = pair.next_write(share)
        if write is None:
            return None
        if "shows" in handle and not _follows(pair, _load(handle["shows"]), (handle["share"], share)):
            return self._differs(place, shown, handle, side)
        self.profile(place).write(shown.sides[side if write.side else other_side(side)], write.weight)
        written = {**handle, "written_at": iso(clock.now()), "share": share}
        written["shows"] = _dump(pair.after(write))
        return running(written, SOON_S, f"{share:.1%} for {shown.sides[side].name} is on its way")

    def _differs(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        written = _load(handle["shows"])
        name = shown.sides[side].name
        words = f"{place.profile} gives {name} {shown.pair(side).share:.1%}, and was given {written.share:.1%}"
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, SOON_S, words)
        return broken("WEIGHT_NOT_APPLIED", f"{words}: Azure has not kept it, or somebody else has changed it")


def _follows(pair: Pair, written: Pair, shares: tuple[float, float]) -> bool:
    """Whether the endpoints are as they were written, or as the next write towards one of the shares makes them, whose
    answer may have been lost."""
    writes = filter(None, map(written.next_write, shares))
    return pair in (written, *map(written.after, writes))


def _dump(pair: Pair) -> list[list[int | bool]]:
    return [[each.value, each.enabled] for each in (pair.side, pair.other)]


def _load(shows: list[list[Any]]) -> Pair:
    side, other = (Weight(int(value), bool(enabled)) for value, enabled in shows)
    return Pair(side, other)
