"""What can be asked of each kind of Front Door resource, in REST's form (Microsoft.Cdn, api-version 2026-10-01)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from slipway.local.azure.config import (
    EndpointConfig,
    FrontDoorConfig,
    OriginConfig,
    OriginGroupConfig,
    RouteConfig,
    host_of,
)
from slipway.local.azure.front_door.store import Document, Resource

State = Literal["Enabled", "Disabled"]
Operator = Literal["Any", "Equal", "Contains", "BeginsWith", "EndsWith"]
CONDITIONS = Literal["RequestHeader", "Cookies"]


class _Rest(BaseModel):
    """A part that is left out stays as it is; one that is not known here is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Reference(_Rest):
    id: str


class OriginProperties(_Rest):
    host_name: str | None = None
    http_port: int | None = Field(default=None, ge=1, le=65535)
    https_port: int | None = Field(default=None, ge=1, le=65535)
    origin_host_header: str | None = None
    priority: int | None = Field(default=None, ge=1, le=5)
    weight: int | None = Field(default=None, ge=1, le=1000)
    enabled_state: State | None = None
    enforce_certificate_name_check: bool | None = None


class LoadBalancing(_Rest):
    sample_size: int | None = Field(default=None, ge=1, le=255)
    successful_samples_required: int | None = Field(default=None, ge=1, le=255)
    additional_latency_in_milliseconds: int | None = Field(default=None, ge=0, le=1000)


class HealthProbe(_Rest):
    probe_path: str | None = None
    probe_request_type: Literal["GET", "HEAD"] | None = None
    probe_protocol: Literal["Http", "Https"] | None = None
    probe_interval_in_seconds: int | None = Field(default=None, ge=1, le=255)


class OriginGroupProperties(_Rest):
    load_balancing_settings: LoadBalancing | None = None
    health_probe_settings: HealthProbe | None = None
    session_affinity_state: State | None = None
    traffic_restoration_time_to_healed_or_new_endpoints_in_minutes: int | None = Field(default=None, ge=0, le=50)


class EndpointProperties(_Rest):
    enabled_state: State | None = None


class RouteProperties(_Rest):
    origin_group: Reference | None = None
    rule_sets: tuple[Reference, ...] | None = None
    patterns_to_match: tuple[str, ...] | None = None
    enabled_state: State | None = None
    supported_protocols: tuple[str, ...] | None = None
    forwarding_protocol: str | None = None
    link_to_default_domain: State | None = None
    https_redirect: State | None = None


class RuleSetProperties(_Rest):
    batch_mode: Literal[False] = False


class ConditionParameters(_Rest):
    type_name: Literal["DeliveryRuleRequestHeaderConditionParameters", "DeliveryRuleCookiesConditionParameters"]
    selector: str
    operator: Operator
    negate_condition: bool = False
    match_values: tuple[str, ...] = ()
    transforms: tuple[Literal["Lowercase", "Uppercase", "Trim"], ...] = ()


class Condition(_Rest):
    name: CONDITIONS
    parameters: ConditionParameters


class OriginGroupOverride(_Rest):
    origin_group: Reference
    forwarding_protocol: str | None = None


class ActionParameters(_Rest):
    type_name: Literal["DeliveryRuleRouteConfigurationOverrideActionParameters"]
    origin_group_override: OriginGroupOverride
    cache_configuration: None = None


class Action(_Rest):
    name: Literal["RouteConfigurationOverride"]
    parameters: ActionParameters


class RuleProperties(_Rest):
    order: int | None = Field(default=None, ge=0)
    conditions: tuple[Condition, ...] | None = None
    actions: tuple[Action, ...] | None = Field(default=None, min_length=1)
    match_processing_behavior: Literal["Continue", "Stop"] | None = None


