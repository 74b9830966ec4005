"""What divides the traffic of a stage's targets."""

from dataclasses import replace

from slipway.promotion.front_door import KIND
from slipway.promotion.plan import Target
from slipway.promotion.stage_run import StageRun


def router_of(run: StageRun, target: Target) -> Target:
    """What divides the target's traffic, as a target: a Front Door before it, else its own platform."""
    front_door = run.before_it
    return replace(target, kind=KIND, resource=front_door.resource, slot=front_door.live) if front_door else target
