"""The two sides of a target: what each holds and answers, and starting and stopping the one without users."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from slipway.adapters import clock
from slipway.adapters.aks import scripts
from slipway.adapters.aks.api import Api
from slipway.adapters.aks.place import SIDES, Place, place_of
from slipway.adapters.aks.rollout import DONE, Rollout, replicas_again, replicas_of, rollout_of, version_before
from slipway.adapters.aks.steps import SOON_S
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.http_probe import read_version
from slipway.adapters.switches import switch_of
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from slipway.settings import Settings

_VERSION_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Sides:
    """`stuck_after`: an upgrade that is pending for longer has lost its pod. Raises AzureProblem, other than
    `stop_idle`, `start` and `stop`."""

    settings: Settings
    api: Api
    stuck_after: timedelta

    def version_at(self, address: str, version_path: str) -> str | None:
        """The version that answers there over HTTP, or None."""
        return read_version(address + version_path, _VERSION_TIMEOUT_S, self.settings) if address else None

    def replicas(self, place: Place, side: str) -> int:
        """How many the side is to have; 0 too when there is none."""
        found, _ = self.api.deployment(place, side)
        return replicas_of(found) if found else 0

    def elsewhere(self, place: Place, state: SwitchState, *sides: str) -> str:
        """In words, when the switch names no side and one of these holds something that users may be meant to meet:
        then somebody has sent them to a third place, or away. "" before the first release."""
        if state.side:
            return ""
        taken = next((side for side in sides if not self._is_free(place, side)), "")
        if not taken:
            return ""
        holds = self.api.release(place, taken).version
        words = f"users of {place.release} are sent to neither side, and the {taken} one runs{holds and f' {holds}'}"
        return f"{words}: send them to the side that they are to have, or uninstall the release that nobody is to have"

    def _is_free(self, place: Place, side: str) -> bool:
        """Whether nothing of the side could have had users: it is not there, or was stopped by us."""
        found, _ = self.api.deployment(place, side)
        return found is None or (not replicas_of(found) and bool(version_before(found)))

    def with_version(self, place: Place, state: SwitchState, version: str, version_path: str) -> str:
        """The side that holds the version, the one with the users first; "" when none does. What Helm's record does not
        say, of a release from before there was Slipway, the side itself may, or what was noted when it was stopped."""
        sides = sorted(SIDES, key=lambda side: side != state.side)
        recorded = (side for side in sides if self.api.release(place, side).version == version)
        answering = (side for side in sides if self.version_at(state.sides.get(side, ""), version_path) == version)
        stopped = (side for side in sides if self.stopped_version(place, side) == version)
        return next(chain(recorded, answering, stopped), "")

    def stopped_version(self, place: Place, side: str) -> str:
        """Which version the side was when it was stopped; "" when it was not."""
        return version_before(self.api.deployment(place, side)[0])

    def wake(self, place: Place, side: str) -> bool:
        """Give a stopped side its replicas again; False when it is not stopped, or not there."""
        found, scalers = self.api.deployment(place, side)
        if found is None or replicas_of(found):
            return False
        self.api.patch(place, scripts.awake(place, side, replicas_again(found, scalers)))
        return True

    def not_up(self, place: Place, side: str) -> str:
        """In words, while not all of the side's replicas are there, or its autoscaler is at work; "" when they are."""
        found, scalers = self.api.deployment(place, side)
        rollout = rollout_of(found, scalers) if found else Rollout(DONE)
        return "" if rollout.state == DONE else rollout.words

    def withdraw(self, place: Place, side: str) -> bool:
        """Whether a command of ours may still be upgrading the side. One that has not begun by now never will."""
        note = self.api.note(place, side)
        if not note.text:
            return False
        if not note.is_withdrawn:
            self.api.patch(place, scripts.noted(place, side, note.withdrawn))
        release = self.api.release(place, side)
        return note.may_come(clock.now()) or (release.pending and clock.now() - release.at < self.stuck_after)

    def stop_idle(self, target: Target, version: str) -> Answer:
        """As `SlotPlatform.stop_idle`: the side that holds the version, if the users are on the other one. A
        command that may still come there is withdrawn first."""
        try:
            place, state = place_of(target), switch_of(target, self.settings).read(target)
            if coming := [side for side in SIDES if side != state.side and self.withdraw(place, side)]:
                return running({}, SOON_S, f"a command may still come to the {coming[0]} side of {place.release}")
            idle = next((side for side in SIDES if side != state.side and self._holds(place, side, version)), "")
            if not idle or not self.replicas(place, idle):
                return passed(f"{target.name}: {version} does not run idle")
            if state.in_progress or state.share:
                return running({}, SOON_S, f"{target.name}: users may still be on the {idle} side")
            self._stop(place, idle, version)
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)
        return passed(f"{target.name}: the {idle} side is stopped")

    def start(self, target: Target, version: str, live: str, version_path: str) -> Answer:
        """As `SlotPlatform.start_idle`."""
        try:
            place, state = place_of(target), switch_of(target, self.settings).read(target)
            if words := self._not_live(place, state, live, version_path):
                return broken("NOT_LIVE", words)
            side = self.with_version(place, state, version, version_path)
            if not side:
                return passed(f"{place.release} has no side of ours with {version}; what is there is looked at next")
            if side != state.side and self.withdraw(place, side):
                return running({}, SOON_S, f"a command may still come to the {side} side")
            if self.wake(place, side):
                return running({}, SOON_S, f"the {side} side was stopped; started")
            answers = self.version_at(state.sides.get(side, ""), version_path)
            if answers == version and (words := self.not_up(place, side)):
                return running({}, SOON_S, words)
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)
        if answers == version:
            return passed(f"the {side} side runs again, with {version}")
        if answers is None:
            return running({}, SOON_S, f"the {side} side does not answer yet")
        return broken(
            "NOTHING_TO_RETURN_TO", f"the {side} side answers {answers}, not {version}, which is to serve again"
        )

    def stop(self, target: Target, version: str, live: str, version_path: str) -> Answer:
        """As `SlotPlatform.stop_old_side`."""
        try:
            place, state = place_of(target), switch_of(target, self.settings).read(target)
            if state.in_progress:
                return running({}, SOON_S, f"the users of {place.release} are being sent elsewhere")
            if words := self._not_live(place, state, live, version_path):
                return passed(f"{words}: nothing is stopped", stopped=False)
            side = self.with_version(place, state, version, version_path)
            if side in ("", state.side):
                words = f"no side without users of {place.release} holds {version}, so none is stopped"
                return passed(words, stopped=False)
            if state.share:
                return passed(f"the {side} side has users, and is left as it is", stopped=False)
            if self.replicas(place, side):
                self._stop(place, side, version)
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)
        return passed(f"the {side} side is stopped", stopped=True)

    def _stop(self, place: Place, side: str, version: str) -> None:
        self.api.patch(place, scripts.stopped(place, side, self.replicas(place, side), version))

    def _holds(self, place: Place, side: str, version: str) -> bool:
        return self.api.release(place, side).version == version

    def _not_live(self, place: Place, state: SwitchState, live: str, version_path: str) -> str:
        """In words, when the side with the users does not answer `live`."""
        answers = self.version_at(state.sides.get(state.side, ""), version_path)
        return "" if answers == live else f"{place.release} answers {answers or 'nothing'}, not {live}"
