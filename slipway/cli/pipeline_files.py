"""Pipelines as files, found by path or by service."""

from pathlib import Path

from slipway.cli.failure import ExitCode, Failure
from slipway.promotion.pipeline import PipelineInvalid, no_text
from slipway.promotion.pipeline.findings import nearest

FOLDERS = (Path("services"), Path("pipelines"))  # one's own first, where a checkout has any
ENDS = (".yaml", ".yml")


def pipeline_text(file: Path) -> str:
    """The file's text. Raises PipelineInvalid when it is none."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PipelineInvalid([no_text(str(file), error)]) from error


def is_file(pipeline: str) -> bool:
    """Whether it names a file, not a service."""
    return Path(pipeline).suffix != "" or Path(pipeline).is_file()


def pipeline_file(pipeline: str) -> Path:
    """The file of a service in `services/` or `pipelines/`, or the one named. Raises Failure, with the nearest there
    is."""
    named, by_path = Path(pipeline), is_file(pipeline)
    candidates = [named]
    if not by_path:
        candidates = [folder / f"{pipeline}{end}" for folder in FOLDERS for end in ENDS]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    words = f"no pipeline at {' or '.join(str(candidate) for candidate in candidates)}"
    folders = [named.parent] if by_path else FOLDERS
    there = [file for folder in folders for file in folder.glob("*.y*ml") if file.suffix in ENDS]
    like = {file.name: str(file) for file in there} if by_path else {file.stem: file.stem for file in there}
    meant = like.get(nearest(named.name, like))
    raise Failure("USAGE", words + (f"; did you mean {meant}?" if meant else ""), ExitCode.USAGE)
