"""Making a version live: the switch sends the users to the side that holds it, once that side answers as that version.

The handle is the switch's own, below `switch`, and has its kind: so what may still write is known by it.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.aks.place import Place, other, place_of
from slipway.adapters.aks.sides import Sides
from slipway.adapters.aks.steps import SOON_S, Handle
from slipway.adapters.switches import switch_of
from slipway.promotion.outcomes import Answer, Outcome, broken, failed, iso, moment, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from slipway.promotion.ports import Switch

_MAY_BE_SILENT_FOR = timedelta(seconds=60)
_MAY_LACK_PODS_FOR = timedelta(minutes=5)  # then users get those that are there: a way back must not wait for room


class Swaps:
    """`settle_s`: how long users may meet the version before, once the switch says that they do not. Raises
    AzureProblem."""

    def __init__(self, sides: Sides, settle_s: float) -> None:
        self._sides = sides
        self._settle = timedelta(seconds=settle_s)

    def go_on(self, target: Target, handle: Handle, version: str, version_path: str) -> Answer:
        switch, place = switch_of(target, self._sides.settings), place_of(target)
        if handle["kind"] == "seen":
            return self._seen(place, switch.read(target), handle, version, version_path)
        if "switch" not in handle:
            begun = self._begin(target, place, switch, handle, version, version_path)
        else:
            begun = self._after(switch.poll(target, handle["switch"], handle["side"]), handle)
        if begun.running or begun.outcome is not Outcome.PASSED:
            return begun
        seen = {**handle, "kind": "seen", "at": iso(clock.now()), "words": begun.words}
        return self._seen(place, switch.read(target), seen, version, version_path)

    def _begin(
        self, target: Target, place: Place, switch: Switch, handle: Handle, version: str, version_path: str
    ) -> Answer:
        state = switch.read(target)
        if state.in_progress:
            return running(handle, SOON_S, f"the users of {place.release} are being sent elsewhere")
        side = self._sides.with_version(place, state, version, version_path)
        if not side:
            words = f"neither side of {place.release} holds {version}, which would be made live"
            return broken("IDLE_HOLDS_ANOTHER", words)
        if words := self._sides.elsewhere(place, state, other(side)):
            return broken("SWITCHED_ELSEWHERE", words)
        if side != state.side and self._sides.withdraw(place, side):
            return running(handle, SOON_S, f"a command may still come to the {side} side of {place.release}")
        if side != state.side and (unready := self._not_ready(place, state, side, handle, version, version_path)):
            return unready
        handle = {**handle, "side": side, "warning": self._sides.not_up(place, side) if side != state.side else ""}
        answer = switch.start(target, side, handle["operation"], bool(handle.get("resuming")))
        return self._after(answer, handle)

    def _after(self, answer: Answer, handle: Handle) -> Answer:
        """What the switch answers, in our handle."""
        if not answer.running:
            return answer
        kind = answer.handle.get("kind", "intended")
        return Answer(**{**vars(answer), "handle": {**handle, "kind": kind, "switch": answer.handle}})

    def _not_ready(
        self, place: Place, state: SwitchState, side: str, handle: Handle, version: str, version_path: str
    ) -> Answer | None:
        """Why it cannot have the users yet, or ever; None when it answers as that version, with all its pods."""
        if self._sides.wake(place, side):
            handle = {**handle, "intent_at": iso(clock.now())}  # its silence counts from now on
            return running(handle, SOON_S, f"the {side} side was stopped; started")
        answers = self._sides.version_at(state.sides.get(side, ""), version_path)
        if answers == version:
            lacks = self._sides.not_up(place, side)
            waits = lacks and clock.now() - moment(handle["intent_at"]) < _MAY_LACK_PODS_FOR
            return running(handle, SOON_S, lacks) if waits else None
        if answers is not None:
            words = (
                f"the {side} side of {place.release} answers {answers}, not {version}: a switch would make that live"
            )
            return broken("IDLE_HOLDS_ANOTHER", words)
        if clock.now() - moment(handle["intent_at"]) > _MAY_BE_SILENT_FOR:
            return broken("IDLE_SILENT", f"the {side} side does not say which version it is, so it gets no users")
        return running(handle, SOON_S, f"the {side} side does not answer yet")

    def _seen(self, place: Place, state: SwitchState, handle: Handle, version: str, version_path: str) -> Answer:
        """Whether users meet the version."""
        answers = self._sides.version_at(state.users, version_path)
        if answers == version:
            return passed("; ".join(filter(None, (handle["words"], handle.get("warning")))), side=state.side)
        words = f"users of {place.release} still meet {answers or 'nothing'}, not {version}"
        if clock.now() - moment(handle["at"]) < self._settle:
            return running(handle, SOON_S, words)
        return failed("SWAP_NOT_EFFECTIVE", words)


def intent(operation: str, intent_at: Any, resuming: bool) -> Handle:
    return {"kind": "intended", "operation": operation, "intent_at": iso(intent_at), "resuming": resuming}
