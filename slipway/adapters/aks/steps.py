"""A command that is followed: started once, looked at until it has ended, and run again where it could not be run.

The handle is `{"kind": "intended"}` while the command may have to be started (again) and `{"kind": "command"}` with its
id while it is followed; `tries` counts those that found no place to run.
"""

from dataclasses import dataclass
from typing import Any

from slipway.adapters.aks.clusters import Clusters, Result
from slipway.adapters.aks.place import Place
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.promotion.outcomes import Answer, broken, running

SOON_S = 2.0
AGAIN_S = 15.0
_MOST_TRIES = 3
Handle = dict[str, Any]


@dataclass(frozen=True)
class Steps:
    """Raises AzureProblem."""

    clusters: Clusters

    def start(self, place: Place, handle: Handle, script: str, files: dict[str, str] | None = None) -> Answer:
        id = self.clusters.start(place, script, files)
        return running({**handle, "kind": "command", "command": id}, SOON_S, f"a command runs in {place.cluster}")

    def ended(self, place: Place, handle: Handle) -> Answer | Result:
        """The command's result once it was run; else what to answer until then, or that it never can be."""
        try:
            result = self.clusters.result(place, handle["command"])
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:  # Azure keeps results for a while only
                return running(intended(handle), SOON_S, f"Azure has no result of a command in {place.cluster}")
            raise
        if result is None:
            return running(handle, SOON_S, f"a command runs in {place.cluster}")
        if not result.reason:
            return result
        return self._again(place, handle, result.reason)

    def _again(self, place: Place, handle: Handle, reason: str) -> Answer:
        tries = int(handle.get("tries", 0)) + 1
        words = f"a command could not be run in {place.cluster}: {reason}"
        if tries >= _MOST_TRIES:
            return broken("COMMAND_NOT_RUN", f"{words} (tried {tries} times)")
        return running({**intended(handle), "tries": tries}, AGAIN_S, words)


def intended(handle: Handle) -> Handle:
    """The handle of before its command was started."""
    return {**{key: value for key, value in handle.items() if key != "command"}, "kind": "intended"}
