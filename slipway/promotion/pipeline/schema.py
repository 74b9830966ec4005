"""The JSON Schema of what is written as YAML, for editors: exported from the models."""

from typing import Any

from slipway.promotion.pipeline.models import Pipeline
from slipway.promotion.pipeline.section import Section


def pipeline_schema() -> dict[str, Any]:
    """Of a pipeline: the keys that this version runs."""
    return schema_of(Pipeline, "Slipway pipeline")


def schema_of(root: type[Section], title: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a file that is a `root`. A value that is absent is left out in YAML, never null,
    so neither is null in the schema."""
    schema = root.model_json_schema(by_alias=True)
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return {**_without_null(described), "title": title}


def _without_null(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if (key, value) != ("default", None)}
    choices = kept.pop("anyOf", [])
    present = [choice for choice in choices if choice != {"type": "null"}]
    if len(present) == 1:
        return {**present[0], **kept}
    return {**kept, "anyOf": present} if present else kept
