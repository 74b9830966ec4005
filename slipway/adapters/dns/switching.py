"""Sending all users to one side by what a record of Azure DNS says: all or nothing.

First the record's TTL is brought down to the section's, if it is longer, and resolvers get the time of the old one to
forget it; then the record names the other side. The TTL stays where it is then: the way back is as fast.

The handle is `{"kind": "intended"}` until the side is written, so that each write is made under the fence, with
`old_ttl_s` while the TTL is brought down; then `written` until Azure shows the side, and `settling` until users meet
it.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.dns.record import Place, Record, Shown, is_id, place_of
from slipway.adapters.settling import settled
from slipway.adapters.sides import BLUE, GREEN, what_users_meet
from slipway.promotion.outcomes import Answer, broken, iso, moment, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from slipway.settings import Settings, settings

_SOON_S = 2.0
_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}


class DnsSwitch:
    """Its targets have a section `dns`. `settle_s`: how long what Azure shows may differ from what it has accepted;
    `name_servers_s`: how long its name servers take to hear of a write."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0, name_servers_s: float = 60.0) -> None:
        self._settings = settings_ or settings()
        self._settle = timedelta(seconds=settle_s)
        self._name_servers = timedelta(seconds=name_servers_s)

    def read(self, target: Target) -> SwitchState:
        """What the record says now. Raises AzureProblem."""
        place = place_of(target)
        record = self._record(place)
        shown = record.show()
        return SwitchState(
            side=place.side_at(shown.points_at),
            users=record.address("users", shown.host),
            sides={side: record.address(side, place.sides[side]) for side in (BLUE, GREEN)},
            in_progress=shown.in_progress,
        )

    def start(self, target: Target, side: str, operation: str, resuming: bool) -> Answer:
        """Send all users to `side`; passed at once when they are sent there already, unless it may be since a moment
        ago (`resuming`)."""
        return self._going_on(target, {"kind": "intended", "operation": operation}, side, first=not resuming)

    def poll(self, target: Target, handle: dict[str, Any], side: str) -> Answer:
        """Passed when users meet the side; broken SWITCHED_ELSEWHERE when the record names something third,
        SWITCH_NOT_APPLIED when it does not say what was written, and SWITCH_REFUSED in Azure's words."""
        return self._going_on(target, handle, side, first=False)

    def _going_on(self, target: Target, handle: dict[str, Any], side: str, first: bool) -> Answer:
        try:
            place = place_of(target)
            shown = self._record(place).show()
            if refusal := _refused(place, shown, side):
                return refusal
            if place.side_at(shown.points_at) != side:
                return self._on_the_way(place, shown, handle, side)
            if first:
                return settled(f"{place.called} already names {shown.points_at}", "", side, None, 0.0)
            return self._settling(place, shown, handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("SWITCH_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, _SOON_S)

    def _on_the_way(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        if handle["kind"] in ("written", "settling"):
            words = f"{place.called} names {shown.points_at or 'nothing'}, and {place.sides[side]} was written"
            return self._differs(handle, words)
        if "old_ttl_s" not in handle and shown.ttl_s > place.ttl_s:
            # Told before it is written: a TTL that is found lowered would not say how long the old one was.
            words = f"the TTL of {place.called} is brought down from {shown.ttl_s:g} s first"
            return running({**handle, "old_ttl_s": shown.ttl_s}, _SOON_S, words)
        if "old_ttl_s" in handle and (goes_on := self._lowering(place, shown, handle)):
            return goes_on
        if (left := _old_ttl_left(shown)) > timedelta(0):  # of an operation that lowered it and came no further
            return running(handle, left.total_seconds(), f"the old TTL of {place.called} is waited out")
        self._record(place).write(shown, place.sides[side])
        written = {**handle, "kind": "written", "written_at": iso(clock.now())}
        return running(written, _SOON_S, f"{place.called} names {place.sides[side]} from now on")

    def _lowering(self, place: Place, shown: Shown, handle: dict[str, Any]) -> Answer | None:
        """None when nobody can hold an answer of the old TTL any more."""
        if "until" not in handle:
            wait = self._name_servers + timedelta(seconds=float(handle["old_ttl_s"]))
            until = iso(clock.now() + wait)
            if shown.ttl_s > place.ttl_s:
                noted = until if moment(until) - clock.now() > _old_ttl_left(shown) else shown.old_ttl_until
                self._record(place).write(shown, old_ttl_until=noted)
            waits = {**handle, "written_at": iso(clock.now()), "until": until}
            return running(waits, wait.total_seconds(), f"the old TTL of {place.called} is waited out")
        if (left := moment(handle["until"]) - clock.now()) > timedelta(0):
            return running(handle, left.total_seconds(), f"the old TTL of {place.called} is waited out")
        if shown.ttl_s > place.ttl_s:
            return self._differs(
                handle, f"{place.called} has a TTL of {shown.ttl_s:g} s, and was given {place.ttl_s:g}"
            )
        return None

    def _differs(self, handle: dict[str, Any], words: str) -> Answer:
        if handle["kind"] != "settling" and clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, _SOON_S, words)
        return broken("SWITCH_NOT_APPLIED", f"{words}: Azure has not kept it, or somebody else has changed it")

    def _settling(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        old_s = self._name_servers.total_seconds() + shown.ttl_s
        old_s = max(old_s, _old_ttl_left(shown).total_seconds())
        if handle["kind"] != "settling":
            handle = {**handle, "kind": "settling", "until": iso(clock.now() + timedelta(seconds=old_s))}
        record = self._record(place)
        users, there = record.address("users", shown.host), record.address(side, place.sides[side])
        met = what_users_meet(users, there, place.version_path, self._settings)
        return settled(f"{place.called} names {shown.points_at}", "", side, met, old_s, handle)

    def _record(self, place: Place) -> Record:
        return Record(self._settings, place)


def _old_ttl_left(shown: Shown) -> timedelta:
    """For how long resolvers may still hold answers of a TTL that was longer."""
    try:
        return moment(shown.old_ttl_until) - clock.now()
    except (ValueError, TypeError):  # none, or somebody wrote something else there
        return timedelta(0)


def _refused(place: Place, shown: Shown, side: str) -> Answer | None:
    """Of a record that is none of two sides', or of the other form."""
    if not shown.points_at:
        return None
    if not place.side_at(shown.points_at):
        words = f"{place.called} names {shown.points_at}, which is neither blue nor green: somebody else has it"
        return broken("SWITCHED_ELSEWHERE", words)
    if shown.alias != is_id(place.sides[side]):
        form, said = ("an alias", "a name") if shown.alias else ("no alias", "a resource")
        return broken("SWITCH_REFUSED", f"{place.called} is {form}, and {side} is {said}: a switch turns none into one")
    return None
