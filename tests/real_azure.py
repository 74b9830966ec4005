"""`make test-azure`: the adapters' tests against a real subscription, in place of the stand-in. Never in CI.

The same modules: whatever they ask of the stand-in alone (a fault, a package, an event at the Cosmos DB account) skips
the test that asks for it. What must be there stands in docs/in-azure.md.
"""

import json
import logging
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.plan import Target
from slipway.settings import Settings
from tests.laptop_names import Names

CHOSEN = "SLIPWAY_TEST_AZURE"
GROUP = "SLIPWAY_TEST_GROUP"
NEEDED = {
    GROUP: "the id of a resource group `shop` with what tests/laptop_holds.py names",
    "SLIPWAY_TEST_IMAGE": "an image in an Azure container registry that answers /version with its tag",
    "SLIPWAY_TABLES_ENDPOINT": "a storage account's tables",
    "SLIPWAY_BLOBS_ENDPOINT": "a storage account's blobs",
    "SLIPWAY_VAULT": "a key vault",
    "SLIPWAY_APP_CONFIGURATION": "an App Configuration store",
}
MODULES = ("registry", "arm_policy", "container_apps", "cosmos", "rows", "audit_log", "fences", "receipts")
MODULES += ("configuration", "flags", "secrets", "pointing", "load_testing", "jobs", "terraform")
MODULES += ("dns", "traffic_manager", "traffic_manager_weights", "aks")
# What may be left out: tests that need it are skipped then.
ADDRESSES, JOB_IMAGES, CHART = "SLIPWAY_TEST_ADDRESSES", "SLIPWAY_TEST_JOB_IMAGES", "SLIPWAY_TEST_CHART"
OPTIONAL = (ADDRESSES, JOB_IMAGES, CHART, "SLIPWAY_WORKSPACE")
LOADS = ("peak", "strict_one", "nowhere")  # the other tests of loads are of mishaps
MISHAPS = ("silent", "named-later", "belated")  # jobs that only the stand-in has


class _Known(dict[str, Any]):
    """What there is, by name; whatever is missing skips the test that asks for it."""

    def __missing__(self, name: str) -> NoReturn:
        _skip(f"{name} that we know of")


def _ready() -> dict[str, Any]:
    file = os.environ.get(ADDRESSES)
    return _Known(sites=_Known(json.loads(Path(file).read_text()) if file else {}))


@dataclass(frozen=True)
class RealAzure(Names):
    """What tests ask of `tests.laptop.AzureStandin`, of a real subscription."""

    settings: Settings
    group: str
    ready: dict[str, Any] = field(default_factory=_ready)
    unique: str = field(default_factory=lambda: f"{secrets.token_hex(4)}-")

    @property
    def url(self) -> NoReturn:
        _skip("address of the stand-in")

    def job(self, name: str) -> str:
        if not os.environ.get(JOB_IMAGES) or name in MISHAPS:
            _skip(f"job {name}")
        return super().job(name)

    def release(self, name: str, **helm: Any) -> Target:
        return super().release(name, **helm) if os.environ.get(CHART) else _skip("chart")

    def load_run(self, test: str, **more: Any) -> LoadRunPlan:
        return super().load_run(test, **more) if test in LOADS else _skip(f"load test {test}")

    def forget_faults(self) -> None:
        """There are none of ours."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_, **__: _skip(name)


def chosen() -> RealAzure | None:
    """What the tests run against, when it is not the stand-in."""
    return RealAzure(Settings(), os.environ[GROUP].rstrip("/")) if os.environ.get(CHOSEN) else None


def missing() -> list[str]:
    """What is not there yet, in words."""
    lacks = [f"{name}: {words}" for name, words in NEEDED.items() if not os.environ.get(name)]
    if not os.environ.get(GROUP, "/shop").rstrip("/").endswith("/shop"):
        lacks.append(f"{GROUP}: its name must be `shop`")
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    from slipway.adapters.credentials import MANAGEMENT_SCOPE

    logging.disable()  # of all the ways in which it looks for an identity
    try:
        DefaultAzureCredential(process_timeout=10).get_token(MANAGEMENT_SCOPE)
    except ClientAuthenticationError:
        lacks.append("credentials: `az login`, or AZURE_CLIENT_ID and what goes with it")
    return lacks


def main() -> int:
    """2 when something is missing, else what pytest says."""
    if os.environ.get("CI"):
        print("the tests against a real subscription do not run in CI", file=sys.stderr)
        return 2
    if lacks := missing():
        print("\n  ".join(["nothing was run; missing:", *lacks]), file=sys.stderr)
        return 2
    files = [f"tests/adapters/test_{module}.py" for module in MODULES]
    environment = {**os.environ, CHOSEN: "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-rs", "--timeout", "3600", *files], env=environment
    ).returncode


def _skip(what: str) -> NoReturn:
    import pytest

    pytest.skip(f"a real subscription has no {what}")


if __name__ == "__main__":
    sys.exit(main())
