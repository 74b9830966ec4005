"""The faults that a package's `release.json` tells of, where it runs."""

from collections.abc import Mapping
from typing import Any

REGION = "REGION_NAME"  # in which App Service names a site's region to its app


def faults_at(told: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Those of everywhere (`faults`), and those of that region alone (`faults_in`, by its name as `East US`)."""
    return {**told.get("faults", {}), **told.get("faults_in", {}).get(region, {})}
