"""Jobs in a plan: the tests of a verification, and the migration of a database."""

from collections.abc import Iterator

from slipway.cli.times import rounded
from slipway.promotion.job_plan import JobPlan, JobTest, Migration
from slipway.promotion.plan import PromotionPlan, StagePlan


def tests_words(test: JobTest) -> str:
    """`tests uat of each target: job storefront-uat, image …, within 10 min`."""
    whose = "once for the stage" if test.once else "of each target"
    named = "tests" if test.name == "tests" else f"tests {test.name}"
    return f"{named} {whose}: {_job(test.runs, test.args)}"


def expand_words(migration: Migration) -> str:
    when = "expanded once, before anything is deployed, where the build brings a change"
    return f"{when}: {_job(migration.runs, migration.expand)}"


def contract_words(migration: Migration) -> str:
    when = "contracted once the old side is stopped, if the build says to what"
    return f"{when}: {_job(migration.runs, migration.contract)}"


def schema_lines(stage: StagePlan) -> Iterator[str]:
    """Until when there is a way back, of a stage that changes a database."""
    if stage.migration:
        yield "the schema is never taken back: only code that runs on the database as it is by then serves again"


def jobs_of(compiled: PromotionPlan) -> list[str]:
    """The names of all jobs that a plan runs."""
    stages = compiled.stages
    found = [test.runs.name for stage in stages for test in stage.tests]
    found += [stage.migration.runs.name for stage in stages if stage.migration]
    return list(dict.fromkeys(found))


def _job(job: JobPlan, args: tuple[str, ...]) -> str:
    words = f"job {job.name}" + (f", image {job.image}" if job.image else "")
    words += f", arguments {' '.join(args)}" if args else ""
    words += "".join(f", {name} from its secret {secret}" for name, secret in job.secrets.items())
    return f"{words}, within {rounded(job.within_s)}"
