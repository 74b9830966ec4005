"""Gates as people read them: what a stage asks in its plan, and what each said."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from rich.text import Text

from slipway.cli.api_answers import Gate
from slipway.cli.looks import look
from slipway.cli.moments import spoken
from slipway.cli.printing import clean
from slipway.cli.times import clock, rounded
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.plan import StagePlan

_NOT_SAID = ("query", "keys", "loads", "targets", "secret", "environment")  # too long for a line, or no limit
_ASKS = {
    "kql": "rows of a query: {expect}",
    "webhook": "asks {url}, which calls back",
    "performance": "not worse than the last good release under the loads of {stage}",
}


def gate_words(gate: GatePlan) -> str:
    """`coverage: line 80 %; reads coverage, not older than 24 h; waits 1 h`."""
    asks = _ASKS[gate.kind].format(**gate.settings) if gate.kind in _ASKS else _limits(gate.settings)
    kind = "" if gate.name == gate.kind else f" ({gate.kind})"
    reads = f"reads {gate.evidence}" if gate.evidence else ""
    age = f"not older than {rounded(gate.max_age_s)}" if gate.max_age_s else ""
    parts = [asks, ", ".join(filter(None, (reads, age))), f"waits {rounded(gate.within_s)}"]
    return f"{gate.name}{kind}: {'; '.join(filter(None, parts))}"


def gate_rights(stages: Iterable[StagePlan]) -> Iterator[str]:
    """What Slipway's identity, and its settings, need for what gates ask, each once."""
    gates = {(gate.kind, _whom(gate)): None for stage in stages for gate in stage.all_gates}
    for kind, whom in gates:
        if kind == "kql":
            yield f"On the workspace {whom or 'of SLIPWAY_WORKSPACE'} Slipway's identity may ask any table"
        elif kind == "defender":
            yield "Where the images' registry lies Slipway's identity reads what Defender for Cloud has found"
        elif kind == "webhook":
            yield f"{whom} must be among SLIPWAY_EVIDENCE_HOSTS, and SLIPWAY_URL say where Slipway is called back"


def _whom(gate: GatePlan) -> str:
    return str(gate.settings.get("workspace", "")) or urlsplit(str(gate.settings.get("url", ""))).netloc


def gate_row_words(gate: Gate, now: datetime) -> Text:
    """What it said, with when its evidence was made."""
    shown = look(gate.outcome or "pending")
    said = spoken(gate.words, now) if gate.outcome else "not asked yet"
    made = f" · of {clock(gate.produced_at, now)}" if gate.produced_at else ""
    return Text(clean(f"{said}{made}"), "dim" if gate.outcome in ("", "passed") else shown.style)


def _limits(settings: Mapping[str, Any]) -> str:
    told = {name: value for name, value in settings.items() if name not in _NOT_SAID}
    return ", ".join(_limit(name, value) for name, value in told.items())


def _limit(name: str, value: Any) -> str:
    return f"{name.replace('_', ' ')} {' '.join(_in_words(value))}".rstrip()


def _in_words(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield ", ".join(f"{name} {each}" for name, each in value.items())
    elif isinstance(value, list):
        yield ", ".join(str(each["id"] if isinstance(each, Mapping) and "id" in each else each) for each in value)
    elif isinstance(value, float):
        yield f"{100 * value:g} %"
    elif not isinstance(value, bool):
        yield str(value)
