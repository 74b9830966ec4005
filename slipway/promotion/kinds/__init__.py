"""What differs between one kind of router and another, as data: read by lint, `plan`, and whoever grants rights."""

from slipway.promotion.kinds.app_service_slots import APP_SERVICE_SLOTS
from slipway.promotion.kinds.container_apps import CONTAINER_APPS
from slipway.promotion.kinds.router import Router as Router

ROUTERS = {router.kind: router for router in (APP_SERVICE_SLOTS, CONTAINER_APPS)}
ROUTERS_NOT_YET = ("front-door", "traffic-manager", "dns")


def router_for(target: str) -> Router:
    """The router of a kind of target. Raises KeyError."""
    return {router.target: router for router in ROUTERS.values()}[target]
