"""Before a deployment: does the package fit what was provisioned, and have new rights had time to spread?

azd runs it with its environment's values as environment variables, a pipeline with the variables that it has for the
environment. Nothing beside Python is needed. `infra/publish.py` asks the first question of it.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HOST_JSON = Path(__file__).resolve().parents[2] / "host.json"
BACKENDS = ("scheduler", "storage")
# Azure lets a new role assignment work within a minute or so; a deployment before that ends with 403.
SPREADS_WITHIN_S = 90
WAITED_FOR = "SLIPWAY_RIGHTS_WAITED_FOR"


def backend_of(host: Mapping[str, Any]) -> str:
    """Which of BACKENDS a host.json is for."""
    durable = host.get("extensions", {}).get("durableTask", {})
    return "scheduler" if durable.get("storageProvider", {}).get("type") == "azureManaged" else "storage"


def disagreement(backend: str, host: Mapping[str, Any]) -> str:
    """What is wrong between the provisioned backend and host.json; empty when they agree.

    Azure reads host.json itself to scale the app, so an app setting cannot overrule it there.
    """
    if backend not in BACKENDS:
        return f"SLIPWAY_DURABLE_BACKEND is {backend or 'not set'}: it is an output of infra, scheduler or storage"
    packed = backend_of(host)
    if backend == "scheduler" and packed == "storage":
        return "histories belong to Durable Task Scheduler, but host.json has no storageProvider of type azureManaged"
    if backend == "storage" and packed == "scheduler":
        return "histories belong to Azure Storage: take storageProvider out of host.json, then deploy again"
    return ""


def host_of(package: Path) -> Any:
    """The host.json in a package."""
    with zipfile.ZipFile(package) as read:
        return json.loads(read.read("host.json"))


def wait_for_rights(
    values: Mapping[str, str], wait: Callable[[float], None], remember: Callable[[str, str], None]
) -> bool:
    """Wait once for each new identity. Whether it waited."""
    principal = values.get("SLIPWAY_PRINCIPAL_ID", "")
    if not principal or values.get(WAITED_FOR) == principal:
        return False
    wait(SPREADS_WITHIN_S)
    remember(WAITED_FOR, principal)
    return True


def _remember(name: str, value: str) -> None:
    subprocess.run(["azd", "env", "set", name, value], check=True)


def _wait(seconds: float) -> None:
    print(f"new role assignments spread: waiting {seconds:.0f} s ...", flush=True)
    time.sleep(seconds)


def main(package: Path | None) -> str | int:
    """Of the package that is given, as pipelines do; else of the checkout, which azd packs."""
    host = host_of(package) if package else json.loads(HOST_JSON.read_text())
    if wrong := disagreement(os.environ.get("SLIPWAY_DURABLE_BACKEND", ""), host):
        return wrong
    wait_for_rights(os.environ, _wait, _remember)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else None))
