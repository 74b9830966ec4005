"""A world with policies of the organisation: their text may change while a build is on its way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from slipway.promotion.outcomes import Answer, Outcome, broken
from slipway.promotion.plan import load_stage
from slipway.promotion.policies import PoliciesInvalid, holding, read_policies
from tests.workflow.gate_world import GateWorld
from tests.workflow.world import Order


@dataclass
class PolicyWorld(GateWorld):
    """`policies` is the text of the one file that there is."""

    policies: str = "policies: []"
    clock: Callable[[], datetime] | None = None

    def _check_policies(self, order: Order) -> Answer:
        assert self.clock is not None
        try:
            policies = read_policies([("organisation.yaml", self.policies)])
        except PoliciesInvalid as invalid:
            return broken(invalid.code, invalid.words)
        return holding(policies, load_stage(order["stage"]), order["service"], order["owner"], self.clock()).answer

    def _look_at_sealed(self, order: Order) -> Answer:
        seen = super()._look_at_sealed(order)
        if "policies" in order and seen.outcome == Outcome.PASSED:
            seen.result["policies"] = self._check_policies(order["policies"]).result.get("digest", "")
        return seen
