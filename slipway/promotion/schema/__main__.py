"""Writes the JSON Schemas beside this file: run it after a change of the models."""

import json
from pathlib import Path

from slipway.promotion.build_messages import build_schema
from slipway.promotion.pipeline import pipeline_schema
from slipway.promotion.policies.schema import policies_schema

SCHEMAS = {
    "pipeline.schema.json": pipeline_schema,
    "policies.schema.json": policies_schema,
    "build.schema.json": build_schema,
}


def main() -> None:
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema(), indent=2, ensure_ascii=False)
        Path(__file__).with_name(name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
