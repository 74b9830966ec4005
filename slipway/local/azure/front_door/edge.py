"""What an edge knows of a profile, and by it where a request goes: route, rules, origin group, origin.

Of a group's origins those that are enabled and healthy count, of those the lowest priority, of those the ones within
the latency window of the fastest, and only among these the weights (Microsoft's "traffic routing methods to origin").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from slipway.local.azure.front_door.changes import below_profile
from slipway.local.azure.front_door.resources import Condition
from slipway.local.azure.front_door.store import Resource

ENABLED = "Enabled"


@dataclass(frozen=True)
class Origin:
    """`path` is that of its resource, `host` with its port."""

    path: str
    host: str
    weight: int
    priority: int
    enabled: bool


@dataclass(frozen=True)
class OriginGroup:
    """`window_ms` is its additional latency. An origin is healthy while `required` of its last `sample_size` probes
    were, one each `interval_s`; without probes (0) it always is."""

    path: str
    origins: tuple[Origin, ...]
    sample_size: int
    required: int
    window_ms: int
    probe_path: str
    probe_method: str
    interval_s: int
    sticky: bool


class Looks(Protocol):
    """What the probes of an edge have found."""

    def well(self, group: OriginGroup, origin: Origin) -> bool: ...
    def latency_ms(self, group: OriginGroup, origin: Origin) -> float: ...


@dataclass(frozen=True)
class Asked:
    """What rules see of a request; names of headers in small letters."""

    path: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """`group` is where it leads, by path."""

    name: str
    conditions: tuple[Condition, ...]
    group: str
    stops: bool

    def holds(self, asked: Asked) -> bool:
        return all(_holds(each, asked) for each in self.conditions)


@dataclass(frozen=True)
class Route:
    """`rules` in the order in which they are tried."""

    name: str
    patterns: tuple[str, ...]
    group: str
    rules: tuple[Rule, ...]

    def leads(self, asked: Asked) -> tuple[str, str]:
        """The path of an origin group, and the names of the rules that held."""
        group, matched = self.group, []
        for rule in self.rules:
            if rule.holds(asked):
                group = rule.group
                matched.append(rule.name)
                if rule.stops:
                    break
        return group, ",".join(matched)


@dataclass(frozen=True)
class Edge:
    """`routes` by endpoint, of those that are enabled; `groups` by path."""

    routes: Mapping[str, tuple[Route, ...]]
    groups: Mapping[str, OriginGroup]

    @classmethod
    def load(cls, resources: Mapping[str, Resource]) -> "Edge":
        groups = [path for path in resources if path.startswith("origingroups/") and path.count("/") == 1]
        endpoints = [path for path in resources if path.startswith("afdendpoints/") and path.count("/") == 1]
        on = [path for path in endpoints if resources[path].properties["enabledState"] == ENABLED]
        routes = {path.partition("/")[2]: tuple(_routes(resources, path)) for path in on}
        return cls(routes, {path: _group(resources, path) for path in groups})

    def route(self, endpoint: str, path: str) -> Route | None:
        """The one whose pattern says most of the path."""
        fitting = [
            (len(pattern), not pattern.endswith("*"), number)
            for number, route in enumerate(self.routes.get(endpoint, ()))
            for pattern in route.patterns
            if _fits(pattern, path)
        ]
        return self.routes[endpoint][max(fitting)[2]] if fitting else None


def chances(group: OriginGroup, looks: Looks) -> dict[Origin, float]:
    """The share (0..1) of the group's requests for each origin that gets any. While none is healthy, all count."""
    enabled = [origin for origin in group.origins if origin.enabled]
    healthy = [origin for origin in enabled if looks.well(group, origin)] or enabled
    if not healthy:
        return {}
    first = min(origin.priority for origin in healthy)
    preferred = {origin: looks.latency_ms(group, origin) for origin in healthy if origin.priority == first}
    slowest = min(preferred.values()) + group.window_ms
    near = [origin for origin, latency_ms in preferred.items() if latency_ms <= slowest]
    together = sum(origin.weight for origin in near)
    return {origin: origin.weight / together for origin in near}


def _routes(resources: Mapping[str, Resource], endpoint: str) -> list[Route]:
    found = []
    for path, each in resources.items():
        if path.startswith(f"{endpoint}/routes/") and each.properties["enabledState"] == ENABLED:
            rule_sets = [below_profile(id["id"]) for id in each.properties["ruleSets"]]
            rules = [rule for rule_set in rule_sets for rule in _rules(resources, rule_set)]
            patterns = tuple(each.properties["patternsToMatch"])
            group = below_profile(each.properties["originGroup"]["id"])
            found.append(Route(each.name, patterns, group, tuple(rules)))
    return found


def _rules(resources: Mapping[str, Resource], rule_set: str) -> list[Rule]:
    below = [each for path, each in resources.items() if path.startswith(f"{rule_set}/rules/")]
    found = []
    for each in sorted(below, key=lambda rule: int(rule.properties["order"])):
        conditions = tuple(Condition.model_validate(one) for one in each.properties["conditions"])
        override = each.properties["actions"][0]["parameters"]["originGroupOverride"]
        stops = each.properties.get("matchProcessingBehavior") == "Stop"
        found.append(Rule(each.name, conditions, below_profile(override["originGroup"]["id"]), stops))
    return found


def _group(resources: Mapping[str, Resource], path: str) -> OriginGroup:
    properties = resources[path].properties
    load, probe = properties["loadBalancingSettings"], properties.get("healthProbeSettings") or {}
    return OriginGroup(
        path=path,
        origins=tuple(_origin(each) for below, each in resources.items() if below.startswith(f"{path}/origins/")),
        sample_size=load["sampleSize"],
        required=load["successfulSamplesRequired"],
        window_ms=load["additionalLatencyInMilliseconds"],
        probe_path=probe.get("probePath", "/"),
        probe_method=probe.get("probeRequestType", "HEAD"),
        interval_s=probe.get("probeIntervalInSeconds", 0),
        sticky=properties["sessionAffinityState"] == ENABLED,
    )


def _origin(resource: Resource) -> Origin:
    properties = resource.properties
    enabled = properties["enabledState"] == ENABLED
    return Origin(resource.path, properties["hostName"], properties["weight"], properties["priority"], enabled)


def _fits(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _holds(condition: Condition, asked: Asked) -> bool:
    parameters = condition.parameters
    if condition.name == "RequestHeader":
        said = asked.headers.get(parameters.selector.lower())
    else:
        said = asked.cookies.get(parameters.selector)
    return _matches(condition, said) != parameters.negate_condition


def _matches(condition: Condition, said: str | None) -> bool:
    if said is None:
        return False
    for transform in condition.parameters.transforms:
        said = said.lower() if transform == "Lowercase" else said.upper() if transform == "Uppercase" else said.strip()
    values = condition.parameters.match_values
    match condition.parameters.operator:
        case "Any":
            return True
        case "Equal":
            return said in values
        case "Contains":
            return any(value in said for value in values)
        case "BeginsWith":
            return said.startswith(values)
        case "EndsWith":
            return said.endswith(values)
