"""How an edge of Front Door chooses an origin, and what its rules take for a match."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.local.azure.front_door.edge import Asked, Edge, Origin, OriginGroup, Route, Rule, chances
from slipway.local.azure.front_door.resources import Condition


@dataclass(frozen=True)
class Found:
    """What probes found, by the paths of origins."""

    ill: frozenset[str]
    latencies: dict[str, float]

    def well(self, group: OriginGroup, origin: Origin) -> bool:
        return origin.path not in self.ill

    def latency_ms(self, group: OriginGroup, origin: Origin) -> float:
        return self.latencies[origin.path]


@st.composite
def groups(draw: st.DrawFn) -> tuple[OriginGroup, Found]:
    names = [f"o{number}" for number in range(draw(st.integers(1, 5)))]
    some = st.frozensets(st.sampled_from(names))
    off, ill = draw(some), draw(some)
    weights, priorities = st.integers(1, 1000), st.integers(1, 5)
    origins = [Origin(name, f"{name}:80", draw(weights), draw(priorities), name not in off) for name in names]
    window = draw(st.integers(0, 1000))
    latencies = {name: draw(st.floats(0, 2000)) for name in names}
    return OriginGroup("g", tuple(origins), 4, 3, window, "/", "HEAD", 30, False), Found(ill, latencies)


@given(groups())
def test_shares_are_of_the_healthy_first_and_near_ones_by_weight(drawn: tuple[OriginGroup, Found]) -> None:
    group, found = drawn
    shares = chances(group, found)
    enabled = [origin for origin in group.origins if origin.enabled]
    assert bool(shares) == bool(enabled)
    if not shares:
        return
    assert sum(shares.values()) == pytest.approx(1)
    healthy = [origin for origin in enabled if origin.path not in found.ill] or enabled
    assert set(shares) <= set(healthy)
    assert {origin.priority for origin in shares} == {min(origin.priority for origin in healthy)}
    latencies = [found.latencies[origin.path] for origin in shares]
    assert max(latencies) - min(latencies) <= group.window_ms
    assert len({round(share / origin.weight, 9) for origin, share in shares.items()}) == 1


@pytest.mark.parametrize(
    ("parameters", "said", "holds"),
    [
        ({"operator": "Equal", "matchValues": ["me", "you"]}, "you", True),
        ({"operator": "Equal", "matchValues": ["me"]}, "Me", False),
        ({"operator": "Equal", "matchValues": ["me"], "transforms": ["Lowercase", "Trim"]}, " ME ", True),
        ({"operator": "Equal", "matchValues": ["me"], "negateCondition": True}, "you", True),
        ({"operator": "Equal", "matchValues": ["me"], "negateCondition": True}, None, True),
        ({"operator": "Contains", "matchValues": ["an"]}, "canary", True),
        ({"operator": "BeginsWith", "matchValues": ["can"]}, "canary", True),
        ({"operator": "EndsWith", "matchValues": ["can"]}, "canary", False),
        ({"operator": "Any"}, "", True),
        ({"operator": "Any"}, None, False),
    ],
)
def test_a_condition_holds(parameters: dict[str, Any], said: str | None, holds: bool) -> None:
    for name in ("RequestHeader", "Cookies"):
        told = {"typeName": f"DeliveryRule{name}ConditionParameters", "selector": "x-canary", **parameters}
        rule = Rule("r", (Condition.model_validate({"name": name, "parameters": told}),), "g", True)
        given = {} if said is None else {"x-canary": said}
        assert rule.holds(Asked("/", given, given)) is holds


def test_the_route_that_says_most_of_a_path_is_taken() -> None:
    patterns = {"all": ("/*",), "api": ("/api/*", "/version"), "exact": ("/api/orders",)}
    routes = tuple(Route(name, each, "g", ()) for name, each in patterns.items())
    edge = Edge({"shop": routes}, {})
    taken = {path: edge.route("shop", path) for path in ("/", "/api/orders", "/api/orders/1", "/version")}
    names = {path: route.name for path, route in taken.items() if route}
    assert names == {"/": "all", "/api/orders": "exact", "/api/orders/1": "api", "/version": "api"}
    assert edge.route("other", "/") is None


def test_a_rule_that_does_not_stop_is_overruled_by_a_later_one() -> None:
    rules = [Rule("first", (), "a", False), Rule("second", (), "b", True), Rule("third", (), "c", False)]
    assert Route("all", ("/*",), "g", tuple(rules)).leads(Asked("/", {}, {})) == ("b", "first,second")
