"""What the locks of a stage are told when its release serves: the version, and what each target served before."""

from typing import Any

from orchestrators.environment_lock import ask_lock, mirror_lock
from orchestrators.release_parts import told_of
from orchestrators.waiting import Context, Durable, now
from slipway.promotion.overrides import overridden
from slipway.promotion.stage_run import StageRun


def tell_locks(context: Context, run: StageRun) -> Durable:
    """A part of the targets was switched: the stage's own lock is told with the first one, that of a member with the
    first one that has a target of its. With the last one the others are told, too, unless nothing of them changes, and
    the stage's own of the flags that were switched with it."""
    for service in _told_now(run):
        given = {"release": _release(run, service, now(context))}
        yield from ask_lock(context, run, "switched", given, service)
        yield from mirror_lock(context, run, [service])


def _told_now(run: StageRun) -> list[str]:
    parts = [{run.service_of(target.name) for target in part} for part in run.parts]
    before = set[str]().union(*parts[: run.part])
    is_last = run.part + 1 == len(parts)
    services = [run.build.service] if not run.part or (is_last and run.changed_flags) else []
    for service in run.plan.members:
        unchanged = is_last and not any(service in part for part in parts) and not run.keeps(service)
        if unchanged or (service in parts[run.part] and service not in before):
            services.append(service)
    return services


def _release(run: StageRun, service: str, at: str) -> dict[str, Any]:
    """The release as that service's lock keeps it: of a member its own version and targets, and the group it came with;
    of the group all members' versions. A member's commit and digest are not known here."""
    own, group = service == run.build.service, run.plan.group
    names = [target.name for target in run.plan.targets if own or run.service_of(target.name) == service]
    release = {
        "version": run.version_at(service),
        "promotion": run.promotion,
        "stage": run.plan.name,
        "commit": run.build.commit if own else "",
        "digest": run.build.digest if own else "",
        "finished_at": run.build.dump()["finished_at"],
        "received_at": run.received_at,
        "at": at,
        "targets": names,
        "replaced": {name: site.previous for name, site in run.sites.items() if name in names},
    }
    if not own:
        return release | {"group": run.build.service}
    release |= told_of(run)
    release |= {"schema": run.build.schema} if run.build.schema else {}
    release |= {"database": run.database["version"]} if run.database.get("version") else {}
    skipped = overridden(run.gate_answers)
    release |= {"overridden": skipped} if skipped else {}
    members = {member: run.version_at(member) for member in run.plan.members}
    return release | ({"members": members} if group and members else {})
