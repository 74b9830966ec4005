"""The one rule by which what people and pipelines said keeps a build out, the strongest word first.

1. a version that is rejected here, by a person or for the harm that it did: it does not wait, it is turned away
2. a stop: nothing but ways back goes on, until another person lifts it
3. a hold: nobody new enters; who is at work goes on
4. a freeze, of a person first, then of the pipeline: what it excepts enters; who is at work does as it says
5. business hours, likewise
6. a rate of releases
7. another service that has to be live there first

A build enters when nothing of this is in its way, so a weaker word never opens what a stronger one keeps shut. A way
back asks none of them. Each barrier has `words`, `since`, `until` and `ended_by`, which every surface shows as they
are.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from slipway.promotion.barrier import Barrier
from slipway.promotion.calendar.opening import Window, in_force, opening
from slipway.promotion.calendar.windows import FINISH, HOTFIX, ROLL_BACK, Calendar, Freeze, Rate
from slipway.promotion.intents import FREEZE, HOLD, REJECT, STOP, Intent
from slipway.promotion.intents import in_force as said_in_force
from slipway.promotion.outcomes import iso, moment

State = Mapping[str, Any]
REJECTED, STOPPED, HELD = "VERSION_REJECTED", "STOPPED", "HELD"
FROZEN, OUT_OF_HOURS, RATE_LIMITED = "FROZEN", "OUT_OF_HOURS", "RATE_LIMITED"
NOT_LIVE_YET = "DEPENDENCY_NOT_LIVE"
KEPT_OUT = (STOPPED, HELD, FROZEN, OUT_OF_HOURS, RATE_LIMITED, NOT_LIVE_YET)  # they end: the build waits
EXCEPTING = (FROZEN, OUT_OF_HOURS)  # what one build waits for may not hold up another
NEVER = "9999-12-31T00:00:00+00:00"
GO, WAIT, BACK = "go", "wait", "back"


def against(lock: State, build: State) -> Iterator[Barrier]:
    """What keeps `build` out, the strongest first. `build`: version, at; and where it has them `calendar` (the stage's
    windows), `hotfix` (why it is one) and `after` (what other services keep it waiting for, in words)."""
    at = build["at"]
    said = said_in_force(lock, at)
    yield from (_rejection(each) for each in said if each["kind"] == REJECT and each["version"] == build["version"])
    yield from (_for_harm(each) for each in lock.get("rejected", ()) if each["version"] == build["version"])
    yield from (stop(each) for each in said if each["kind"] == STOP)
    yield from (hold(each) for each in said if each["kind"] == HOLD)
    yield from (_freeze(each) for each in said if each["kind"] == FREEZE and not _is_excepted(each["but"], build))
    calendar = Calendar.load(build.get("calendar"))
    yield from _windows(calendar, build)
    if calendar.rate and (barrier := _rate(lock, calendar.rate, at)):
        yield barrier
    if after := build.get("after"):
        yield Barrier(NOT_LIVE_YET, {"words": after, "since": "", "until": "", "ended_by": "a release of that service"})


def at_work(lock: State, build: State) -> dict[str, str]:
    """What a build that is at its work there does at its next step: `do` is `go`, `wait` (with code, words and until)
    or `back` (with code and words). Rolling back is never asked."""
    at = build["at"]
    said = said_in_force(lock, at)
    for each in said:
        if each["kind"] == REJECT and each["version"] == build["version"]:
            return _told(BACK, _rejection(each))
    for each in said:
        if each["kind"] == STOP:
            return _told(WAIT, stop(each))
    begun = [
        (each["on_begin"], _freeze(each))
        for each in said
        if each["kind"] == FREEZE and not _is_excepted(each["but"], build)
    ]
    calendar = Calendar.load(build.get("calendar"))
    closed = in_force(calendar, moment(at), _excepted(build))
    begun += [(window.on_begin, _window(calendar, window, build)) for window in closed]
    begun = [each for each in begun if each[0] not in ("", FINISH)]
    begun.sort(key=lambda each: each[0] != ROLL_BACK)  # of two freezes the one that takes more back
    for on_begin, barrier in begun:
        return _told(BACK if on_begin == ROLL_BACK else WAIT, barrier)
    return {"do": GO}


def stop(said: Intent) -> Barrier:
    return Barrier(STOPPED, {**_shown("stopped", said), "ended_by": f"slipway lift {said['id']}, by another person"})


def hold(said: Intent) -> Barrier:
    return Barrier(HELD, _shown("held", said))


def _freeze(said: Intent) -> Barrier:
    return Barrier(FROZEN, _shown("frozen", said))


def explained(said: Intent) -> str:
    """An intent in words, as every surface has them."""
    match said["kind"]:
        case "reject":
            return str(_rejection(said).by["words"])
        case "stop":
            return str(stop(said).by["words"])
        case "freeze":
            return str(_freeze(said).by["words"])
    return str(hold(said).by["words"])


def _rejection(said: Intent) -> Barrier:
    return Barrier(REJECTED, _shown(f"{said['version']} was rejected here", said))


def _for_harm(rejected: dict[str, Any]) -> Barrier:
    """What a release came to here; the id that lifts it is its place's (`ended_by` is left to who knows that)."""
    words = f"{rejected['version']} was rejected here: {rejected['words']}"
    shown = {"words": words, "since": rejected["at"], "until": "", "ended_by": ""}
    return Barrier(REJECTED, {"version": rejected["version"], **shown})


def _shown(what: str, said: Intent) -> dict[str, Any]:
    words = f"{what} by {said['by']}" + (f": {said['reason']}" if said["reason"] else "")
    since = said["begins_at"] or said["at"]
    return {"words": words, "since": since, "until": said["expires_at"], "ended_by": f"slipway lift {said['id']}"}


def _windows(calendar: Calendar, build: State) -> Iterator[Barrier]:
    for window in in_force(calendar, moment(build["at"]), _excepted(build)):
        yield _window(calendar, window, build)


def _window(calendar: Calendar, window: Window, build: State) -> Barrier:
    """`until` then builds may enter again, for all windows of the calendar together."""
    until = opening(calendar, moment(build["at"]), _excepted(build)).until
    ends = iso(until) if until else NEVER
    code, how = (FROZEN, "frozen by") if isinstance(window, Freeze) else (OUT_OF_HOURS, "outside of")
    return Barrier(code, {"words": f"{how} {window.words}", "since": "", "until": ends, "ended_by": "its end"})


def _rate(lock: State, rate: Rate, at: str) -> Barrier | None:
    """Each release that users met counts, whatever became of it."""
    per = timedelta(seconds=rate.per_s)
    met = sorted((moment(each["since"]) for each in lock.get("releases", ())), reverse=True)
    recent = [each for each in met if each > moment(at) - per]
    if len(recent) < rate.at_most:
        return None
    until = iso(recent[rate.at_most - 1] + per)
    words = f"{len(recent)} releases went there within {per}, and its pipeline lets in at most {rate.at_most}"
    return Barrier(RATE_LIMITED, {"words": words, "since": "", "until": until, "ended_by": "time"})


def _excepted(build: State) -> tuple[str, ...]:
    return (HOTFIX,) if build.get("hotfix") else ()


def _is_excepted(but: list[str], build: State) -> bool:
    return bool(set(but) & set(_excepted(build)))


def _told(do: str, barrier: Barrier) -> dict[str, str]:
    told = {"do": do, "code": barrier.code, "words": str(barrier.by["words"])}
    return {**told, "until": str(barrier.by["until"]), "ended_by": str(barrier.by["ended_by"])}
