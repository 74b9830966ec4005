"""What differs between one kind of target or router and another, as data: read by lint, `plan`, the stages, and whoever
grants rights."""

from collections.abc import Iterator

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.kinds.app_service_slots import APP_SERVICE_SLOTS
from slipway.promotion.kinds.container_apps import CONTAINER_APPS
from slipway.promotion.kinds.front_door import FRONT_DOOR
from slipway.promotion.kinds.router import Router as Router
from slipway.promotion.kinds.switches import SWITCHES as SWITCHES
from slipway.promotion.kinds.target import TargetKind as TargetKind
from slipway.promotion.kinds.targets import TARGETS as TARGETS
from slipway.promotion.kinds.traffic_manager import TRAFFIC_MANAGER

ROUTERS = {router.kind: router for router in (APP_SERVICE_SLOTS, CONTAINER_APPS, FRONT_DOOR, TRAFFIC_MANAGER)}


def routers_for(target: str) -> Iterator[Router]:
    """The routers that can divide the traffic of a kind of target, its own first."""
    return (router for router in sorted(ROUTERS.values(), key=lambda each: each.fronts) if router.target == target)


def actions_on(target: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What Slipway needs of Azure on such a target, and on what that stands on."""
    if TARGETS[target].actions:
        return TARGETS[target].actions, ()
    for router in routers_for(target):
        return router.actions, router.environment_actions
    return (), ()


def router_for(target: str, canary: CanaryPlan | None = None) -> Router:
    """The router of a kind of target: its platform's own, unless the ramp has one before it. Raises KeyError."""
    if canary is not None and canary.front_door is not None:
        return FRONT_DOOR
    for router in routers_for(target):
        return router
    raise KeyError(target)
