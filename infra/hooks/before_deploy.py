"""Before a deployment: does the package fit what was provisioned, and have new rights had time to spread?

azd runs it with its environment's values as environment variables. Nothing beside Python is needed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

HOST_JSON = Path(__file__).resolve().parents[2] / "host.json"
# Azure lets a new role assignment work within a minute or so; a deployment before that ends with 403.
SPREADS_WITHIN_S = 90
WAITED_FOR = "SLIPWAY_RIGHTS_WAITED_FOR"


def disagreement(backend: str, host: Mapping[str, object]) -> str:
    """What is wrong between the provisioned backend and host.json; empty when they agree.

    Azure reads host.json itself to scale the app, so an app setting cannot overrule it there.
    """
    extensions = host.get("extensions")
    durable = extensions.get("durableTask", {}) if isinstance(extensions, dict) else {}
    on_scheduler = durable.get("storageProvider", {}).get("type") == "azureManaged"
    if backend == "scheduler" and not on_scheduler:
        return "histories belong to Durable Task Scheduler, but host.json has no storageProvider of type azureManaged"
    if backend == "storage" and on_scheduler:
        return "histories belong to Azure Storage: take storageProvider out of host.json, then deploy again"
    return ""


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


def main() -> str | int:
    wrong = disagreement(os.environ.get("SLIPWAY_DURABLE_BACKEND", "scheduler"), json.loads(HOST_JSON.read_text()))
    if wrong:
        return wrong
    wait_for_rights(os.environ, _wait, _remember)
    return 0


if __name__ == "__main__":
    sys.exit(main())
