"""The lock of one service in one environment: its queue, its fence, its releases, and what people said of it.

Pure, as the entity `environment` keeps it. Operations are idempotent by holder and fence. Order, not
luck, decides who is next: the older build first, ties by intake. A build older than the live one is
`behind` and never deployed. A rollback that could not be proven leaves the lock `broken`: nobody gets
it until a person has looked. What keeps a build out stands in `barriers`.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from slipway.promotion import barriers, ledger, lock_again, lock_awaited, lock_intents, lock_schema, lock_watch
from slipway.promotion.barriers import Barrier, age, at_the_lock, behind_live, is_newer, overtaken
from slipway.promotion.lock_intents import REJECTED_ID as REJECTED_ID  # beside the rest
from slipway.promotion.precedence import EXCEPTING, KEPT_OUT

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]
KEPT_PREVIOUS = 5
KEPT_REJECTED = 20
_NO_WAIT = {"waits_for": "", "until": ""}
_TURNED_AWAY = (
    *(barriers.LOCK_BROKEN, barriers.BEHIND, barriers.SUPERSEDED, barriers.IGNORED),
    *(barriers.REJECTED, barriers.SCHEMA),
)


def empty() -> State:
    """An environment in which this service has never been released by Slipway."""
    return {
        "rev": 0,
        "fence": 0,
        "holder": None,
        "queue": [],
        "announced": [],
        "live": None,
        "previous": [],
        "releases": [],
        "broken": None,
        "intents": [],
        "watch": None,
        "rejected": [],
    }


def apply(state: State, operation: str, given: Given) -> tuple[State, Answer]:
    """Carry out one operation. Raises KeyError for an unknown one."""
    return OPERATIONS[operation](state, given)


def announce(state: State, given: Given) -> tuple[State, Answer]:
    """Say that a build is on its way here, before it asks for the lock: `go`, `superseded`, `ignored`, or `behind` a
    newer live release, so that nobody is asked about what could not go.

    `given`: holder (the stage's instance id), waiter (whom to wake), promotion, stage, version, finished_at,
    at, on_newer_build. Asked again by whoever waits for people, so that a newer build ends that wait. Who has the lock
    and waits for people before its switch says so too, with what it waits for and `until`.
    """
    behind = [Barrier(barriers.BEHIND, state["live"])] if behind_live(state, given) else []
    for barrier in (*behind, *overtaken(state, given)):
        return _turned_away(state, given, barrier)
    state = _with_waiting(_with_announced(state, given), given)
    return state, {"lock": "go", "nudge": _older(state, given)}


def acquire(state: State, given: Given) -> tuple[State, Answer]:
    """Ask for the lock: `granted` (with a fence, what is live, and when this version was last proven here), `queued`,
    `held` by what people or its pipeline said (code, words, until), `behind` a newer live release, `superseded` or
    `ignored` for another build, `rejected` for what was said of this version or what it did here before, `schema` for a
    database that it does not run on, or `broken`. `given` as in `announce`, and what `barriers.at_the_lock` has of the
    database and the rest.
    """
    me = given["holder"]
    if state["holder"] and state["holder"]["holder"] == me:
        return state, _granted(state)
    found = list(at_the_lock(state, given))
    if found[1:]:  # what the database will be at when it is its turn is not known yet
        found = [each for each in found if each.code != barriers.SCHEMA]
    if found and found[0].code in _TURNED_AWAY:
        return _turned_away(state, given, found[0])
    known = any(entry["holder"] == me for entry in state["announced"])
    state = _queued(_with_announced(state, given), given, found)
    if found:
        # Of those before it each waits for the last, which stays true however the queue moves on.
        told = found[0] if found[0].code in KEPT_OUT else found[-1]
        return state, {**_said(told), "nudge": [] if known else _older(state, given)}
    fence = state["fence"] + 1
    mine = next(entry for entry in state["queue"] if entry["holder"] == me)  # not the first, if that is kept out
    holder = {**mine, "fence": fence, "since": given["at"]}
    state, nudged = lock_watch.set_aside({**_without(state, me), "fence": fence, "holder": holder})
    return state, {**_granted(state), "nudge": nudged}


def raise_fence(state: State, given: Given) -> tuple[State, Answer]:
    """Give the holder a new fence, so that what it began under the old one is refused from now on.

    With `at_least` it goes above that number too. Asked again with the old one, it answers the new one.
    """
    holder = state["holder"]
    if not holder or holder["holder"] != given["holder"]:
        return state, {"lock": "not yours", "nudge": []}
    if holder["fence"] != given["fence"]:
        return state, {"lock": "raised", "fence": holder["fence"], "nudge": []}
    fence = max(state["fence"], given.get("at_least", 0)) + 1
    return {**state, "fence": fence, "holder": {**state["holder"], "fence": fence}}, {
        "lock": "raised",
        "fence": fence,
        "nudge": [],
    }


def take_over(state: State, given: Given) -> tuple[State, Answer]:
    """Put `by` in the place of a `holder` that is no more, or of one of its `heirs` that are no more either, under a
    new fence. Asked again, it answers the same."""
    holder = state["holder"]
    if holder and holder["holder"] == given["by"]:
        return state, {"lock": "taken over", "fence": holder["fence"], "nudge": []}
    if not holder or holder["holder"] not in (given["holder"], *given.get("heirs", ())):
        return state, {"lock": "not yours", "nudge": []}
    fence = state["fence"] + 1
    holder = {**holder, "holder": given["by"], "fence": fence, **_NO_WAIT}
    state = _without(state, given["holder"])
    return {**state, "fence": fence, "holder": holder}, {"lock": "taken over", "fence": fence, "nudge": []}


def switched(state: State, given: Given) -> tuple[State, Answer]:
    """The holder's release serves the traffic now, unproven. `given`: holder, fence, release."""
    if not _is_holder(state, given):
        return state, {"lock": "not yours", "nudge": []}
    state = lock_again.noted(state, given)
    release = lock_again.replacing(given["release"], state["live"])
    if release.get("group") and (declared := ledger.declared(_releases(state), release["version"])):
        release = {**release, "schema": declared}  # the group says nothing of its members' databases
    live = {**release, "proven": False}
    told = {key: value for key, value in release.items() if key not in lock_again.OF_THE_OLD_SIDE}
    state = _told(state, ledger.with_switched(_releases(state), told, given["fence"], _next_rev(state)))
    if state["live"] and state["live"]["version"] == live["version"]:
        live = lock_again.with_flags_of(live, state["live"])
        return {**state, "live": live}, {"lock": "switched", "nudge": []}
    previous = ([state["live"]] if state["live"] else []) + state["previous"]
    return {**state, "live": live, "previous": previous[:KEPT_PREVIOUS]}, {"lock": "switched", "nudge": []}


def release(state: State, given: Given) -> tuple[State, Answer]:
    """Give the lock back. `given`: holder, fence, result, at; as, by, code and words when something is taken back.

    `proven`: the release that was switched to stays. `undone`: the previous one serves again, or the same version's.
    `unchanged`: nothing was switched. `broken`: nobody knows; the lock stays shut.
    `flags_back` are those, by name and label, that it has changed no more.
    `against`: what ended it speaks against its version, too. With `rejects` the version that came back is not let in
    again until a person lifts that; with `overwrote` its deployment took the side to which what is live could have gone
    back. Where what serves again is in doubt the lock stays shut, too: the answer is `broken`, with words.
    """
    if not _is_holder(state, given):
        return state, {"lock": "not yours", "nudge": []}
    holder, result = state["holder"], given["result"]
    state = _without({**state, "holder": None}, given["holder"])
    releases, rev = _releases(state), _next_rev(state)
    its_own = bool(state["live"] and state["live"]["promotion"] == holder["promotion"])
    if result == "proven":
        state = {**state, "live": {**state["live"], "proven": True}}
        state = lock_watch.with_watch(_told(state, ledger.with_proven(releases, given["at"], rev)), given)
    elif result == "undone" and its_own and (as_before := lock_again.undone(state, given, rev)):
        state = _with_old_side(as_before, given)
    elif result == "undone" and its_own:
        back = state["previous"][0] if state["previous"] else None
        state = _with_old_side({**state, "live": back, "previous": state["previous"][1:]}, given)
        state = _told(state, ledger.with_taken_back(releases, given, back["version"] if back else "", rev))
        if back and back.get("doubt"):
            words = f"{back['version']} serves again, and is no release to stay on: {back['doubt']}"
            state = {**state, "broken": {"promotion": holder["promotion"], "words": words, "at": given["at"]}}
    elif result == "unchanged":
        state = _with_old_side(state, given)
    elif result == "broken":
        state = {**state, "broken": {"promotion": holder["promotion"], "words": given["words"], "at": given["at"]}}
        state = (
            lock_again.without_flags(_told(state, ledger.with_unknown(releases, given, rev)), given)
            if its_own
            else state
        )
    if given.get("rejects"):
        state = _with_rejected(state, holder, given)
    state = lock_again.forgotten(state)
    state, nudged = lock_watch.resumed(state)
    state, awaiting = lock_awaited.told(state)
    nudged = [*nudged, *awaiting]
    if state["broken"]:
        told = {"lock": "broken", "words": state["broken"]["words"]}
        return state, {**told, "nudge": [*nudged, *_waiting(state)]}
    return state, {"lock": "free", "nudge": [*nudged, *_next(state)]}


def doubt(state: State, given: Given) -> tuple[State, Answer]:
    """A later ring has found the release of `promotion` bad, and a newer one has replaced it here: it is not proven any
    more, and whoever goes back to it leaves the lock shut. `given`: promotion, words."""
    doubted = {"proven": False, "doubt": given["words"]}
    previous = [{**each, **doubted} if each["promotion"] == given["promotion"] else each for each in state["previous"]]
    releases = ledger.with_doubt(_releases(state), given["promotion"], given["words"], _next_rev(state))
    return _told({**state, "previous": previous}, releases), {"lock": "doubted", "nudge": []}


def leave(state: State, given: Given) -> tuple[State, Answer]:
    """Stop waiting for the lock: the stage was cancelled, is paused, or its time is over.

    Who holds it and asks with fence 0 never heard of its grant (its generation began again), and has changed nothing.
    `new`: nothing has ever been asked of this lock, so there is nothing of it to copy.
    """
    new, holder = state["rev"] == 0, state["holder"]
    state = _with_waiting(_without(state, given["holder"]), {"holder": given["holder"]})
    if holder and holder["holder"] == given["holder"] and given.get("fence") == 0:
        state = {**state, "holder": None}
        state, nudged = lock_watch.resumed(state)
        return state, {"lock": "left", "new": new, "nudge": [*nudged, *_waiting(state)]}
    nudged = _waiting(state) if state["broken"] else _next(state)
    return state, {"lock": "left", "new": new, "nudge": nudged}


OPERATIONS: dict[str, Callable[[State, Given], tuple[State, Answer]]] = {
    "announce": announce,
    "acquire": acquire,
    "raise_fence": raise_fence,
    "take_over": take_over,
    "switched": switched,
    "release": release,
    "doubt": doubt,
    "leave": leave,
    **lock_intents.OPERATIONS,
    **lock_awaited.OPERATIONS,
    **lock_watch.OPERATIONS,
    **lock_schema.OPERATIONS,
}


def _releases(state: State) -> ledger.Entries:
    """The ledger's newest entries; none in a state from before there was a ledger."""
    entries: ledger.Entries = state.get("releases", [])
    return entries


def _told(state: State, releases: ledger.Entries) -> State:
    return {**state, "releases": releases}


def _next_rev(state: State) -> int:
    """The `rev` that the state will have: it grows by one with each operation that changes something."""
    rev: int = state["rev"]
    return rev + 1


def _granted(state: State) -> Answer:
    live = state["live"] or {"version": "", "targets": []}
    found = {"promotion": live.get("promotion", "")}
    found |= {"live": live["version"], "targets": live.get("targets", []), "replaced": live.get("replaced", {})}
    found["old_side_stopped"] = live.get("old_side_stopped", "")
    found |= _parts_of(state["live"], state["previous"])
    found |= {"database": _database(state)} if state.get("schema") or live.get("schema") else {}
    proven_at = ledger.proven_at(_releases(state), state["holder"]["version"])
    return {"lock": "granted", "fence": state["holder"]["fence"], **found, "proven_at": proven_at, "nudge": []}


def _database(state: State) -> dict[str, Any]:
    """Where the database is, on which versions of it what is live runs, and what was live before that."""
    live, before = state["live"] or {}, state["previous"][0] if state["previous"] else {}
    found = {**(state.get("schema") or {}), **({"live": live["schema"]} if live.get("schema") else {})}
    kept = {key: before[key] for key in ("version", "schema") if before.get(key)}
    return {**found, **({"before": kept} if kept else {})}


def _parts_of(live: dict[str, Any] | None, previous: list[dict[str, Any]]) -> dict[str, Any]:
    """What belongs to the live release beside its code, and the release that a way back from it leads to."""
    live = live or {}
    parts = {name: live[name] for name in ("configuration", "changed_flags") if live.get(name)}
    if not previous:
        return parts
    before = {name: previous[0][name] for name in ("version", "configuration") if previous[0].get(name)}
    return {**parts, "before": before}


def _turned_away(state: State, given: Given, barrier: Barrier) -> tuple[State, Answer]:
    """Who need not wait leaves the queue, and those who do are told."""
    was_first = _waiting(state)[:1] == [given["holder"]]
    state = _without(state, given["holder"])
    nudged = _waiting(state) if state["broken"] else _next(state) if was_first else []
    return state, {**_said(barrier), "nudge": nudged}


def _said(barrier: Barrier) -> Answer:
    """What whoever asked hears of the first barrier."""
    by = barrier.by
    if barrier.code in KEPT_OUT:
        return {"lock": "held", "code": barrier.code, "words": by["words"], "until": by["until"]}
    match barrier.code:
        case barriers.LOCK_BROKEN:
            return {"lock": "broken", "words": by["words"]}
        case barriers.BEHIND:
            return {"lock": "behind", "live": by}
        case barriers.SUPERSEDED | barriers.IGNORED:
            return {"lock": barrier.code.lower(), "by": by["promotion"]}
        case barriers.REJECTED:
            return {"lock": "rejected", "words": by["words"]}
        case barriers.SCHEMA:
            return {"lock": "schema", "words": by["words"]}
        case barriers.CONTRACTING:
            return {"lock": "queued", "behind": f"the contract of the database to {by['towards']} by {by['promotion']}"}
    return {"lock": "queued", "behind": by["promotion"]}


def _with_rejected(state: State, holder: dict[str, Any], given: Given) -> State:
    """With the holder's version among the rejected, the newest of them last."""
    told = {key: given[key] for key in ("code", "words", "at")}
    entry = {"version": holder["version"], "promotion": holder["promotion"], **told}
    others = [each for each in state.get("rejected", ()) if each["version"] != holder["version"]]
    return {**state, "rejected": [*others, entry][-KEPT_REJECTED:]}


def _with_old_side(state: State, given: Given) -> State:
    """With the side before what is live as it is now, if a deployment overwrote it."""
    if not given.get("overwrote") or not state["live"]:
        return state
    return {**state, "live": {**state["live"], "old_side_stopped": "", "old_side_gone": given["at"]}}


def _with_waiting(state: State, given: Given) -> State:
    """With what the holder waits for before its switch, and until when; nothing when it says nothing."""
    holder = state["holder"]
    if not holder or holder["holder"] != given["holder"]:
        return state
    if "waits_for" not in given and "waits_for" not in holder:
        return state
    return {**state, "holder": {**holder, **{key: given.get(key, "") for key in _NO_WAIT}}}


def _is_holder(state: State, given: Given) -> bool:
    holder = state["holder"]
    return bool(holder and holder["holder"] == given["holder"] and holder["fence"] == given["fence"])


def _with_announced(state: State, given: Given) -> State:
    entry = {key: given[key] for key in ("holder", "waiter", "promotion", "version", "finished_at", "received_at")}
    others = [each for each in state["announced"] if each["holder"] != given["holder"]]
    return {**state, "announced": sorted([*others, entry], key=age)}


def _queued(state: State, given: Given, found: list[Barrier]) -> State:
    """In the queue, since it first stood there; `kept_until` while it waits for what another build may not wait for."""
    shown = ("holder", "promotion", "stage", "version", "finished_at", "received_at")
    there = next((entry for entry in state["queue"] if entry["holder"] == given["holder"]), {"since": given["at"]})
    entry = {**{key: given[key] for key in shown}, "since": there["since"]}
    if kept := next((each.by["until"] for each in found if each.code in EXCEPTING), ""):
        entry["kept_until"] = kept
    if entry == there:
        return state
    others = [each for each in state["queue"] if each["holder"] != given["holder"]]
    return {**state, "queue": sorted([*others, entry], key=age)}


def _without(state: State, holder: str) -> State:
    return {
        **state,
        "queue": [entry for entry in state["queue"] if entry["holder"] != holder],
        "announced": [entry for entry in state["announced"] if entry["holder"] != holder],
    }


def _older(state: State, given: Given) -> list[str]:
    """Whom to wake when a newer build comes: those on their way here that it is the first to take the place of. The
    others were told when the first one came; telling them each time costs a burst of n builds n² generations."""
    others = [entry for entry in state["announced"] if entry["promotion"] != given["promotion"]]
    older = [entry for entry in others if is_newer(given, entry)]
    untold = [entry for entry in older if not any(is_newer(other, entry) for other in others)]
    return [entry["waiter"] for entry in untold]


def _waiting(state: State) -> list[str]:
    return [entry["holder"] for entry in state["queue"]]


def _next(state: State) -> list[str]:
    """Those in the queue for whom something has changed: the builds that a newer live one has overtaken, and the
    first that it has not. Waking them all would cost a queue of n builds n² generations. And those that a newer live
    one has overtaken while they wait for people."""
    overtaken = [entry["holder"] for entry in state["queue"] if behind_live(state, entry)]
    queued, asking = _waiting(state), [entry for entry in state["announced"] if behind_live(state, entry)]
    others = (each["holder"] for each in state["queue"] if each["holder"] not in overtaken and "kept_until" not in each)
    asked = (entry["waiter"] for entry in asking if entry["holder"] not in queued)
    return [*overtaken, *islice(others, 1), *asked]
