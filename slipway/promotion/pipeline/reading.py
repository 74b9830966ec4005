"""A pipeline from its text, or every reason why it is none."""

import hashlib

from pydantic import ValidationError

from slipway.promotion.pipeline.approval_checks import check_approvals
from slipway.promotion.pipeline.blue_green_checks import check_blue_greens
from slipway.promotion.pipeline.calendar_checks import check_calendars
from slipway.promotion.pipeline.canary_checks import check_canaries
from slipway.promotion.pipeline.explain import explain
from slipway.promotion.pipeline.findings import Finding, PipelineInvalid
from slipway.promotion.pipeline.gate_checks import check_gates
from slipway.promotion.pipeline.group_checks import check_groups
from slipway.promotion.pipeline.job_checks import check_jobs
from slipway.promotion.pipeline.models import Pipeline
from slipway.promotion.pipeline.planned_checks import check_planned
from slipway.promotion.pipeline.positions import read_document
from slipway.promotion.pipeline.release_parts_checks import check_release_parts
from slipway.promotion.pipeline.ring_checks import check_rings
from slipway.promotion.pipeline.stage_checks import check_stage_checks
from slipway.promotion.pipeline.stages_together import check_stages_together
from slipway.promotion.pipeline.switch_checks import check_switches
from slipway.promotion.pipeline.target_checks import check_targets


def read_pipeline(text: str, file: str) -> Pipeline:
    """The pipeline that `text` describes; `file` only names it in findings. Raises PipelineInvalid."""
    pipeline, findings = _examine(text, file)
    if findings or pipeline is None:
        raise PipelineInvalid(findings)
    return pipeline


def lint(text: str, file: str) -> list[Finding]:
    """Everything that is wrong with `text`, in its order; empty when this version can run it."""
    return _examine(text, file)[1]


def digest_of(text: str) -> str:
    """`sha256:…` of the text as it is."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _examine(text: str, file: str) -> tuple[Pipeline | None, list[Finding]]:
    document = read_document(text, file)
    pipeline = None
    if isinstance(document.data, dict):
        try:
            pipeline = Pipeline.model_validate(document.data)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                explain(error, document)
        check_stages_together(document)
        check_calendars(document)
        check_stage_checks(document)
        check_approvals(document)
        check_jobs(document)
        check_gates(document)
        check_canaries(document)
        check_blue_greens(document)
        check_targets(document)
        check_switches(document)
        check_planned(document)
        check_rings(document)
        check_release_parts(document)
        check_groups(document)
    return pipeline, sorted(set(document.findings))
