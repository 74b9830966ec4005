"""A world with gates: each says what a test has it say, on the evidence that it is given."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import Answer, Outcome, failed, iso, moment, not_enough_evidence, passed, running
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.world import Order


@dataclass
class GateWorld(RampingWorld):
    """A gate on evidence passes on what says `good`, and fails on anything else; `unmet` are the names of questions
    that are not answered as expected; `silent` those of gates whose source is away. `asked` counts how often each was
    asked, `orders` has what it was given. Evidence that was produced longer ago than the gate allows is stale."""

    unmet: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    orders: list[Order] = field(default_factory=list)
    told: dict[str, Answer] = field(default_factory=dict)
    now: Any = None

    def _ask_gate(self, order: Order) -> Answer:
        if order["operation"] in self.told:
            return self.told[order["operation"]]
        answer = self._said(order)
        if not answer.running:
            self.told[order["operation"]] = answer
        return answer

    def _said(self, order: Order) -> Answer:
        gate = GatePlan.load(order["gate"])
        self.asked[gate.name] += 1
        self.orders.append(order)
        if gate.name in self.silent:
            return running({}, 5.0, "the source does not answer")
        if not gate.evidence:
            unmet = failed("GATE_UNMET", "an incident is open")
            return unmet if gate.name in self.unmet else passed("no incident is open")
        given = order["build"]["evidence"].get(gate.evidence)
        if given is None:
            words = f"no evidence {gate.evidence}: slipway evidence add {order['promotion']} {gate.evidence}"
            return not_enough_evidence("EVIDENCE_MISSING", words)
        produced_at = given.get("produced_at") or order["build"]["finished_at"]
        if gate.max_age_s and (self.now() - moment(produced_at)).total_seconds() > gate.max_age_s:
            return not_enough_evidence("EVIDENCE_STALE", "the evidence is too old", produced_at=produced_at)
        told: dict[str, Any] = {"digest": f"sha256:{given['inline']}", "produced_at": produced_at, "facts": {"line": 1}}
        if given["inline"] != "good":
            return Answer(Outcome.FAILED, "COVERAGE_TOO_LOW", "50 % of lines, 80 % are needed", result=told)
        return passed("90 % of lines, 80 % are needed", **told)


def good(produced_at: Any = None) -> dict[str, Any]:
    """Evidence that its gate passes on."""
    return {"inline": "good", **({"produced_at": iso(produced_at)} if produced_at else {})}
