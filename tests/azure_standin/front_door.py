"""A Front Door in front of two sides of a site, and the official client."""

from collections import Counter
from typing import Any

from azure.mgmt.cdn import CdnManagementClient

from tests import plain_http
from tests.azure_standin.standin import CONFIG, GROUP, SUBSCRIPTION, StandinProcess, until

PROFILE, ENDPOINT, ORIGIN_GROUP = "edge", "shop", "checkout"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
ID = f"{GROUP_ID}/providers/Microsoft.Cdn/profiles/{PROFILE}"
FRONT_DOOR = """
front_doors:
  - name: edge
    operation_s: {operation_s}
    propagation_s: {propagation_s}
    rule_sets: [testers]
    endpoints:
      - {{name: shop, port: 18401, routes: [{{name: all, origin_group: checkout, rule_sets: [testers]}}]}}
    origin_groups:
      - name: checkout
        additional_latency_ms: 1000
        probe: {{interval_s: 1}}
        origins:
          - {{name: live, site: checkout-dev}}
          - {{name: idle, site: checkout-dev, slot: staging, weight: 1, enabled: false}}
      - name: canary
        probe: {{interval_s: 1}}
        origins: [{{name: canary, site: checkout-dev, slot: staging}}]
"""


def with_front_door(operation_s: float = 0.2, propagation_s: float = 0.2) -> str:
    return CONFIG + FRONT_DOOR.format(operation_s=operation_s, propagation_s=propagation_s)


class Edge:
    def __init__(self, standin: StandinProcess) -> None:
        self.standin = standin

    def azure(self, **options: Any) -> CdnManagementClient:
        return CdnManagementClient(
            self.standin.credential(),
            SUBSCRIPTION,
            base_url=self.standin.url,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=self.standin.told["ca"],
            **options,
        )

    def origin(self, name: str = "idle") -> Any:
        with self.azure() as azure:
            return azure.afd_origins.get(GROUP, PROFILE, ORIGIN_GROUP, name).as_dict()["properties"]

    def set(self, name: str = "idle", **properties: Any) -> Any:
        """Changes an origin; back when its operation has ended."""
        self.begin(name, **properties)
        until(lambda: self.origin(name)["provisioningState"] == "Succeeded")
        return self.origin(name)

    def begin(self, name: str = "idle", **properties: Any) -> dict[str, str]:
        """The headers of the answer to a change that nobody waits for."""
        seen: dict[str, str] = {}
        with self.azure() as azure:
            azure.afd_origins.begin_update(
                GROUP,
                PROFILE,
                ORIGIN_GROUP,
                name,
                {"properties": properties},
                polling=False,
                raw_response_hook=lambda answer: seen.update(answer.http_response.headers),
            )
        return seen

    def group(self, additional_latency: int | None = None, **properties: Any) -> None:
        """Changes the origin group; back when the operation has ended."""
        latency = {"additionalLatencyInMilliseconds": additional_latency}
        more = {"loadBalancingSettings": latency} if additional_latency is not None else {}
        with self.azure() as azure:
            body = {"properties": {**properties, **more}}
            azure.afd_origin_groups.begin_update(GROUP, PROFILE, ORIGIN_GROUP, body).result()

    def set_rule(self, name: str = "testers", **properties: Any) -> Any:
        with self.azure() as azure:
            poller = azure.rules.begin_create(GROUP, PROFILE, "testers", name, {"properties": properties})
            return poller.result().as_dict()

    def end_rule(self, name: str = "testers") -> None:
        with self.azure() as azure:
            azure.rules.begin_delete(GROUP, PROFILE, "testers", name).result()

    def tell(self, **told: Any) -> None:
        with self.standin.http() as http:
            http.post("/standin/front-door", json={"profile": PROFILE, **told}).raise_for_status()

    def shown(self) -> Any:
        with self.standin.http() as http:
            return http.get("/standin/front-door").json()[PROFILE]

    def share(self, origin: str = "idle") -> float:
        """What the edge gives it now."""
        return float(self.shown()["origin_groups"][ORIGIN_GROUP][origin]["share"])

    def met(self, requests: int = 100, **how: Any) -> Counter[str]:
        """The versions that so many requests met, or the status where there was none."""
        with plain_http.plain_client(base_url=self.standin.told["sites"][ENDPOINT]) as http:
            answers = [http.get("/cart", **how) for _ in range(requests)]
        return Counter(each.headers.get("x-version", str(each.status_code)) for each in answers)


def a_rule(condition: str = "RequestHeader", selector: str = "x-canary", group: str = "canary") -> dict[str, Any]:
    """Who says `selector: me` is sent to that origin group."""
    parameters = {"selector": selector, "operator": "Equal", "matchValues": ["me"], "negateCondition": False}
    override = {"originGroup": {"id": f"{ID}/originGroups/{group}"}}
    return {
        "order": 1,
        "conditions": [
            {
                "name": condition,
                "parameters": {"typeName": f"DeliveryRule{condition}ConditionParameters", **parameters},
            }
        ],
        "actions": [
            {
                "name": "RouteConfigurationOverride",
                "parameters": {
                    "typeName": "DeliveryRuleRouteConfigurationOverrideActionParameters",
                    "originGroupOverride": override,
                },
            }
        ],
        "matchProcessingBehavior": "Stop",
    }
