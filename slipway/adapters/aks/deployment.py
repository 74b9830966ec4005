"""A release for the side without users: a command that installs or upgrades it, then its rollout.

The handle is that of `steps` with the side, its address and the package; `{"kind": "rolling"}` while the rollout is
awaited. Helm's own record says whether an earlier try had its effect, so a repeat looks there first.
"""

from collections.abc import Callable
from datetime import timedelta

from slipway.adapters import clock
from slipway.adapters.aks import scripts
from slipway.adapters.aks.clusters import Result, refused_by
from slipway.adapters.aks.notes import Note, note_for
from slipway.adapters.aks.place import SIDES, Place, other
from slipway.adapters.aks.registry import token_for
from slipway.adapters.aks.revisions import Release, description, package_digest
from slipway.adapters.aks.rollout import DONE, FAILED, Rollout, hindered_by, replicas_again, replicas_of, rollout_of
from slipway.adapters.aks.sides import Sides
from slipway.adapters.aks.steps import AGAIN_S, SOON_S, Handle, Steps, intended
from slipway.adapters.azure_errors import FaultKind
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.port_values import SwitchState
from slipway.settings import Settings

_LOST_AFTER = timedelta(seconds=90)


class Deployments:
    """`stuck_after`: an upgrade that Helm calls pending for longer has lost the pod that carried it out: hooks may take
    five minutes, and Helm waits for nothing else here. `registries`: ends of hosts that Helm logs in to with a token of
    ours. Raises AzureProblem."""

    def __init__(
        self, settings_: Settings, sides: Sides, steps: Steps, stuck_after: timedelta, registries: tuple[str, ...]
    ) -> None:
        self._settings = settings_
        self._sides = sides
        self._registries = registries
        self._api = sides.api
        self._steps = steps
        self._stuck_after = stuck_after

    def go_on(self, place: Place, read: Callable[[], SwitchState], handle: Handle, version: str) -> Answer:
        """`read` says how the switch is now."""
        match handle["kind"]:
            case "command":
                return self._command(place, handle, version)
            case "rolling":
                return self._rolling(place, handle, version)
        switch = read()
        if switch.in_progress:
            return running(handle, SOON_S, f"the users of {place.release} are being sent elsewhere")
        sided = self._sided(place, switch, handle, version)
        if not handle.get("side") and (words := self._taken(place, switch, sided)):
            return broken("SWITCHED_ELSEWHERE", words)
        if sided.get("reused"):
            words = f"{place.release} serves {version} already, with another chart, image or values"
            return broken("VERSION_REUSED", f"{words}: give the new ones a new version, or nothing tells them apart")
        return self._intended(place, read, sided, version)

    def _taken(self, place: Place, switch: SwitchState, handle: Handle) -> str:
        """In words, when nobody can tell whether the users are to have the side; not for what is ours already."""
        if switch.side or self._api.release(place, handle["side"]).operation == handle["operation"]:
            return ""
        return self._sides.elsewhere(place, switch, *SIDES)

    def _sided(self, place: Place, switch: SwitchState, handle: Handle, version: str) -> Handle:
        """The handle with the side that the release is for: that with the users when it is there already."""
        side = handle.get("side")
        if not side:
            live = switch.side
            release = self._api.release(place, live) if live else Release()
            side = live if release.holds(version, _digest(place, handle)) else other(live)
            reused = release.version == version and side != live
            handle = {**handle, "reused": True} if reused else handle
        return {**handle, "side": side, "address": switch.sides.get(side, "")}

    def _intended(self, place: Place, read: Callable[[], SwitchState], handle: Handle, version: str) -> Answer:
        side, digest = handle["side"], _digest(place, handle)
        release = self._api.release(place, side)
        found, scalers = self._api.deployment(place, side)
        stopped = found is not None and not replicas_of(found)
        if release.holds(version, digest) and not stopped:
            done = handle["operation"] == release.operation
            return self._rolling(place, _rolling({**handle, "seen": release.number}, already=not done), version)
        if words := _changed(place.release_of(side), handle, release):
            return broken("RELEASE_CHANGED", words)
        handle = {**handle, "seen": release.number}
        if release.pending and clock.now() - release.at < self._stuck_after:
            words = f"Helm calls {place.release_of(side)} {release.status}: another upgrade is under way"
            return running(handle, AGAIN_S, words)
        if release.holds(version, digest):
            self._api.patch(place, scripts.awake(place, side, replicas_again(found, scalers)))
            return running(handle, SOON_S, f"{place.release_of(side)} was stopped; started")
        note = self._noted(place, side, handle["operation"])
        if read().side == side:  # it got the users meanwhile, by whomsoever
            return running({**handle, "side": ""}, SOON_S, f"the {side} side of {place.release} has the users")
        said = description(version, digest, handle["operation"])
        wake = replicas_again(found, scalers) if stopped else 0
        unit, files = scripts.Unit.of(handle["package"]), {scripts.VALUES: place.values}
        if login := unit.registry.endswith(self._registries):
            files[scripts.TOKEN] = token_for(unit.registry, self._settings)
        script = scripts.upgrade(place, side, unit, said, release, note, wake, login)
        if release.pending and release.sound:
            handle = {**handle, "seen": release.number + 1}  # the script goes back first, which makes a revision
        return self._steps.start(place, handle, script, files)

    def _noted(self, place: Place, side: str, operation: str) -> Note:
        """The note of a command that is about to be started."""
        note = self._api.note(place, side)
        if note.operation == operation and note.may_come(clock.now()):
            return note
        note = note_for(operation, clock.now())
        self._api.patch(place, scripts.noted(place, side, note))
        return note

    def _command(self, place: Place, handle: Handle, version: str) -> Answer:
        ended = self._steps.ended(place, handle)
        if not isinstance(ended, Result):
            return ended
        if not ended.exit_code:
            return self._rolling(place, _rolling(handle, already=False), version)
        if scripts.IN_PROGRESS in ended.logs or scripts.MOVED in ended.logs:
            return running(intended(handle), AGAIN_S, "another Helm upgrade is under way")
        fault = refused_by(place, ended)
        if fault.kind is FaultKind.DENIED:
            return fault.answer(handle, SOON_S)
        if "cluster unreachable" in ended.logs:
            return running(intended(handle), AGAIN_S, fault.words)
        last = ended.logs.strip().rpartition("\n")[2]
        words = f"Helm could not deploy {place.release_of(handle['side'])}: {last}"
        return failed("DEPLOYMENT_FAILED", words, ended.logs)

    def _rolling(self, place: Place, handle: Handle, version: str) -> Answer:
        side, name = handle["side"], place.release_of(handle["side"])
        release = self._api.release(place, side)
        ours = release.holds(version, _digest(place, handle))
        if not ours:
            if words := _changed(name, handle, release):
                return broken("RELEASE_CHANGED", words)
            return self._not_shown(handle, f"Helm does not show {name} with {version}")
        found, scalers = self._api.deployment(place, side)
        if found is None:
            return self._not_shown(handle, f"the cluster does not show the Deployment {place.deployment_of(side)}")
        rollout = rollout_of(found, scalers)
        if rollout.state == FAILED:
            return self._failed(place, side, rollout)
        if rollout.state != DONE:
            return running(handle, SOON_S, rollout.words)
        done = "is already there" if handle.get("already") else "is deployed"
        words = f"{name} {done}" + (f"; {rollout.words}" if rollout.words else "")
        return passed(words, revision=release.number, side=side, address=handle["address"])

    def _not_shown(self, handle: Handle, words: str) -> Answer:
        if clock.now() - moment(handle["started_at"]) < _LOST_AFTER:
            return running(handle, SOON_S, f"{words} yet")
        return running(intended(handle), SOON_S, f"{words}: it is begun again")

    def _failed(self, place: Place, side: str, rollout: Rollout) -> Answer:
        pod, words = hindered_by(self._api.pods(place, side))
        log = self._api.log(place, pod) if pod else ""
        return failed("DEPLOYMENT_FAILED", f"{rollout.words} {words}".strip(), log)


def _changed(name: str, handle: Handle, release: Release) -> str:
    """In words, when somebody else has made another revision of it since this was decided."""
    if not release.by_somebody_else or release.number <= handle.get("seen", release.number):
        return ""
    return f"somebody else made revision {release.number} of {name} meanwhile ({release.words}): it is left as it is"


def _rolling(handle: Handle, already: bool) -> Handle:
    kept = {key: value for key, value in handle.items() if key not in ("command", "tries")}
    return {**kept, "kind": "rolling", "already": already, "started_at": iso(clock.now())}


def _digest(place: Place, handle: Handle) -> str:
    return package_digest(handle["package"], place.values)
