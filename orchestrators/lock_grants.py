"""How a stage comes to its lock, and a group to the locks of all its members: one after the other, in an order that is
everybody's. So whoever waits holds only locks before the one that it waits for, and no circle of waits can close.
"""

from dataclasses import replace
from typing import Any

from orchestrators.environment_lock import announcement, ask_environment, ask_lock
from orchestrators.waiting import Context, Durable, now
from slipway.promotion.groups import MemberLock
from slipway.promotion.plain import plain
from slipway.promotion.stage_run import StageRun


def asked_in_order(context: Context, run: StageRun) -> Durable:
    """Ask for each lock until one is not granted. Returns the answers by service, in that order; the last one says how
    it stands: `granted` when all are. A group is announced at its own lock meanwhile, wherever it waits, so that a
    newer one can take its place."""
    answers: dict[str, dict[str, Any]] = {}
    if run.plan.members and not run.goes_back:
        place = yield from ask_lock(context, run, "announce", announcement(run, run.instance, now(context)))
        if place["lock"] != "go":
            return {run.build.service: place}
    after = yield from _missing_elsewhere(context, run)
    for service in run.locks:
        asked = announcement(run, run.instance, now(context), service) | after
        answers[service] = yield from ask_lock(context, run, "acquire", asked, service)
        if answers[service]["lock"] != "granted":
            return answers
    if run.plan.members:  # with its fence, or the lock would be free
        yield from ask_lock(context, run, "leave", {"fence": answers[run.build.service]["fence"]})
    return answers


def _missing_elsewhere(context: Context, run: StageRun) -> Durable:
    """What other services do not have live yet, as the lock is told of it. Whoever asks is woken by their releases."""
    missing = []
    for each in () if run.goes_back else run.plan.after:
        given = {**plain(each), "waiter": run.instance}
        answer = yield from ask_environment(context, each.environment, each.service, "ask_at_least", given)
        missing += [answer["missing"]] if answer["missing"] else []
    return {"after": "; ".join(missing)} if missing else {}


def granted(run: StageRun, answers: dict[str, dict[str, Any]]) -> StageRun:
    """The run with all its locks, and what they know of what is live."""
    own = answers[run.build.service]
    members = {
        service: MemberLock(answer["fence"], answer["live"], answer.get("promotion", ""))
        for service, answer in answers.items()
        if service != run.build.service
    }
    stopped = [str(answer.get("old_side_stopped", "")) for answer in answers.values()]
    found = {
        "live_before": own["live"],
        "live_targets": tuple(own["targets"]),
        "replaced": own["replaced"],
        "proven_at": own.get("proven_at", ""),
        "old_side_stopped": max(stopped),
        "database": own.get("database", {}),
    }
    return replace(run, fence=own["fence"], member_locks=members, **found)


def step_aside(context: Context, run: StageRun, held: str) -> Durable:
    """A person holds that member, perhaps for days: give back what was granted before, so that nobody else waits for
    it, and only announce the build there, to be woken by the lift, and at its own lock."""
    for service in run.locks:
        yield from ask_lock(context, run, "leave", None, service)
        if service == held:
            break
    for service in {run.build.service: None, held: None}:
        yield from ask_lock(context, run, "announce", announcement(run, run.instance, now(context), service), service)
