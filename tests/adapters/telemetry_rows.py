"""Requests in the stand-in's log, a question about them, and Azure Monitor's adapter to ask it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import requests

from slipway.adapters.telemetry.logs import AzureMonitorLogs
from slipway.local.azure.logs.served import Served
from slipway.promotion.judge.windows import Window
from slipway.promotion.telemetry import Question, Source, Span
from tests.laptop import AzureStandin

WORKSPACE = "11111111-2222-4333-8444-555555555555"
TICK = timedelta(seconds=60)
_numbers = count(1)
_HOURS_END = datetime.now(UTC)


@dataclass
class Telemetry:
    """An hour of its own, so that no test sees another's rows; ticks began at `begins`."""

    azure: AzureStandin
    role: str
    begins: datetime

    @classmethod
    def of(cls, azure: AzureStandin) -> "Telemetry":
        # Not on a full minute: a ramp's ticks are not the calendar's.
        begins = _HOURS_END.replace(microsecond=250_000) - timedelta(hours=next(_numbers))
        return cls(azure, "checkout", begins)

    def request(self, second: float, version: str = "1.0.0", instance: str = "a", **more: Any) -> Served:
        """One that came so many seconds after the first tick began."""
        told: dict[str, Any] = {"path": "/", "status": 200, "duration_ms": 5.0} | more
        told.setdefault("success", told["status"] < 400)
        return Served(self.begins + timedelta(seconds=second), self.role, version, instance, **told)

    def log(self, rows: Iterable[Served]) -> None:
        body = [{**asdict(row), "at": row.at.isoformat()} for row in rows]
        self._standin("POST", "/standin/served", body)

    def mishap(self, **how: Any) -> None:
        self._standin("POST", "/standin/telemetry", how)

    def no_mishap(self) -> None:
        self._standin("DELETE", "/standin/telemetry")

    def question(self, ticks: int = 1, **more: Any) -> Question:
        spans = [
            Span(number + 1, self.begins + number * TICK, self.begins + (number + 1) * TICK) for number in range(ticks)
        ]
        asked: dict[str, Any] = {"canary": "2.0.0", "baseline": "1.0.0", "spans": tuple(spans)} | more
        return Question(Source(WORKSPACE, self.role), **asked)

    def windows(self, question: Question | None = None, **source: Any) -> list[Window]:
        question = question or self.question()
        question = replace(question, source=replace(question.source, **source))
        return AzureMonitorLogs(replace(self.azure.settings, logs_endpoint=self.azure.url)).windows(question)

    def _standin(self, method: str, path: str, body: Any = None) -> None:
        url, ca = f"{self.azure.url}{path}", str(self.azure.settings.ca_file)
        requests.request(method, url, json=body, verify=ca, timeout=30).raise_for_status()
