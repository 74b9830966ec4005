"""Pipelines as code: read, linted with positions, compiled into a plan."""

from slipway.promotion.pipeline.builds import shared_claims
from slipway.promotion.pipeline.calendar_checks import cyclic_services
from slipway.promotion.pipeline.compile import compile_plan, rings_written_as_stages
from slipway.promotion.pipeline.databases import shared_databases
from slipway.promotion.pipeline.findings import Finding, PipelineInvalid, no_text
from slipway.promotion.pipeline.flags_together import shared_flags
from slipway.promotion.pipeline.models import Pipeline
from slipway.promotion.pipeline.reading import digest_of, lint, read_pipeline
from slipway.promotion.pipeline.schema import pipeline_schema

__all__ = [
    "Finding",
    "Pipeline",
    "PipelineInvalid",
    "compile_plan",
    "cyclic_services",
    "digest_of",
    "lint",
    "no_text",
    "pipeline_schema",
    "read_pipeline",
    "rings_written_as_stages",
    "shared_claims",
    "shared_databases",
    "shared_flags",
]
