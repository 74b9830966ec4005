"""What the jobs of a pipeline need of what stands around them, and of each other."""

from typing import Any

from slipway.promotion.pipeline.credentials import among, carries_a_credential, is_a_credential
from slipway.promotion.pipeline.databases import TWO_STAGES, same_database
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.jobs import MOST_TESTS
from slipway.promotion.pipeline.placed import mappings, stages_in
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.times import seconds_of

Databases = list[tuple[Path, dict[str, Any]]]


def check_jobs(document: Document) -> None:
    """Report too many tests, credentials as text, databases that two stages would change, and a contract that never
    comes."""
    databases: Databases = []
    for path, stage in stages_in(document):
        tests = [(at, item) for at, item in mappings(stage.get("verify"), (*path, "verify")) if "tests" in item]
        for at, _ in tests[MOST_TESTS:]:
            document.report("TOO_MANY", f"a stage has at most {MOST_TESTS} tests", at)
        for at, item in tests:
            _check_literals(document, (*at, "tests"), item["tests"])
        if isinstance(stage.get("migrate"), dict):
            _check_migration(document, path, stage, databases)


def _check_migration(document: Document, path: Path, stage: dict[str, Any], databases: Databases) -> None:
    migrate, at = stage["migrate"], (*path, "migrate")
    _check_literals(document, at, migrate)
    if "rings" in stage:
        words = "rings come one after the other, and the first one's contract would take the schema from the others"
        document.report("DOES_NOT_RUN", f"{words}: migrate in a stage with targets", at, key=True)
    if migrate.get("contract") and not _kept_s(stage):
        words = "nothing is contracted before the release before is gone, and nobody watches for that here: give "
        document.report("CONTRACT_NEVER_COMES", f"{words}retain_previous, or keep of blue-green", (*at, "contract"))
    for other, theirs in databases:
        if same_database(migrate, theirs):
            words = f"the job and its database are those of line {document.line(other)}: {TWO_STAGES}"
            document.report("SHARED_DATABASE", f"{words}, each under a lock of its own", (*at, "job"))
            break
    databases.append((at, migrate))


def _kept_s(stage: dict[str, Any]) -> float:
    rollout = stage.get("rollout")
    if isinstance(rollout, dict) and isinstance(switch := rollout.get("blue-green"), dict):
        return seconds_of(switch.get("keep", "24h"))
    return seconds_of(stage.get("retain_previous"))


def _check_literals(document: Document, path: Path, section: Any) -> None:
    """Of variables and arguments."""
    section = section if isinstance(section, dict) else {}
    written = section.get("env")
    for name, value in written.items() if isinstance(written, dict) else ():
        if isinstance(value, str) and (carries_a_credential(str(name)) or is_a_credential(value)):
            words = f"the variable {quoted(name)} carries a credential, and a pipeline holds none: give it to the job"
            document.report(
                "LITERAL_SECRET", f"{words} as a secret and write {{secret: <its name>}}", (*path, "env", name)
            )
    for key in ("args", "expand", "contract"):
        arguments = section.get(key)
        texts = [each if isinstance(each, str) else "" for each in arguments] if isinstance(arguments, list) else []
        for index in among(texts):
            words = "this argument carries a credential, and a pipeline holds none: give it to the job as a secret"
            document.report("LITERAL_SECRET", f"{words}, and take it from a variable", (*path, key, index))
