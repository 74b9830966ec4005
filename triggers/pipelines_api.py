"""`GET /api/pipelines`, `POST /api/pipelines/lint`, `POST /api/pipelines/plan`: what would happen, without doing it."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.intake import check_known
from slipway.adapters.pipelines import PipelineFolder
from slipway.adapters.read_model import promotion_rows
from slipway.promotion import lock
from slipway.promotion.approval import Person
from slipway.promotion.build import Build
from slipway.promotion.ids import promotion_id
from slipway.promotion.may_promote import Case, may_promote
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.views import members_at
from slipway.settings import settings
from triggers.entities_read import decisions_of, locks_of, member_locks_of
from triggers.http import BadRequest, NotFound, answer, api, body_of
from triggers.identity import READERS
from triggers.intake import check_finished, policy_findings, under_policies
from triggers.places import check_reading

if TYPE_CHECKING:
    from slipway.promotion.pipeline import Finding
    from triggers.bodies import PlanAsked

bp = df.Blueprint()

NAMED = "pipeline.yaml"


@bp.route(route="api/pipelines", methods=["GET"])
@api(*READERS, answers={200: "DeployedPipelines"})
async def get_pipelines(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """The pipelines that builds are promoted by, what keeps files of the folder from being one, and flags that two of
    them change."""
    return answer(await asyncio.to_thread(_deployed))


@bp.route(route="api/pipelines/lint", methods=["POST"])
@api(*READERS, place="any place", answers={200: "Findings"}, body="LintAsked")
async def post_lint(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Check a pipeline's text: every finding with line, column and what would be right. A sound one is held against the
    organisation's policies, too."""
    from triggers.bodies import LintAsked

    asked = body_of(req, LintAsked)
    findings = await asyncio.to_thread(_linted, asked.pipeline, asked.file)
    return answer({"findings": [asdict(finding) for finding in findings]})


@bp.route(route="api/pipelines/plan", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    place="the service",
    answers={200: "PlanShown"},
    body="PlanAsked",
    refuses={
        404: ("UNKNOWN_SERVICE",),
        409: ("VERSION_REUSED",),
        422: (
            *("INVALID_BODY", "PIPELINE_INVALID", "OTHER_SERVICE"),
            *("FINISHED_IN_THE_FUTURE", "BRANCH_NOT_PROMOTED", "BUILD_NOT_SUCCEEDED", "POLICY_UNMET"),
            *("MEMBER_MISSING", "MEMBER_UNKNOWN", "MEMBER_VERSION", "NOT_FOR_GROUPS"),
        ),
    },
)
async def post_plan(req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person) -> func.HttpResponse:
    """What would happen to a build, stage by stage, and what would stop it there now. Nothing is done.

    Of a build that was taken in before it says how its promotion stands.
    """
    from triggers.bodies import PlanAsked

    asked, at = body_of(req, PlanAsked), now()
    check_reading(person, asked.service)
    build = asked.build(at)
    check_finished(build)
    plan, takes = await asyncio.to_thread(_compiled, asked, build)
    promotion = promotion_id(asked.service, asked.version) if asked.version else ""
    rows = await asyncio.to_thread(_known, build, promotion) if promotion else {}
    decisions = await decisions_of(client, promotion) if rows else {}
    locks = await locks_of(client, (stage.environment for stage in plan.stages), asked.service)
    members = await member_locks_of(client, plan.stages)
    versions = build.members or rows.get("promotion", {}).get("build", {}).get("members", {})
    told = rows.get("promotion", {}).get("build", {}).get("finished_at", "")
    finished_at = told if asked.finished_at is None and told else iso(build.finished_at)
    may = {
        stage.name: may_promote(
            Case(
                stage=stage,
                service=asked.service,
                promotion=promotion,
                version=build.version,
                finished_at=finished_at,
                received_at=str(rows["intake"]["received_at"]) if rows else iso(at),
                lock=locks[stage.environment] or lock.empty(),
                decisions=decisions or None,
                at=iso(at),
                members=members_at(stage, versions, members),
                hotfix=build.hotfix or rows.get("promotion", {}).get("build", {}).get("hotfix", ""),
                others=members,
                schema=build.schema or rows.get("promotion", {}).get("build", {}).get("schema", {}),
            )
        ).dump()
        for stage in plan.stages
    }
    document = plan.dump()
    stages = [stage | {"may_promote": may[stage["name"]]} for stage in document["stages"]]
    named: dict[str, Any] = {
        "version": build.version,
        "promotion": promotion,
        "known": bool(rows),
        "finished_at": finished_at,
    }
    named |= {"artifact": plan.artifact_of(build.version), "builds": takes}
    return answer(document | named | {"stages": stages})


def _linted(text: str, file: str) -> "list[Finding]":
    from slipway.promotion.pipeline import compile_plan, digest_of, lint, read_pipeline

    if findings := lint(text, file):
        return findings
    return policy_findings(compile_plan(read_pipeline(text, file), digest_of(text)), text, file)


def _deployed() -> dict[str, Any]:
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    folder = PipelineFolder(settings().pipelines)
    pipelines = []
    for each in folder.all().values():
        pipeline = read_pipeline(each.text, each.file)
        plan = compile_plan(pipeline, each.digest)
        stages = [stage.name for stage in plan.stages]
        named = {"service": plan.service, "owner": plan.owner, "file": each.file, "digest": each.digest}
        pipelines.append({**named, "builds": pipeline.takes, "stages": stages})
    findings = [*folder.findings(), *folder.shared_flags(), *folder.shared_databases(), *folder.cyclic_services()]
    return {"pipelines": pipelines, "findings": [asdict(finding) for finding in findings]}


def _compiled(asked: "PlanAsked", build: Build) -> tuple[PromotionPlan, list[str]]:
    """The plan by the pipeline that came with the question, or by the deployed one, and whose builds that takes.

    Raises BadRequest (PIPELINE_INVALID, OTHER_SERVICE), NotFound, and NotForPromotion and BuildRejected (POLICY_UNMET)
    as the intake does.
    """
    from slipway.promotion.matching import check_branch, check_members, check_result
    from slipway.promotion.pipeline import PipelineInvalid, compile_plan, digest_of, read_pipeline

    text, file = asked.pipeline, NAMED
    if text is None:
        found = PipelineFolder(settings().pipelines).find(asked.service)
        if found is None:
            raise NotFound("UNKNOWN_SERVICE", f"no pipeline is for the service {asked.service}")
        text, file = found.text, found.file
    try:
        pipeline = read_pipeline(text, file)
    except PipelineInvalid as invalid:
        raise BadRequest(422, "PIPELINE_INVALID", invalid.words) from invalid
    if pipeline.service != asked.service:
        words = f"the pipeline is for {pipeline.service}, the build is of {asked.service}"
        raise BadRequest(422, "OTHER_SERVICE", words)
    check_result(build)
    if asked.branch:
        check_branch(build, pipeline)
    if build.members:
        check_members(build, pipeline)
    return under_policies(compile_plan(pipeline, digest_of(text)), text, file), pipeline.takes


def _known(build: Build, promotion: str) -> dict[str, dict[str, Any]]:
    """The rows of the promotion if the build was taken in before. Raises BuildRejected (VERSION_REUSED)."""
    if build.commit or build.digest:
        check_known(build)
    rows = promotion_rows(promotion)
    return rows if "intake" in rows else {}
