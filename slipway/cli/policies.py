"""`slipway policies`: which rules of the organisation there are, and which hold for a service. Needs no server."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Group
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson
from slipway.cli.pipeline_files import pipeline_file, pipeline_text
from slipway.cli.policies_view import policies_page, policy_lines
from slipway.cli.policy_files import FOLDER, PoliciesFolder, policies_beside, policies_in
from slipway.cli.printing import answer, clean, out, print_json
from slipway.promotion.pipeline import PipelineInvalid, compile_plan, digest_of, read_pipeline
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.policies import Policies, PoliciesInvalid, holding

Service = Annotated[str | None, typer.Option(metavar="SERVICE|FILE", help="What they say to this pipeline's stages.")]


def policies(folder: PoliciesFolder = None, service: Service = None, as_json: AsJson = False) -> None:
    """The organisation's policies: whom each is for, what it wants and why. Exit 7 if one cannot be read, or the
    service's pipeline does not meet it."""
    file = pipeline_file(service) if service else None
    try:
        read = policies_beside(folder, file) if file else policies_in(folder or Path(FOLDER))
        plan = _plan(file) if file else None
    except (PoliciesInvalid, PipelineInvalid) as invalid:
        _refuse(invalid, as_json)
    except OSError as error:
        words = f"no policies at {folder or FOLDER}; name their folder with --policies"
        raise Failure("USAGE", words, ExitCode.USAGE) from error
    at = datetime.now(UTC)
    unmet = 0
    if plan is None:
        answer(_document(read), Group(*policies_page(read, at)), as_json)
        return
    stages: list[dict[str, Any]] = []
    lines: list[Text] = []
    for stage in plan.stages:
        held = holding(read, stage, plan.service, plan.owner, at)
        unmet += len(held.unmet)
        told = [{"policy": each.policy.name, "words": each.words, "comply": each.comply} for each in held.unmet]
        exempt = [asdict(each) for each in held.exempt]
        stages.append({"stage": stage.name, "policies": held.names, "exceptions": exempt, "unmet": told})
        lines.append(Text(clean(stage.name), "bold"))
        lines += [Text(clean(f"  {line}")) for line in policy_lines(read, stage, plan, at)] or [Text("  none", "dim")]
        lines += [Text(clean(f"  to comply, write in the stage: {each.comply}"), "yellow") for each in held.unmet]
    answer({"service": plan.service, "digest": read.digest, "stages": stages}, Group(*lines), as_json)
    if unmet:
        raise typer.Exit(ExitCode.LINT)


def _plan(file: Path) -> PromotionPlan:
    text = pipeline_text(file)
    return compile_plan(read_pipeline(text, str(file)), digest_of(text))


def _document(read: Policies) -> dict[str, Any]:
    rules = [
        {key: value for key, value in asdict(policy).items() if key not in ("wanted", "written")}
        | {"requires": policy.written}
        for policy in read.policies
    ]
    return {"digest": read.digest, "policies": rules, "exceptions": [asdict(each) for each in read.exemptions]}


def _refuse(invalid: PoliciesInvalid | PipelineInvalid, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"findings": [asdict(finding) for finding in invalid.findings]})
    else:
        for finding in invalid.findings:
            out().print(Text(clean(str(finding))), soft_wrap=True)
    raise typer.Exit(ExitCode.LINT)
