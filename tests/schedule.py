"""How `make test` divides the files of tests among its workers.

Files that use the same running system stay together on one worker, or each worker would start that system anew. What
takes longest comes first, so that no worker is left with it at the end.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

CHAOS, SYSTEM, SERVICES, STANDIN = "chaos", "one laptop system", "one stand-in and broker", "a stand-in by itself"
OWN_SYSTEM = (
    "kills",
    "blue_green",
    "ramp",
    "ramp_signals",
    "secrets",
    "virtual_time",
    "virtual_ramp",
    "container_apps",
)
LONGEST_FIRST = (CHAOS, SYSTEM, "tests/end_to_end/", SERVICES, STANDIN, "tests/functions_host/", "tests/cli/")
FOLDERS = {
    "tests/chaos/": CHAOS,
    "tests/end_to_end/": SYSTEM,
    "tests/activities/": SERVICES,
    "tests/adapters/": SERVICES,
    "tests/triggers/": SERVICES,
    "tests/azure_standin/": STANDIN,
}


def scope_of(nodeid: str) -> str:
    """What stays on one worker with this test: a group of files, or its own file."""
    file = nodeid.partition("::")[0]
    if file.startswith("tests/end_to_end/") and any(file.endswith(f"test_{own}.py") for own in OWN_SYSTEM):
        return file
    return next((group for folder, group in FOLDERS.items() if file.startswith(folder)), file)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests so that the scopes which take longest are handed out first."""

    def rank(item: pytest.Item) -> int:
        scope = scope_of(item.nodeid)
        return next((n for n, each in enumerate(LONGEST_FIRST) if scope.startswith(each)), len(LONGEST_FIRST))

    items.sort(key=rank)


class BySystem(LoadFileScheduling):
    """Units of work are what `scope_of` says."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
