"""Traffic Manager (azure-mgmt-trafficmanager, api 2026-09-01): weights of two endpoints, a router and a switch."""

from slipway.adapters.traffic_manager.routing import TrafficManagerRouter
from slipway.adapters.traffic_manager.switching import TrafficManagerSwitch

__all__ = ["TrafficManagerRouter", "TrafficManagerSwitch"]
