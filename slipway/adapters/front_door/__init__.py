"""Front Door Standard and Premium (azure-mgmt-cdn, api 2026-10-01): weights of origins, a rule for testers, checks."""

from slipway.adapters.front_door.checks import check
from slipway.adapters.front_door.routing import FrontDoorRouter
from slipway.adapters.front_door.testers import TestersRule

__all__ = ["FrontDoorRouter", "TestersRule", "check"]
