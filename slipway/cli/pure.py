"""`slipway lint` and `plan`: read pipelines without any server."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean, out, print_json
from slipway.cli.times import rounded
from slipway.promotion.pipeline import Finding, PipelineInvalid, compile_plan, digest_of, no_text, read_pipeline
from slipway.promotion.pipeline import lint as lint_text
from slipway.promotion.pipeline.findings import nearest
from slipway.promotion.plan import ApprovalPolicy, Header, HealthCheck, LoadTest, PromotionPlan, StagePlan

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
    as_json: AsJson = False,
) -> None:
    """Print what would happen to a build, stage by stage, without doing it."""
    file = _file_of(pipeline)
    try:
        text = _text(file)
        compiled = compile_plan(read_pipeline(text, str(file)), digest_of(text))
    except PipelineInvalid as invalid:
        if as_json:
            print_json({"findings": [asdict(finding) for finding in invalid.findings]})
        else:
            for finding in invalid.findings:
                out().print(Text(clean(str(finding))), soft_wrap=True)
        raise typer.Exit(ExitCode.LINT) from invalid
    artifact = compiled.artifact.replace("{service}", compiled.service)
    artifact = artifact.replace("{version}", version) if version else artifact
    answer(compiled.dump() | {"artifact": artifact}, _plan(compiled, artifact, file), as_json)


def in_order(stages: tuple[StagePlan, ...]) -> Iterator[StagePlan]:
    """Each stage after all that it needs; otherwise as they stand in the file."""
    left, done = list(stages), set[str]()
    while left:
        ready = next(stage for stage in left if done.issuperset(stage.needs))
        left.remove(ready)
        done.add(ready.name)
        yield ready


def _findings(file: Path) -> list[Finding]:
    try:
        return lint_text(_text(file), str(file))
    except PipelineInvalid as invalid:
        return list(invalid.findings)


def _text(file: Path) -> str:
    """The file's text. Raises PipelineInvalid when it is none."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PipelineInvalid([no_text(str(file), error)]) from error


def _file_of(pipeline: str) -> Path:
    named = Path(pipeline)
    is_file = named.suffix != "" or named.is_file()
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


def _plan(compiled: PromotionPlan, artifact: str, file: Path) -> RenderableType:
    head = Text.assemble((clean(compiled.service), "bold"), f"  owner {clean(compiled.owner)}")
    origin = Text(f"{file} · {compiled.pipeline_digest[:19]}…\n{clean(artifact)}", style="dim")
    stages = [_stage(number, stage) for number, stage in enumerate(in_order(compiled.stages), 1)]
    return Group(head, origin, *stages)


def _stage(number: int, stage: StagePlan) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, words in _facts(stage):
        facts.add_row(f"   {name}", Text(clean(words)))
    after = f"  after {', '.join(stage.needs)}" if stage.needs else ""
    return Group("", Text.assemble(f"{number}. ", (clean(stage.name), "bold"), (after, "dim")), facts)


def _facts(stage: StagePlan) -> Iterator[tuple[str, str]]:
    """What happens in a stage, in the order in which it happens."""
    if stage.approval:
        yield "approval", _approval(stage.approval)
    yield "lock", f"of {stage.environment}, waits at most {rounded(stage.lock_within_s)}"
    for target in stage.targets:
        site = target.resource.rsplit("/", 1)[-1]
        yield "deploy", f"{target.name}: {target.kind} {site}, slot {target.slot}"
    yield "verify", _health(stage.health)
    for load in stage.loads:
        yield "", _load(load)
    yield "roll out", f"{stage.rollout}, then verify what is live"
    yield "bake", rounded(stage.bake_s) if stage.bake_s else "none"
    yield "way back", stage.way_back


def _approval(policy: ApprovalPolicy) -> str:
    who = " or ".join(policy.approvers) + (", not the author" if policy.not_author else "")
    return f"{policy.at_least} of {who}, within {rounded(policy.within_s)}"


def _health(check: HealthCheck) -> str:
    words = f"health {check.path}: {check.successes} good answers in a row within {rounded(check.within_s)}"
    return words + _headers(check.headers)


def _load(load: LoadTest) -> str:
    limits = [
        f"{name} at most {limit:g} ms"
        for name, limit in (("p50", load.p50_ms), ("p95", load.p95_ms), ("p99", load.p99_ms))
        if limit is not None
    ]
    if load.error_rate is not None:
        limits.append(f"errors at most {load.error_rate * 100:g} %")
    words = f"load {load.rate_per_s:g}/s on {load.path} for {rounded(load.duration_s)}: {', '.join(limits)}"
    return words + _headers(load.headers)


def _headers(headers: tuple[Header, ...]) -> str:
    """Which headers go with the requests; of a secret only where it comes from."""
    sent = [
        f"{each.name} from the secret {each.secret}" if each.secret else f"{each.name}: {each.value}"
        for each in headers
    ]
    return f"; sends {', '.join(sent)}" if sent else ""
