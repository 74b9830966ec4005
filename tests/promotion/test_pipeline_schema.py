"""The published JSON Schemas are current, and say what the models say."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.pipeline import lint
from slipway.promotion.schema.__main__ import SCHEMAS
from tests.promotion.pipeline_texts import CHECKOUT

FOLDER = Path(schema.__file__).parent
PUBLISHED = json.loads((FOLDER / "pipeline.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_what_the_models_export(name: str) -> None:
    published = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert published == SCHEMAS[name](), "run `python -m slipway.promotion.schema`"
    jsonschema.Draft202012Validator.check_schema(published)


def test_the_shipped_pipeline_fits_the_published_schema() -> None:
    jsonschema.Draft202012Validator(PUBLISHED).validate(yaml.safe_load(CHECKOUT))


def mappings(part: Any) -> list[dict[str, Any]]:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    own = [part] if isinstance(part, dict) and "properties" in part else []
    return own + [found for each in inner for found in mappings(each)]


def test_editors_find_a_description_at_every_key_and_no_unknown_keys() -> None:
    found = mappings(PUBLISHED)
    assert len(found) == 79
    for mapping in found:
        assert mapping["additionalProperties"] is False
        assert mapping["title"]
        assert mapping["description"]
        for name, key in mapping["properties"].items():
            assert key.get("description") or "$ref" in key, name


@pytest.mark.parametrize(
    "change",
    [
        ("bake: 4s", "bake: 3"),
        ("approval:", "aproval:"),
        ("kind: app-service", "kind: virtual-machine"),
        ("on_newer_build: queue", "on_newer_build: drop"),
        ("bake: 4s", "retain_previous: 3"),
        ("/{version}.zip", ".zip"),
        ("bake: 4s", "bake:"),
    ],
)
def test_what_lint_refuses_the_schema_refuses(change: tuple[str, str]) -> None:
    text = CHECKOUT.replace(*change)
    assert lint(text, "p.yaml")
    assert not jsonschema.Draft202012Validator(PUBLISHED).is_valid(yaml.safe_load(text))
