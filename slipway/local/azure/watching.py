"""What the front ends tell of every request: to the access log, and to the platform's own counters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from slipway.local.azure.crew import Played
from slipway.local.azure.logs.served import AccessLog, Served
from slipway.local.azure.passing import Passed
from slipway.local.azure.sites.counters import Counters
from slipway.local.azure.sites.store import SlotName

# Looks of ours and of the platform; an application's telemetry leaves them out as well.
PROBES = frozenset({"/healthz", "/version"})


@dataclass(frozen=True)
class Watching:
    """`now` says what time it is; `roles` are the cloud roles of sites that do not tell as their service."""

    log: AccessLog
    counters: Counters
    now: Callable[[], datetime]
    roles: Mapping[str, str] = field(default_factory=dict)

    def served(
        self, slot: SlotName, played: Played, instance: str, path: str, passed: Passed, at: datetime, took_s: float
    ) -> None:
        status = passed.response.status
        self.counters.served(slot.site, slot.slot, at, instance, status, passed.cpu_s_so_far)
        if path not in PROBES:
            took_ms = took_s * 1000
            role = self.roles.get(slot.site, played.service)
            told = role, played.version, instance, path, status, took_ms, status < 400
            self.log.served(Served(at, *told, passed.user, passed.features))

    def found_nobody(self, slot: SlotName, status: int, at: datetime) -> None:
        """No app was there that could have logged it."""
        self.counters.served(slot.site, slot.slot, at, "", status)
