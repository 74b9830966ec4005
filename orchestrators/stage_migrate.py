"""The phase of a stage in which its database is expanded: once, before anything is deployed.

The lock is told before and after. What fails leaves nothing to undo: nothing is deployed, and a schema is never taken
back; a retry runs it again.
"""

from dataclasses import replace

from orchestrators.environment_lock import ask_lock, mirror_lock
from orchestrators.jobs import MIGRATION_FAILED, a_migration
from orchestrators.recording import record_stage
from orchestrators.stage_work import carried_out, stopped
from orchestrators.waiting import Context, Durable, now
from slipway.promotion import stage_phases as phase
from slipway.promotion.database_schema import Range, expands_to, must_expand
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun


def expand(context: Context, run: StageRun) -> Durable:
    """Run the migration's `expand`, unless the database is there already."""
    migration = run.plan.migration
    if migration is None:  # a plan of before
        return run.to(phase.DEPLOY)
    ended = yield from stopped(context, run)
    if ended:
        return ended
    own = Range.of(run.build.schema)
    if not must_expand(run.database, own, migrates=True):
        run = yield from record_stage(context, replace(run, since=now(context)), "not-migrated", _why_not(run, own))
        return run.to(phase.DEPLOY)
    to = expands_to(run.database, own, migrates=True)
    if to:
        answer = yield from ask_lock(context, run, "migrates", {"towards": to, "at": now(context)})
        if answer["lock"] == "not yours":
            words = "another has the lock by now: the database was not expanded, and nothing deployed"
            return run.ends(Outcome.CANCELLED, "FENCED", words)
        yield from mirror_lock(context, run, [run.build.service])
    id = child_id(run.instance, "database", "expand", str(run.attempt))
    run = replace(run, since=now(context))
    asked = a_migration(context, run, migration, "expand", to, id, run.fence)
    steps = [Step("expand", migration.runs.name, id)]
    words = f"expands the database{f' to {to}' if to else ''} with {migration.runs.name}"
    run, verdict = yield from carried_out(context, run, "migrating", words, steps, [asked])
    if verdict.outcome != Outcome.PASSED:
        code = verdict.code if verdict.outcome == Outcome.CANCELLED else MIGRATION_FAILED
        return run.ends(verdict.outcome, code, f"the database was not expanded, and nothing deployed: {verdict.words}")
    if to:
        told = {"version": to, "at": now(context), "promotion": run.promotion}
        yield from ask_lock(context, run, "migrated", told)
        yield from mirror_lock(context, run, [run.build.service])
        beyond = run.database.get("towards", 0)
        run = replace(run, database={**run.database, "version": to, "towards": beyond if beyond > to else 0})
    run = yield from record_stage(context, run, "migrated", verdict.words or f"{migration.runs.name} ended well")
    return run.to(phase.DEPLOY)


def _why_not(run: StageRun, own: Range | None) -> str:
    if own and own.expand:
        return f"the database is at {run.database['version']} already: nothing is expanded"
    return f"{run.build.version} brings no change of the database"
