"""Which gates of a stage are asked now, and what their answers come to. Pure.

A stage keeps a small answer of each gate, by the gate's name: `outcome`, `code`, `words`, `digest` and `produced_at` of
the evidence, `asked_at`, and `n`, the number of the evidence that it is about (0 is what came with the build, each one
supplied later has a higher one).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import Outcome, moment

Answers = Mapping[str, Mapping[str, Any]]
GATE_UNMET, GATE_STALE = "GATE_UNMET", "GATE_STALE"
LIVE = ("kql", "defender")  # questions about this very moment
OF_OTHERS = ("webhook",)  # somebody outside answers, and may take hours
FRESH_S = 60.0  # what was asked so lately is not asked again
AGAIN_S = 60.0  # between two looks at what may change by itself
# What only other evidence mends.
MENDED_BY_EVIDENCE = ("EVIDENCE_MISSING", "EVIDENCE_UNREADABLE", "EVIDENCE_STALE", "EVIDENCE_ALTERED",
                    "EVIDENCE_TOO_LARGE", "EVIDENCE_NOT_ALLOWED", "EVIDENCE_INCOMPLETE")  # fmt: skip


def due(
    gates: Sequence[GatePlan], answers: Answers, evidence: Mapping[str, Mapping[str, Any]], at: datetime, again: bool
) -> list[GatePlan]:
    """The gates to ask at `at`. `evidence` is what was supplied since the build, by name. With `again`, at the moment
    of promotion, those that had passed are asked anew where their evidence is too old, or their question is of now."""
    return [gate for gate in gates if _is_due(gate, answers.get(gate.name), _number(gate, evidence), at, again)]


def is_stale(gate: GatePlan, answer: Mapping[str, Any], at: datetime) -> bool:
    """Whether its evidence is older than the gate allows."""
    told = answer.get("produced_at") or answer["asked_at"]
    return gate.max_age_s > 0 and at - moment(told) > timedelta(seconds=gate.max_age_s)


def ends_it(answer: Mapping[str, Any]) -> bool:
    """Whether it is the last word: it speaks against the release, and no wait changes that; or nobody asks any more."""
    outcome, code = str(answer["outcome"]), str(answer["code"])
    return (outcome == Outcome.FAILED and code != GATE_UNMET) or outcome == Outcome.CANCELLED


def passes(answer: Mapping[str, Any] | None) -> bool:
    return answer is not None and answer["outcome"] == Outcome.PASSED


def looks_again(answer: Mapping[str, Any]) -> bool:
    """Whether it may pass by itself, without new evidence."""
    return not passes(answer) and not ends_it(answer) and answer["code"] not in MENDED_BY_EVIDENCE


def read_by(gates: Sequence[GatePlan]) -> list[str]:
    """The names of the evidence that they read, each once."""
    return list(dict.fromkeys(gate.evidence for gate in gates if gate.evidence))


def numbers(gates: Sequence[GatePlan], answers: Answers) -> dict[str, int]:
    """Of each evidence that they read, the number of that which they have answered on."""
    told = {gate.evidence: answers[gate.name]["n"] for gate in gates if gate.evidence and gate.name in answers}
    return dict(sorted(told.items()))


def _number(gate: GatePlan, evidence: Mapping[str, Mapping[str, Any]]) -> int:
    number: int = evidence.get(gate.evidence, {}).get("n", 0)
    return number


def _is_due(gate: GatePlan, answer: Mapping[str, Any] | None, number: int, at: datetime, again: bool) -> bool:
    if answer is None or answer["n"] != number:
        return True
    old = at - moment(answer["asked_at"]) >= timedelta(seconds=FRESH_S)
    if not passes(answer):
        return looks_again(answer) and (old or again)
    return again and (is_stale(gate, answer, at) or (gate.kind in LIVE and old))
