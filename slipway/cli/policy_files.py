"""The organisation's policies as files: named, or the folder beside that of the pipelines."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.pipeline_files import pipeline_text
from slipway.promotion.pipeline import Finding, PipelineInvalid, compile_plan, digest_of, no_text, read_pipeline
from slipway.promotion.policies import Policies, PoliciesInvalid, findings_of, read_policies, unmet_by

ENDS = (".yaml", ".yml")
FOLDER = "policies"

PoliciesFolder = Annotated[
    Path | None,
    typer.Option(
        "--policies",
        metavar="DIR",
        help="The organisation's policies; else the folder `policies` beside that of the pipelines, if it is there.",
        exists=True,
        file_okay=False,
    ),
]


def policies_beside(folder: Path | None, pipeline: Path) -> Policies:
    """Those of the folder that is named, or of the one beside the pipeline's; none where there is neither. Raises
    PoliciesInvalid."""
    if folder is not None:
        return policies_in(folder)
    beside = pipeline.resolve().parent.parent / FOLDER
    return policies_in(beside) if beside.is_dir() else Policies()


def policies_in(folder: Path) -> Policies:
    """All files of a folder together. Raises PoliciesInvalid, also for a folder without any."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in ENDS)
    if not paths:
        raise PoliciesInvalid([Finding(str(folder), 1, 1, "NO_POLICIES", "the folder holds no policies")])
    texts = []
    for path in paths:
        try:
            texts.append((str(path), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError as error:
            raise PoliciesInvalid([no_text(str(path), error)]) from error
    return read_policies(texts)


def policy_findings(files: Iterable[Path], folder: Path | None) -> list[Finding]:
    """What the policies want that the sound ones of these pipelines do not have, and what is wrong with the policies
    themselves; each once."""
    found: set[Finding] = set()
    for file in files:
        try:
            policies = policies_beside(folder, file)
            text = pipeline_text(file)
            plan = compile_plan(read_pipeline(text, str(file)), digest_of(text))
            found.update(findings_of(unmet_by(policies, plan, datetime.now(UTC)), plan, text, str(file)))
        except PoliciesInvalid as invalid:
            found.update(invalid.findings)
        except PipelineInvalid:
            continue  # its own findings say so
    return sorted(found)
