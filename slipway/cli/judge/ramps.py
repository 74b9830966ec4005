"""A pipeline's ramps in words, with what they can see at a traffic."""

from dataclasses import dataclass

from slipway.cli.failure import ExitCode, Failure
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.power import TrafficPlan, traffic_plan
from slipway.promotion.pipeline import Pipeline, rings_written_as_stages
from slipway.promotion.pipeline.canary import CanaryRollout

NO_TRAFFIC = "what it can see at which traffic: --traffic 500/s --base-error 0.1%"


@dataclass(frozen=True)
class Ramp:
    """What a stage's ramp can see; `plan` is None while its traffic is not known."""

    plan: TrafficPlan | None

    @property
    def lines(self) -> list[str]:
        """What it can see."""
        return plan_lines(self.plan) if self.plan else [NO_TRAFFIC]


def ramps_of(pipeline: Pipeline, traffic: float | None, base_error: float | None) -> dict[str, Ramp]:
    """The ramps by stage."""
    stages = [each for stage in pipeline.stages for each in rings_written_as_stages(stage)]
    policies = {
        stage.name: stage.rollout.canary.policy(stage.bake)
        for stage in stages
        if isinstance(stage.rollout, CanaryRollout)
    }
    known = traffic is not None and base_error is not None
    return {
        name: Ramp(planned(policy, traffic or 0.0, base_error or 0.0) if known else None)
        for name, policy in policies.items()
    }


def planned(
    policy: Policy, traffic: float, base_error: float, harm: float = 2.0, dispersion: float = 1.0
) -> TrafficPlan:
    """The traffic plan. Raises Failure for a harm that is none."""
    try:
        return traffic_plan(policy, traffic, base_error, harm, dispersion)
    except ValueError as error:
        raise Failure("USAGE", str(error), ExitCode.USAGE) from error


def plan_lines(plan: TrafficPlan) -> list[str]:
    """What it says, step by step."""
    return [*(step.words for step in plan.steps), plan.words]
