"""What pipelines need of Azure, from their texts."""

from collections.abc import Iterator

from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from slipway.promotion.rights.needs import needs_of
from slipway.promotion.rights.role import Need


def needs_of_text(text: str, file: str) -> Iterator[Need]:
    """Of the pipeline in that file. Raises PipelineInvalid."""
    pipeline = read_pipeline(text, file)
    secrets = tuple(each.github.secret for each in pipeline.report if each.github)
    yield from needs_of(compile_plan(pipeline, digest_of(text)), secrets)
