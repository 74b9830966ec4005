"""`slipway lint` and `plan`: read pipelines without any server, unless `plan --live` asks one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.judge.options import BaseErrorIfKnown, TrafficIfKnown
from slipway.cli.judge.ramps import ramps_of
from slipway.cli.live_plan import ask_live
from slipway.cli.options import AsJson, Url
from slipway.cli.pipeline_files import is_file, pipeline_file, pipeline_text
from slipway.cli.plan_view import plan_page
from slipway.cli.policies_view import policy_lines
from slipway.cli.policy_files import PoliciesFolder, policies_beside, policy_findings
from slipway.cli.printing import answer, clean, out, print_json
from slipway.promotion.claims import Claim
from slipway.promotion.pipeline import (
    Finding,
    PipelineInvalid,
    compile_plan,
    cyclic_services,
    digest_of,
    read_pipeline,
    shared_claims,
    shared_databases,
    shared_flags,
)
from slipway.promotion.pipeline import lint as lint_text
from slipway.promotion.policies import PoliciesInvalid

Pipelines = Annotated[list[Path], typer.Argument(metavar="FILES", exists=True, dir_okay=False)]
Version = Annotated[str | None, typer.Option(help="Put this version into the artifact's address.")]


def lint(files: Pipelines, policies: PoliciesFolder = None, as_json: AsJson = False) -> None:
    """Check pipelines: every finding with file, line and what would be right. Exit 7 if there is one.

    Of several it also says which claim the same builds, which change the same flags or databases, and which
    wait for each other. Of each, which of the organisation's policies it does not meet.
    """
    findings = [finding for file in files for finding in _findings(file)]
    findings += [*_shared(files), *shared_flags(_texts(files)), *shared_databases(_texts(files))]
    findings += [*cyclic_services(_texts(files)), *policy_findings(files, policies)]
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
    policies: PoliciesFolder = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the server too: what would stop the build in each stage now.")
    ] = False,
    url: Url = None,
    traffic: TrafficIfKnown = None,
    base_error: BaseErrorIfKnown = None,
    as_json: AsJson = False,
) -> None:
    """Print what would happen to a build, stage by stage, without doing it.

    With --live a SERVICE is planned by the pipeline that is deployed, a FILE by its own text. With --traffic and
    --base-error: what a canary can see.
    """
    if (traffic is None) != (base_error is None):
        raise Failure("USAGE", "a traffic plan needs both --traffic and --base-error", ExitCode.USAGE)
    if live and traffic is not None:
        raise Failure("USAGE", "--live knows no traffic yet: plan it without --live", ExitCode.USAGE)
    if live and not is_file(pipeline):
        ask_live(url, pipeline, version, as_json)
        return
    file = pipeline_file(pipeline)
    try:
        text = pipeline_text(file)
        pipeline_read = read_pipeline(text, str(file))
        compiled = compile_plan(pipeline_read, digest_of(text))
        rules = policies_beside(policies, file)
    except (PipelineInvalid, PoliciesInvalid) as invalid:
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
    ramps = ramps_of(pipeline_read, traffic, base_error)
    traffic_plans = {name: asdict(ramp.plan) for name, ramp in ramps.items() if ramp.plan}
    document = compiled.dump() | {"artifact": artifact, "builds": pipeline_read.takes, "tells": pipeline_read.tells}
    document |= {"traffic": traffic_plans} if traffic_plans else {}
    rollouts = {name: ramp.lines for name, ramp in ramps.items()}
    held = {stage.name: list(policy_lines(rules, stage, compiled, datetime.now(UTC))) for stage in compiled.stages}
    document |= {"policies": held} if any(held.values()) else {}
    page = plan_page(compiled, artifact, str(file), rollouts, pipeline_read.takes, pipeline_read.tells, held)
    answer(document, page, as_json)


def _findings(file: Path) -> list[Finding]:
    try:
        return lint_text(pipeline_text(file), str(file))
    except PipelineInvalid as invalid:
        return list(invalid.findings)


def _texts(files: list[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        with suppress(PipelineInvalid):
            yield pipeline_text(file), str(file)


def _shared(files: list[Path]) -> list[Finding]:
    """What several of them claim; those that are no pipelines are reported by themselves."""
    read: dict[str, tuple[tuple[Claim, ...], str]] = {}
    for file in files:
        with suppress(PipelineInvalid):
            pipeline = read_pipeline(pipeline_text(file), str(file))
            read.setdefault(pipeline.service, (pipeline.claims, str(file)))
    claims = {service: claims for service, (claims, _) in read.items()}
    return list(shared_claims(claims, {service: file for service, (_, file) in read.items()}))


def _verdict(findings: list[Finding], files: int) -> Text:
    checked = "1 pipeline" if files == 1 else f"{files} pipelines"
    if not findings:
        return Text(f"✓ {checked}, nothing to mend", style="green")
    found = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return Text(f"✗ {found} in {checked}", style="red")
