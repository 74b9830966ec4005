"""What a build says of a piece of its evidence, and whether that is still young enough."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import iso, moment

_AHEAD = timedelta(minutes=5)  # by which another clock may go before ours


@dataclass(frozen=True)
class Evidence:
    """Where it is: at `url`, or `inline`. `sha256` is that of the file as it lies there (or of the text inline), empty
    where the build does not say it."""

    name: str
    produced_at: datetime
    url: str = ""
    inline: str = ""
    sha256: str = ""


def evidence_of(build: Build, gate: GatePlan) -> Evidence:
    """What the build brings under the name that the gate reads. Raises SlipwayError EVIDENCE_MISSING, which says how to
    supply it, and EVIDENCE_UNREADABLE where it cannot be told where it lies."""
    said = build.evidence.get(gate.evidence)
    if not said:
        words = f"the build brought no evidence {gate.evidence}, which the gate {gate.name} reads"
        how = f'have CI send it with the build ("evidence": {{"{gate.evidence}": {{"url": "https://…"}}}})'
        late = f"or add it now: slipway evidence add {build.promotion} {gate.evidence} --file FILE"
        raise SlipwayError("EVIDENCE_MISSING", f"{words}; {how}, {late}")
    if not isinstance(said, Mapping) or bool(said.get("url")) == (said.get("inline") is not None):
        raise SlipwayError("EVIDENCE_UNREADABLE", f"{gate.evidence} has to say one of url and inline")
    sha256 = str(said.get("sha256") or "").lower().removeprefix("sha256:")
    return Evidence(gate.evidence, _produced_at(said, build), str(said.get("url") or ""), _inline(said), sha256)


def check_age(gate: GatePlan, produced_at: datetime, now: datetime) -> None:
    """Raises SlipwayError EVIDENCE_STALE."""
    if produced_at > now + _AHEAD:
        words = f"{gate.evidence} says that it was produced at {iso(produced_at)}, which is still to come"
        raise SlipwayError("EVIDENCE_STALE", words)
    age = now - produced_at
    if gate.max_age_s and age.total_seconds() > gate.max_age_s:
        words = f"{gate.evidence} was produced {_hours(age)} ago, at {iso(produced_at)}"
        most = f"it counts for {_hours(timedelta(seconds=gate.max_age_s))}: produce it anew, and add it"
        raise SlipwayError("EVIDENCE_STALE", f"{words}; {most}")


def _produced_at(said: Mapping[str, Any], build: Build) -> datetime:
    """Where it does not say, it is as old as the build."""
    text = said.get("produced_at")
    if text is None:
        return build.finished_at
    try:
        found = moment(str(text))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SlipwayError("EVIDENCE_UNREADABLE", f"produced_at {cut(str(text), 40)!r} is no moment with a time zone")
    return found


def _inline(said: Mapping[str, Any]) -> str:
    """JSON may be given as such."""
    inline = said.get("inline")
    if inline is None or isinstance(inline, str):
        return inline or ""
    return json.dumps(inline, ensure_ascii=False, separators=(",", ":"))


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"
