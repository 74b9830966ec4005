"""The JSON Schema of a file of policies, for editors."""

from typing import Any

from slipway.promotion.pipeline.schema import schema_of
from slipway.promotion.policies.language import PoliciesFile


def policies_schema() -> dict[str, Any]:
    """Of `policies/*.yaml`."""
    return schema_of(PoliciesFile, "Slipway policies")
