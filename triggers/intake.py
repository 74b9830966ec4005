"""From a build message to the frozen input of a promotion: parse, find the pipeline, match, compile."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.adapters.clock import now
from slipway.adapters.pipelines import PipelineFolder
from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.under_policies import UNMET, UnderPolicies
from slipway.settings import settings

if TYPE_CHECKING:
    from slipway.promotion.pipeline import Finding
    from slipway.promotion.policies import Policies

CLOCKS_DIFFER_BY = timedelta(minutes=5)
SENDER = "slipway_hook"  # the property that names the CI system by whose web hook a message came


@dataclass(frozen=True)
class Matched:
    """A build and the pipeline that promotes it."""

    build: Build
    plan: PromotionPlan
    pipeline_text: str

    def run(self, received_at: datetime, submitted_by: str = "", trace: str = "") -> PromotionRun:
        """The input of the promotion's orchestration, with a new token; `submitted_by` is whoever posted it, `trace`
        the traceparent of its intake."""
        return PromotionRun(
            id=self.build.promotion,
            token=str(uuid.uuid4()),
            build=self.build,
            plan=self.plan,
            received_at=iso(received_at),
            submitted_by=submitted_by,
            trace=trace,
        )


def match(body: bytes, beside: Mapping[Any, Any] | None = None, sender: str = "") -> Matched:
    """Parse a message and match it; `beside` are the headers or properties that came with it, `sender` the CI system
    by whose web hook it came. Raises BuildRejected when it can never be promoted as it is, and NotForPromotion when its
    pipeline does not want it."""
    from slipway.promotion.matching import check_for_promotion, check_members
    from slipway.promotion.pipeline import PipelineInvalid, compile_plan, read_pipeline

    build, folder = build_of(body, beside, sender), _folder()
    check_finished(build)
    found = folder.find(build.service)
    if found is None:
        unusable = sorted({finding.file for finding in folder.findings()})
        hint = f"; not usable: {', '.join(unusable)} (see `slipway lint`)" if unusable else ""
        raise BuildRejected("UNKNOWN_SERVICE", f"no pipeline is for the service {build.service}{hint}")
    try:
        pipeline = read_pipeline(found.text, found.file)
    except PipelineInvalid as error:
        raise BuildRejected("PIPELINE_INVALID", str(error)) from error
    check_for_promotion(build, pipeline)
    check_members(build, pipeline)
    plan = under_policies(compile_plan(pipeline, found.digest), found.text, found.file)
    return Matched(build, plan, found.text)


def under_policies(plan: PromotionPlan, text: str, file: str) -> PromotionPlan:
    """The plan, which says so where the organisation has policies. Those that cannot be read keep no build out here:
    its stages wait for them to be mended. Raises BuildRejected POLICY_UNMET for a plan that does not meet them."""
    if settings().policies is None:
        return plan
    if findings := policy_findings(plan, text, file):
        raise BuildRejected(UNMET, "\n".join(str(finding) for finding in findings))
    under = UnderPolicies(plan.owner, _policies().digest)
    return replace(plan, stages=tuple(replace(stage, policies=under) for stage in plan.stages))


def policy_findings(plan: PromotionPlan, text: str, file: str) -> "list[Finding]":
    """What the policies in force want that the plan does not have, each at its stage in the pipeline's text."""
    if settings().policies is None:
        return []
    from slipway.promotion.policies import findings_of, unmet_by

    return findings_of(unmet_by(_policies(), plan, now()), plan, text, file)


def _policies() -> "Policies":
    """Those in force; none where they cannot be read."""
    from slipway.adapters.policies import policies_in_force
    from slipway.promotion.policies import Policies, PoliciesInvalid

    try:
        return policies_in_force() or Policies()
    except PoliciesInvalid:
        return Policies()


def build_of(body: bytes, beside: Mapping[Any, Any] | None = None, sender: str = "") -> Build:
    """The build that a message tells of; a CI system's own event is of the service whose pipeline takes its builds.
    Raises BuildRejected, or NotABuild."""
    from slipway.promotion.build_messages import parse_build
    from slipway.promotion.claims import claimed

    told = parse_build(body, beside, sender)
    if isinstance(told, Build):
        return told
    claims = _folder().claims()
    silent = tuple(service for service, those in claims.items() if not those)
    return claimed(told, claims, silent)


def _folder() -> PipelineFolder:
    return PipelineFolder(settings().pipelines)


def check_finished(build: Build) -> None:
    """Raises BuildRejected FINISHED_IN_THE_FUTURE."""
    if build.finished_at > now() + CLOCKS_DIFFER_BY:
        words = f"finished_at {iso(build.finished_at)} is in the future; as the newest build it would stay ahead of all"
        raise BuildRejected("FINISHED_IN_THE_FUTURE", words)
