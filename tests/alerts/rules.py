"""The alerts as infra deploys them, and what Azure Monitor does with one: ask over its window, then compare."""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "infra" / "queries"
Row = dict[str, Any]
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqual": operator.ge,
    "GreaterThan": operator.gt,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
}
_AGGREGATED: dict[str, Callable[[list[float]], float]] = {
    "Total": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
}
_duration = TypeAdapter(timedelta)


@dataclass(frozen=True)
class Alert:
    """An entry of infra/alerts.json."""

    name: str
    says: str
    severity: int
    every: str
    over: str
    measure: str
    aggregation: str
    by: list[str]
    operator: str
    threshold: float
    failing: int
    runbook: str

    @property
    def query(self) -> str:
        return (QUERIES / f"{self.name}.kql").read_text(encoding="utf-8")

    @property
    def window(self) -> timedelta:
        return _duration.validate_python(self.over)

    def fires_for(self, rows: list[Row]) -> list[tuple[Any, ...]]:
        """For which values of `by` it fires; without any row it never does, for there is nothing to compare."""
        groups: dict[tuple[Any, ...], list[float]] = {}
        for row in rows:
            groups.setdefault(tuple(row[column] for column in self.by), []).append(float(row[self.measure]))
        compared, aggregated = _COMPARED[self.operator], _AGGREGATED[self.aggregation]
        return [key for key, values in groups.items() if compared(aggregated(values), self.threshold)]


ALERTS = [Alert(**entry) for entry in json.loads((ROOT / "infra" / "alerts.json").read_text(encoding="utf-8"))]


def alert(name: str) -> Alert:
    return next(each for each in ALERTS if each.name == name)
