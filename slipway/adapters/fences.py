"""Fences (table `fences`): a growing number per target; a write with an older number is refused.

An activity claims the target with its number just before it writes and closes the claim after. Whoever
takes over comes with a higher number and waits until an open write of a lower one is closed, or can no
longer be on its way: a write is one try of at most 30 s, so after 60 s it is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.rows import Rows
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Cell, Row
from slipway.settings import Settings

OPEN_FOR = timedelta(seconds=60)
PARTITION = "target"
_TRIES = 5


@dataclass(frozen=True)
class Claim:
    """`granted`, or refused by a higher `fence`, or to be asked again after `wait_s` (an open older write)."""

    granted: bool
    fence: int
    wait_s: float = 0.0


class Fences:
    """The fences of all targets. Raises AzureProblem when the table cannot be asked or written."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._rows = Rows("fences", settings_)

    def highest(self, target: Target) -> int:
        """The number that the target is under; 0 when nobody has written to it."""
        row = self._rows.get(PARTITION, _key(target))
        return int(str(row.values["fence"])) if row else 0

    def claim(self, target: Target, fence: int, operation: str) -> Claim:
        """Open a write to `target` under `fence`."""
        key = _key(target)
        for _ in range(_TRIES):
            now = clock.now()
            values: dict[str, Cell] = {"fence": fence, "operation": operation, "open_until": now + OPEN_FOR}
            row = self._rows.get(PARTITION, key)
            if row is None:
                if self._rows.insert(PARTITION, key, values):
                    return Claim(True, fence)
                continue
            there, open_until = int(str(row.values["fence"])), row.values["open_until"]
            assert isinstance(open_until, datetime)
            if there > fence:
                return Claim(False, there)
            if there < fence and open_until > now:
                return Claim(False, there, wait_s=(open_until - now).total_seconds())
            if self._rows.replace(Row(PARTITION, key, values), row.etag):
                return Claim(True, fence)
        words = f"the fence of {target.name} keeps changing under us"
        raise AzureProblem(AzureFault(FaultKind.CONFLICT, "FenceContended", words))

    def close(self, target: Target, fence: int, operation: str) -> None:
        """The write is over, whatever came of it. A claim that somebody took over meanwhile is left alone."""
        key = _key(target)
        row = self._rows.get(PARTITION, key)
        if row is None or (row.values["fence"], row.values["operation"]) != (fence, operation):
            return
        self._rows.replace(Row(PARTITION, key, {**row.values, "open_until": clock.now()}), row.etag)


def _key(target: Target) -> str:
    within = f"|{target.within.replace('/', '|').lower()}" if target.within else ""
    return f"{target.resource.strip('/').replace('/', '|').lower()}|{target.slot}{within}"
