"""`slipway lint` and `plan`: read pipelines without any server, unless `plan --live` asks one."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.live_plan import ask_live
from slipway.cli.options import AsJson, Url
from slipway.cli.plan_view import plan_page
from slipway.cli.printing import answer, clean, out, print_json
from slipway.promotion.pipeline import Finding, PipelineInvalid, compile_plan, digest_of, no_text, read_pipeline
from slipway.promotion.pipeline import lint as lint_text
from slipway.promotion.pipeline.findings import nearest

Pipelines = Annotated[list[Path], typer.Argument(metavar="FILES", exists=True, dir_okay=False)]
Version = Annotated[str | None, typer.Option(help="Put this version into the artifact's address.")]


def lint(files: Pipelines, as_json: AsJson = False) -> None:
    """Check pipelines: every finding with file, line and what would be right. Exit 7 if there is one."""
    findings = [finding for file in files for finding in _findings(file)]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            out().print(Text(clean(str(finding))), soft_wrap=True)
        out().print(_verdict(findings, len(files)))
    if findings:
        raise typer.Exit(ExitCode.LINT)


def plan(
    pipeline: Annotated[str, typer.Argument(metavar="SERVICE|FILE", help="checkout, or a pipeline's file.")],
    version: Version = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the server too: what would stop the build in each stage now.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print what would happen to a build, stage by stage, without doing it.

    With --live a SERVICE is planned by the pipeline that is deployed, a FILE by its own text.
    """
    if live and not _is_file(pipeline):
        ask_live(url, pipeline, version, as_json)
        return
    file = pipeline_file(pipeline)
    try:
        text = pipeline_text(file)
        compiled = compile_plan(read_pipeline(text, str(file)), digest_of(text))
    except PipelineInvalid as invalid:
        if as_json:
            print_json({"findings": [asdict(finding) for finding in invalid.findings]})
        else:
            for finding in invalid.findings:
                out().print(Text(clean(str(finding))), soft_wrap=True)
        raise typer.Exit(ExitCode.LINT) from invalid
    if live:
        ask_live(url, compiled.service, version, as_json, text, str(file))
        return
    artifact = compiled.artifact_of(version or "")
    answer(compiled.dump() | {"artifact": artifact}, plan_page(compiled, artifact, str(file)), as_json)


def _findings(file: Path) -> list[Finding]:
    try:
        return lint_text(pipeline_text(file), str(file))
    except PipelineInvalid as invalid:
        return list(invalid.findings)


def pipeline_text(file: Path) -> str:
    """The file's text. Raises PipelineInvalid when it is none."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PipelineInvalid([no_text(str(file), error)]) from error


def _is_file(pipeline: str) -> bool:
    """Whether it names a file, not a service."""
    return Path(pipeline).suffix != "" or Path(pipeline).is_file()


def pipeline_file(pipeline: str) -> Path:
    named, is_file = Path(pipeline), _is_file(pipeline)
    candidates = [named] if is_file else [Path("pipelines") / f"{pipeline}{end}" for end in (".yaml", ".yml")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    words = f"no pipeline at {' or '.join(str(candidate) for candidate in candidates)}"
    there = [file for file in candidates[0].parent.glob("*.y*ml") if file.suffix in (".yaml", ".yml")]
    if is_file:
        like = {file.name: str(file) for file in there}
    else:
        like = {file.stem: file.stem for file in there}
    meant = like.get(nearest(named.name, like))
    raise Failure("USAGE", words + (f"; did you mean {meant}?" if meant else ""), ExitCode.USAGE)


def _verdict(findings: list[Finding], files: int) -> Text:
    checked = "1 pipeline" if files == 1 else f"{files} pipelines"
    if not findings:
        return Text(f"✓ {checked}, nothing to mend", style="green")
    found = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return Text(f"✗ {found} in {checked}", style="red")
