"""Where front ends tell what they served: kept in memory for a blink, then written together by a thread."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from slipway.local.azure.logs.envelopes import Told
from slipway.local.azure.logs.served import Served
from slipway.local.azure.logs.store import LogStore

log = logging.getLogger(__name__)

EVERY_S = 0.5
SWEEP_EVERY = 600  # writes: about five minutes
MOST_WAITING = 200_000


class BufferedLog:
    """`served` never waits. Killed, it loses what came in the last half second; when the disk takes nothing for long,
    the oldest rows."""

    def __init__(self, store: LogStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._waiting: deque[Served] = deque(maxlen=MOST_WAITING)
        self._writing = asyncio.Lock()

    def served(self, request: Served) -> None:
        self._waiting.append(request)

    async def run(self) -> None:
        """Writes until it is cancelled."""
        writes = 0
        while True:
            await asyncio.sleep(EVERY_S)
            if await self.flush():
                writes += 1
                if writes % SWEEP_EVERY == 0:
                    with contextlib.suppress(OSError):  # the next sweep drops more
                        await asyncio.to_thread(self._store.drop_old, self._now())

    async def flush(self) -> bool:
        """Whether there was something to write, and it was written."""
        async with self._writing:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not rows:
                return False
            try:
                await asyncio.to_thread(self._write, rows)
            except OSError as error:
                log.warning("%d rows of the access log have to wait: %s", len(rows), error)
                self._waiting.extendleft(reversed(rows[-(MOST_WAITING - len(self._waiting)) :]))
                return False
            return True

    def _write(self, rows: list[Served]) -> None:
        self._store.append(rows)
        if told := [each for row in rows for each in _evaluations(row)]:
            self._store.tell(told)


def _evaluations(row: Served) -> Iterator[Told]:
    """What Microsoft's feature management tells of a flag with telemetry: one event for each decision; and the events
    that the application tells by itself, with the user's targeting id, as its initializer adds it."""
    by = {"AppRoleName": row.role, "AppRoleInstance": row.instance, "AppVersion": row.version}
    of_the_app = {**by, "UserId": row.user, "ItemCount": 1}
    for feature in row.features:
        name, variant, on, *reason = feature.split(";")
        said = {"FeatureName": name, "Variant": variant, "Enabled": on, "TargetingId": row.user}
        if reason:
            said["VariantAssignmentReason"] = reason[0]
        yield Told("AppEvents", row.at, {**of_the_app, "Name": "FeatureEvaluation", "Properties": said})
    for event in row.events:
        yield Told("AppEvents", row.at, {**of_the_app, "Name": event, "Properties": {"TargetingId": row.user}})
