"""Pipelines as files, found by path or by service."""

from pathlib import Path

from slipway.cli.failure import ExitCode, Failure
from slipway.promotion.pipeline import PipelineInvalid, no_text
from slipway.promotion.pipeline.findings import nearest


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
    """The file of a service in `pipelines/`, or the one named. Raises Failure, with the nearest there is."""
    named, by_path = Path(pipeline), is_file(pipeline)
    candidates = [named] if by_path else [Path("pipelines") / f"{pipeline}{end}" for end in (".yaml", ".yml")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    words = f"no pipeline at {' or '.join(str(candidate) for candidate in candidates)}"
    there = [file for file in candidates[0].parent.glob("*.y*ml") if file.suffix in (".yaml", ".yml")]
    if by_path:
        like = {file.name: str(file) for file in there}
    else:
        like = {file.stem: file.stem for file in there}
    meant = like.get(nearest(named.name, like))
    raise Failure("USAGE", words + (f"; did you mean {meant}?" if meant else ""), ExitCode.USAGE)
