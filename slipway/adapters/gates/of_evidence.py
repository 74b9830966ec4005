"""A gate on evidence of the build: it is fetched, its age is looked at, and its kind's judge reads it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from slipway.adapters import clock
from slipway.adapters.gates.kept import keep, of_last_good
from slipway.promotion.gates.answer import GateAnswer, broken
from slipway.promotion.gates.kinds import judge
from slipway.promotion.gates.question import Question
from slipway.promotion.outcomes import Outcome, iso, moment


def ask(question: Question) -> GateAnswer:
    """What the judge says; not enough evidence EVIDENCE_MISSING, with how to supply it, or EVIDENCE_STALE; broken where
    it cannot be fetched. Raises AzureProblem for what may pass."""
    name, given = question.gate.evidence, question.evidence
    if not isinstance(given, dict) or not ("url" in given or "inline" in given):
        return GateAnswer(Outcome.NOT_ENOUGH_EVIDENCE, "EVIDENCE_MISSING", _missing(question))
    try:
        produced_at = moment(given["produced_at"]) if given.get("produced_at") else question.build.finished_at
        old = _too_old(question, produced_at)
    except (TypeError, ValueError):
        return broken("EVIDENCE_UNREADABLE", f"{name}: produced_at is no moment in ISO 8601 with a time zone")
    if old:
        return GateAnswer(Outcome.NOT_ENOUGH_EVIDENCE, "EVIDENCE_STALE", old, produced_at=iso(produced_at))
    return replace(_fetched_and_judged(question, given), produced_at=iso(produced_at))


def _judged(question: Question, read: BinaryIO, digest: str) -> GateAnswer:
    """By the judge of its kind, against the last good release; what it keeps of this one is put by once it passes."""
    said = judge(question.gate, read, question.build, of_last_good(question), clock.now())
    if said.passed and said.kept:
        keep(question, said.kept)
    return replace(said, digest=digest, kept={})


def _missing(question: Question) -> str:
    name, promotion = question.gate.evidence, question.promotion
    words = f"there is no evidence {name}: name it in the build message (evidence: {{{name}: {{url: …}}}})"
    return f"{words}, or supply it: slipway evidence add {promotion} {name} --file FILE"


def _too_old(question: Question, produced_at: datetime) -> str:
    most, age = question.gate.max_age_s, clock.now() - produced_at
    if not most or age <= timedelta(seconds=most):
        return ""
    name, hours = question.gate.evidence, age.total_seconds() / 3600
    words = f"evidence {name} is {hours:,.1f} h old, and {most / 3600:,.1f} h are allowed: run it again and supply it"
    return f"{words}: slipway evidence add {question.promotion} {name} --file FILE"


def _fetched_and_judged(question: Question, given: dict[str, Any]) -> GateAnswer:
    """As gatesA fetches it."""
    import hashlib
    import io
    import json

    inline = given.get("inline")
    raw = (inline if isinstance(inline, str) else json.dumps(inline)).encode()
    digest = hashlib.sha256(raw).hexdigest()
    if given.get("sha256") and given["sha256"] != digest:
        return broken("EVIDENCE_ALTERED", "it is not what its digest says")
    return _judged(question, io.BytesIO(raw), f"sha256:{digest}")
