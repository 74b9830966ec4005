"""The end of a watch whose release brings a contract: what only the release before has needed is taken out of the
database, once that is gone.

Said to the lock first: from then on nothing goes back to code that does not run on what is to come.
"""

from collections.abc import Sequence

from orchestrators.environment_lock import ask_environment, mirror_lock
from orchestrators.fan_out import fan_out
from orchestrators.jobs import a_migration
from orchestrators.waiting import Context, Durable, now
from orchestrators.watch_record import record
from slipway.promotion.database_schema import Range
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.watch_run import WatchRun


def contract(context: Context, run: WatchRun, stops: Sequence[Answer]) -> Durable:
    """Run the migration's `contract`, if the release has one and `stops`, what came of the old sides, allow it. Returns
    the run."""
    migration, to = run.stage.plan.migration, run.stage.contracts_to
    if migration is None or not to:
        return run
    if why := _still_needed(run, to, stops):
        return (yield from record(context, run, "not-contracted", f"the database is not contracted to {to}: {why}"))
    where = run.stage.plan.environment, run.stage.build.service
    asked = {"by_watch": run.instance, "towards": to, "at": now(context)}
    answer = yield from ask_environment(context, *where, "migrates", asked)
    if answer["lock"] != "go":
        said = {"there": "it is there already", "not yours": "another release has the environment"}[answer["lock"]]
        return (yield from record(context, run, "not-contracted", f"the database is not contracted to {to}: {said}"))
    yield from mirror_lock(context, run.stage, [run.stage.build.service])
    run = yield from record(context, run, "contracting", f"contracts the database to {to} with {migration.runs.name}")
    id = child_id(run.instance, "database", "contract", "1")
    operation = a_migration(context, run.stage, migration, "contract", to, id, run.stage.fence)
    (ended,) = yield from fan_out(context, [operation])
    if ended.outcome != Outcome.PASSED:
        words = f"a person must look: the database was not contracted to {to}: {ended.words}"
        evidence = {"calls": True, "code": ended.code, "log": ended.log}
        return (yield from record(context, run, "contract-failed", words, evidence))
    told = {"by_watch": run.instance, "version": to, "at": now(context), "promotion": run.stage.promotion}
    yield from ask_environment(context, *where, "migrated", told)
    words = f"the database is contracted to {to}: {ended.words}"
    return (yield from record(context, run, "contracted", words, {"schema": to}))


def _still_needed(run: WatchRun, to: int, stops: Sequence[Answer]) -> str:
    """Why what `to` takes away may still be needed, in words; empty when nothing needs it any more."""
    before = Range.of(run.stage.database.get("live"))
    if before is not None and not before.excludes([to]):
        return ""
    if stops:
        gone = all(each.outcome == Outcome.PASSED and each.result.get("stopped") for each in stops)
        return "" if gone else "the side of the release before still stands"
    if run.stage.live_before not in ("", run.stage.build.version):
        return f"what {run.stage.live_before} stood on was not stopped"
    return ""