# By the kinds of the path, as `kinds_of` has them.
MODELS: dict[str, type[_Rest]] = {
    "origingroups": OriginGroupProperties,
    "origingroups/origins": OriginProperties,
    "afdendpoints": EndpointProperties,
    "afdendpoints/routes": RouteProperties,
    "rulesets": RuleSetProperties,
    "rulesets/rules": RuleProperties,
}
NAMES = {
    "origingroups": "originGroups",
    "origins": "origins",
    "afdendpoints": "afdEndpoints",
    "routes": "routes",
    "rulesets": "ruleSets",
    "rules": "rules",
}
# What can be put and taken away here; all else comes from the configuration.
MADE_HERE = frozenset({"rulesets", "rulesets/rules"})
NEW: dict[str, Document] = {"rulesets": {"batchMode": False}, "rulesets/rules": {"conditions": [], "order": 0}}


def kinds_of(path: str) -> str:
    """`origingroups/shop/origins/live` → `origingroups/origins`."""
    return "/".join(path.split("/")[::2])


def configured(front_door: FrontDoorConfig, hosts: dict[str, str], id: str) -> list[Resource]:
    """`hosts` are the host names of front ends by their names in the ready line; `id` is that of the profile."""
    found = [Resource(f"rulesets/{name.lower()}", name, dict(NEW["rulesets"])) for name in front_door.rule_sets]
    for group in front_door.origin_groups:
        path = f"origingroups/{group.name.lower()}"
        found.append(Resource(path, group.name, _origin_group(group)))
        found += [_origin(path, origin, hosts) for origin in group.origins]
    for endpoint in front_door.endpoints:
        path = f"afdendpoints/{endpoint.name}"
        found.append(_endpoint(path, endpoint, hosts))
        found += [_route(path, route, id) for route in endpoint.routes]
    return found


def _origin_group(group: OriginGroupConfig) -> Document:
    found: Document = {
        "loadBalancingSettings": {
            "sampleSize": group.sample_size,
            "successfulSamplesRequired": group.successful_samples_required,
            "additionalLatencyInMilliseconds": group.additional_latency_ms,
        },
        "trafficRestorationTimeToHealedOrNewEndpointsInMinutes": 0,
        "sessionAffinityState": "Enabled" if group.session_affinity else "Disabled",
    }
    if group.probe is not None:
        found["healthProbeSettings"] = {
            "probePath": group.probe.path,
            "probeRequestType": group.probe.method,
            "probeProtocol": "Http",
            "probeIntervalInSeconds": group.probe.interval_s,
        }
    return found


def _origin(group: str, origin: OriginConfig, hosts: dict[str, str]) -> Resource:
    host = hosts[host_of(origin)]
    properties = {
        # With its port, as the stand-in's sites have their `defaultHostName`: each has a host name of its own.
        "hostName": host,
        "httpPort": int(host.partition(":")[2]),
        "httpsPort": 443,
        "originHostHeader": host,
        "priority": origin.priority,
        "weight": origin.weight,
        "enabledState": "Enabled" if origin.enabled else "Disabled",
        "enforceCertificateNameCheck": True,
    }
    return Resource(f"{group}/origins/{origin.name.lower()}", origin.name, properties)


def _endpoint(path: str, endpoint: EndpointConfig, hosts: dict[str, str]) -> Resource:
    return Resource(path, endpoint.name, {"hostName": hosts[endpoint.name], "enabledState": "Enabled"})


def _route(endpoint: str, route: RouteConfig, id: str) -> Resource:
    properties = {
        "originGroup": {"id": f"{id}/originGroups/{route.origin_group}"},
        "ruleSets": [{"id": f"{id}/ruleSets/{name}"} for name in route.rule_sets],
        "supportedProtocols": ["Http"],
        "patternsToMatch": list(route.patterns),
        "forwardingProtocol": "HttpOnly",
        "linkToDefaultDomain": "Enabled",
        "httpsRedirect": "Disabled",
        "enabledState": "Enabled",
    }
    return Resource(f"{endpoint}/routes/{route.name.lower()}", route.name, properties)
