"""How `make test` divides the files of tests among its workers.

Files that use the same running system stay together on one worker, or each worker would start that system anew. What
takes longest comes first, so that no worker is left with it at the end.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

CHAOS, SYSTEM, SERVICES, STANDIN = "chaos", "one laptop system", "one stand-in and broker", "a stand-in by itself"
OWN_SYSTEM = ("kills", "ramp", "ramp_signals", "secrets", "virtual_time", "virtual_ramp", "container_apps")
OWN_SYSTEM += ("first_promotion", "flag_ramp", "rings", "blue_green", "whole_release", "groups", "front_door")
OWN_SYSTEM += ("tenants", "reports", "aks", "switches", "divided", "databases", "retail", "infrastructure", "gates")
OWN_SYSTEM += ("audited", "openapi", "roles")
LONGEST_FIRST = (CHAOS, SYSTEM, "tests/end_to_end/", SERVICES, STANDIN, "tests/workflow/", "tests/functions_host/")
FOLDERS = {
    "tests/chaos/": CHAOS,
    "tests/end_to_end/": SYSTEM,
    "tests/activities/": SERVICES,
    "tests/adapters/": SERVICES,
    "tests/triggers/": SERVICES,
    "tests/azure_standin/": STANDIN,
}


# What `make test-long` runs, and `make test` leaves out so that it is done in five minutes: tests of the laptop's own
# parts, whose faults others show too, and whole systems that tell once more, in the large, what the tests of workflow,
# activities and adapters tell in parts.
LONG = ("tests/azure_standin/", "tests/functions_host/", "tests/durable_engine/", "tests/servicebus/", "tests/traffic/")
LONG_SYSTEMS = ("virtual_ramp", "ramp_signals", "container_apps", "flag_ramp", "blue_green", "trace", "virtual_time")
LONG_SYSTEMS += (
    "whole_release",
    "front_door",
    "groups",
    "tenants",
    "aks",
    "switches",
    "divided",
    "databases",
    "retail",
    "audited",
    "infrastructure",
)
LONG += tuple(f"tests/end_to_end/test_{name}.py" for name in LONG_SYSTEMS)

TESTS = Path(__file__).parent
COMPILED_WITHIN_S = 60.0


def scope_of(nodeid: str) -> str:
    """What stays on one worker with this test: a group of files, or its own file."""
    file = nodeid.partition("::")[0]
    if file.startswith("tests/end_to_end/") and any(file.endswith(f"test_{own}.py") for own in OWN_SYSTEM):
        return file
    return next((group for folder, group in FOLDERS.items() if file.startswith(folder)), file)


def mark_long(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves out."""
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker(pytest.mark.long)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests so that the scopes which take longest are handed out first."""

    def rank(item: pytest.Item) -> int:
        scope = scope_of(item.nodeid)
        return next((n for n, each in enumerate(LONGEST_FIRST) if scope.startswith(each)), len(LONGEST_FIRST))

    items.sort(key=rank)


@contextmanager
def compiled_once(config: pytest.Config) -> Iterator[None]:
    """Around a worker's collection: where the tests have not been compiled yet, the first worker does it and the others
    read what it has written, or each would compile all of them."""
    worker = getattr(config, "workerinput", None)
    if worker is None or sys.dont_write_bytecode or _are_compiled():
        yield
        return
    done = Path(tempfile.gettempdir()) / f"slipway-compiled-{worker['testrunuid']}"
    if worker["workerid"] == "gw0":
        try:
            yield
        finally:
            done.touch()
        return
    deadline = time.monotonic() + COMPILED_WITHIN_S
    while not done.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield


def _are_compiled() -> bool:
    """Most of them: what changed since is compiled by everybody."""
    return 2 * len(list(TESTS.rglob("*-pytest-*.pyc"))) > len(list(TESTS.rglob("*.py")))


class BySystem(LoadFileScheduling):
    """Units of work are what `scope_of` says."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
