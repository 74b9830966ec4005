"""Activities on a Front Door around a ramp: open it to testers, return all users to the live side, close it again."""

from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import Handle, once
from activities.secret_headers import with_headers
from slipway.adapters import clock
from slipway.adapters.http_probe import probe, read_version
from slipway.promotion.front_door import FrontDoor
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from slipway.promotion.plan import HealthCheck, Target, load_headers

bp = df.Blueprint()

INTENDED: Handle = {"kind": "intended"}
LOOK_EVERY_S = 15.0
SAMPLES, SAMPLE_TIMEOUT_S, MOST_UNANSWERED = 30, 5.0, 3


@bp.activity_trigger(input_name="order", activity="open_front_door")
@answering
@unless_aborted
def open_front_door(order: Order) -> Answer:
    """Look whether weights would divide traffic there at all; then, with testers, have their rule made and wait until
    a request like theirs is answered by `version`. Result `drop_s`: how soon edges drop a stopped side, 0 for never.

    Broken LATENCY_WINDOW_TOO_SMALL, SESSION_AFFINITY, PRIORITIES_DIFFER, LIVE_ORIGIN_DISABLED, TESTERS_REFUSED.
    """
    return once(order, lambda _: _opened(order, {}), lambda handle: _opened(order, handle))


def _opened(order: Order, handle: Handle) -> Answer:
    from slipway.adapters.front_door import TestersRule, check

    target, front_door = Target(**order["target"]), FrontDoor.load(order["front_door"])
    if not handle:
        checked = check(target)
        if checked.running:  # nothing has begun: the receipt keeps no handle
            return running({}, checked.after_s, checked.words)
        if not front_door.testers or checked.state != "passed":
            return checked
        return running({**INTENDED, "found": checked.words, "drop_s": checked.result["drop_s"]}, 0.1)
    testers = front_door.testers
    assert testers is not None
    kept: Handle = {name: handle[name] for name in ("found", "drop_s") if name in handle}
    if handle["kind"] != "awaited":
        made = TestersRule().make(target, testers, {key: handle[key] for key in handle if key not in kept})
        if made.running:
            return running({**made.handle, **kept}, made.after_s, made.words)
        return made if made.state != "passed" else running({"kind": "awaited", **kept}, LOOK_EVERY_S, made.words)
    health = HealthCheck.load(order["health"])
    headers = (*health.headers, *load_headers({"headers": [dict(zip(("name", "value"), testers.sends, strict=True))]}))

    def looked(sent: Any) -> Answer:
        urls = front_door.endpoint + health.path, front_door.endpoint + health.version_path
        seen = probe(*urls, order["version"], health.timeout_s, headers=sent)
        if seen.version == order["version"]:
            return passed(f"testers ({testers.words}) meet {order['version']}; {kept['found']}", drop_s=kept["drop_s"])
        return running(handle, LOOK_EVERY_S, f"testers do not meet {order['version']} yet: {seen.words}")

    return with_headers(headers, looked)


@bp.activity_trigger(input_name="order", activity="return_to_live")
@answering
@unless_aborted
def return_to_live(order: Order) -> Answer:
    """Give the live side's origin all users, take the testers' rule away, and wait until Front Door has settled: nobody
    is sent to the idle side any more, so that whatever is done there meets no user.

    Where everybody was there already it has settled, unless `always`, or edges still answer something else: Resource
    Manager knows of a change long before they do. At the end the endpoint is asked: one answer that is none of `live`,
    or no answer at all, which proves nothing, and it waits on. The weight comes first, as changes queue: users do not
    wait for testers.
    """
    return once(order, lambda _: _returned(order, INTENDED), lambda handle: _returned(order, handle))


def _returned(order: Order, handle: Handle) -> Answer:
    from slipway.adapters.front_door import FrontDoorRouter

    target, router = Target(**order["target"]), FrontDoorRouter()
    if "rule" in handle:
        return _without_rule(order, handle)
    if handle["kind"] != "settling":
        answer = router.poll_split(target, handle, order["version"], 0.0)
        if answer.state != "passed":
            return answer
        if not order["always"] and not handle.get("wrote"):
            return _unless_stray(order, answer)
        testers = FrontDoor.load(order["front_door"]).testers
        following: Handle = {**INTENDED, "rule": INTENDED} if testers else {"kind": "settling"}
        return running({**following, "since": iso(clock.now())}, 0.1, "all users return to the live side")
    if share := router.read_split(target, order["version"]).share:
        return running(INTENDED, 1.0, f"somebody gave {share:.1%} to the idle side again")
    until = moment(handle["since"]) + timedelta(seconds=order["settle_s"])
    if clock.now() < until:
        left_s = (until - clock.now()).total_seconds()
        return running(handle, min(left_s, 60.0), f"Front Door settles until {iso(until)}")
    stray, seen = _sampled(order)
    if stray:
        return running(handle, LOOK_EVERY_S, f"{order['endpoint']} still answers {stray}, not {order['live']}")
    if order["live"] and not seen:
        return running(handle, LOOK_EVERY_S, f"{order['endpoint']} answers no version, so nobody knows who is where")
    return passed(f"all users are with {order['live'] or 'the live side'}: {seen} of their requests were")


def _unless_stray(order: Order, answer: Answer) -> Answer:
    """The answer, unless users are sent to the idle side all the same: then Front Door settles from now on."""
    stray, seen = _sampled(order)
    if not stray and (seen or not order["live"]):
        return answer
    words = f"{order['endpoint']} answers {stray or 'no version'}, not {order['live']}: edges have not heard yet"
    return running({"kind": "settling", "since": iso(clock.now())}, LOOK_EVERY_S, words)


def _without_rule(order: Order, handle: Handle) -> Answer:
    """The testers' rule is taken away, and Front Door settles from then on: edges hear of it after the weight. `kind`
    is that of the change of the rule."""
    removed = _closed(order, handle["rule"])
    if removed.running:
        return running(
            {**handle, "kind": removed.handle["kind"], "rule": removed.handle}, removed.after_s, removed.words
        )
    if removed.state != "passed":
        return removed
    return running({"kind": "settling", "since": iso(clock.now())}, LOOK_EVERY_S, removed.words)


def _sampled(order: Order) -> tuple[str, int]:
    """A version that the endpoint answers beside the live one, "" when there is none, as far as one place can see; and
    how many requests the live one answered."""
    url, unanswered, seen = order["endpoint"] + order["version_path"], 0, 0
    while order["live"] and seen < SAMPLES and unanswered < MOST_UNANSWERED:
        version = read_version(url, SAMPLE_TIMEOUT_S)
        if version not in (None, order["live"]):
            return str(version), seen
        seen, unanswered = seen + (version is not None), unanswered + (version is None)
    return "", seen


@bp.activity_trigger(input_name="order", activity="close_front_door")
@answering
def close_front_door(order: Order) -> Answer:
    """Take the testers' rule away. Safe to repeat."""
    return once(order, lambda _: _closed(order, {}), lambda handle: _closed(order, handle))


def _closed(order: Order, handle: Handle) -> Answer:
    from slipway.adapters.front_door import TestersRule

    front_door = FrontDoor.load(order["front_door"])
    if front_door.testers is None:
        return broken("UNEXPECTED", "there are no testers whose rule could be taken away")
    return TestersRule().remove(Target(**order["target"]), front_door.testers, handle)
