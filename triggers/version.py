"""Which Slipway this is."""

import json
from functools import cache
from pathlib import Path

HOST_JSON = Path(__file__).parents[1] / "host.json"


@cache
def orchestrations_version() -> str:
    """The version of the orchestrations that this package begins, as the runtime is told: in host.json, and nowhere
    else."""
    version: str = json.loads(HOST_JSON.read_bytes())["extensions"]["durableTask"]["defaultVersion"]
    return version


def app_version() -> str:
    """The package's version (infra/package.py writes it in), or `unpackaged` where plain folders run."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("slipway")
    except PackageNotFoundError:
        return "unpackaged"
