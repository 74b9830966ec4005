"""A stage and its environment's lock, or those of its group's members: what it asks, and the copies in the read model
after each change. A service that is not named is the stage's own.
"""

from collections.abc import Iterable
from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Context, Durable, insist, now, nudge_all
from slipway.promotion.barriers import QUEUE
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.stage_run import StageRun


def ask_lock(
    context: Context, run: StageRun, operation: str, given: dict[str, Any] | None = None, service: str = ""
) -> Durable:
    """Ask the lock of the service in the stage's environment as its holder. Returns the lock's answer."""
    service = service or run.build.service
    asked = {"holder": run.instance, "fence": run.fence_at(service), **(given or {})}
    return (yield from ask_environment(context, run.plan.environment, service, operation, asked))


def raise_fences(context: Context, run: StageRun, at_least: int = 0) -> Durable:
    """Give every lock of the stage a new fence; with `at_least` those that are below it, one above it. Returns the
    run."""
    fences: dict[str, int] = {}
    for service in run.locks:
        if not at_least or run.fence_at(service) < at_least:
            given = {"at_least": at_least} if at_least else {}
            raised = yield from ask_lock(context, run, "raise_fence", given, service)
            fences[service] = raised.get("fence", run.fence_at(service))
    return run.with_fences(fences)


def ask_environment(context: Context, environment: str, service: str, operation: str, given: dict[str, Any]) -> Durable:
    """Ask the lock of `service` in `environment`, and nudge whomever a change concerns.

    Returns the answer of `slipway.promotion.lock`.
    """
    entity = df.EntityId("environment", environment_key(environment, service))
    answer = yield context.call_entity(entity, operation, given)
    yield from nudge_all(context, answer)
    return answer


def announcement(run: StageRun, waiter: str, at: str, service: str = "") -> dict[str, Any]:
    """What the stage says of its build to the lock; `waiter` is woken when a newer one comes. At the lock of a member
    it goes for no other build's sake: who composed the group chose that version."""
    service = service or run.build.service
    is_own = service == run.build.service
    return {
        "holder": run.instance,
        "waiter": waiter,
        "promotion": run.promotion,
        "stage": run.plan.name,
        "version": run.version_at(service),
        "finished_at": iso(run.build.finished_at),
        "received_at": run.received_at,
        "on_newer_build": run.plan.on_newer_build if is_own and not run.goes_back else QUEUE,
        "goes_back": run.goes_back,
        **_of_the_database(run, is_own),
        **said_of_the_build(run, service),
        "at": at,
    }


def said_of_the_build(run: StageRun, service: str) -> dict[str, Any]:
    """When it may enter by its pipeline, and whether as a hotfix; at a member's lock the group's calendar is no matter,
    as the group's own lock has it."""
    calendar = {"calendar": plain(run.plan.calendar)} if run.plan.calendar and service == run.build.service else {}
    return {**calendar, **({"hotfix": run.build.hotfix} if run.build.hotfix else {})}


def _of_the_database(run: StageRun, is_own: bool) -> dict[str, Any]:
    """On which versions of it the build runs, and whether the stage changes it; of a member's a group knows nothing."""
    if not is_own:
        return {"in_group": True}
    declared = {"schema": run.build.schema} if run.build.schema else {}
    return {**declared, "migrates": True} if run.plan.migration else declared


def leave_lock(context: Context, run: StageRun, holder: str = "", services: Iterable[str] | None = None) -> Durable:
    """Wait for the stage's locks no more (`holder` instead of the stage itself), and show that. Those of them that it
    was granted, and nobody has heard so, are free. Raises NotTaken."""
    for service in run.locks if services is None else services:
        left = yield from ask_lock(context, run, "leave", {"holder": holder or run.instance}, service)
        if not left["new"]:
            yield from mirror_lock(context, run, [service])


def mirror_lock(context: Context, run: StageRun, services: Iterable[str] = ()) -> Durable:
    """Copy the state of the stage's locks, or of those that are named, into the read model. Raises NotTaken."""
    for service in services or run.locks:
        where = {"environment": run.plan.environment, "service": service}
        yield from insist(context, "mirror_environment", where)


def give_back_unchanged(context: Context, run: StageRun) -> Durable:
    """Free the stage's locks, and show that: it was granted them, and has changed nothing. Asked again, it is the same.
    Raises NotTaken."""
    for service in run.locks_given_back:
        if run.fence_at(service):
            yield from ask_lock(context, run, "release", {"result": "unchanged", "at": now(context)}, service)
            yield from mirror_lock(context, run, [service])
