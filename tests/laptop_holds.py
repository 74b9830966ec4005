"""What the Azure stand-in of the tests holds: sites, apps, clusters, jobs and what sends users to them."""

import os
from typing import Any

# Of the stand-in, or of a real subscription (`tests.real_azure`).
GROUP = os.environ.get(
    "SLIPWAY_TEST_GROUP", "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop"
).rstrip("/")
SUBSCRIPTION = GROUP.split("/")[2]
# Each file of tests that changes a site has sites of its own.
SITES: tuple[str, ...] = (
    "deploys",
    "repeats",
    "crashes",
    "lost",
    "swaps",
    "held",
    "plain",
    "once",
    "swapped",
    "divided",
    "turned",
)
SITES += ("stopped", "halted", "granted-site", "old-side")
SITES += ("edged", "fronted", "ring-weu", "ring-neu")  # behind the Front Door
SIDES = {"side-blue": "1.0.0", "side-green": "2.0.0"}  # what Traffic Manager and DNS send users to, with their versions
SITES += tuple(SIDES)
# Container apps; a suffix is of a first revision that Slipway has not named.
APPS: dict[str, dict[str, str]] = {
    name: {} for name in ("apart", "moved", "many", "drawn", "granted", "back", "behind", "dead")
}
APPS |= {"alone": {"mode": "Single"}, "older": {"suffix": "by-hand"}}
COSMOS, COSMOS_REGIONS = ("shop-db", "looked-at"), ("West Europe", "North Europe")  # the first one is written to
IMAGE = os.environ.get("SLIPWAY_TEST_IMAGE", "registry.example/checkout")
PINNED_IMAGE = os.environ.get("SLIPWAY_TEST_IMAGE", "shop.azurecr.io/checkout")  # in a registry that pins it
LOAD_TESTING = "loads"
_SHORT = {"takes_s": 0.5, "rate_per_s": 100}  # the requests of a run of four minutes
LOAD_TESTS: list[dict[str, Any]] = [
    {"id": "peak", **_SHORT, "criteria": [{"metric": "error", "aggregate": "percentage", "value": 5}]},
    {"id": "strict_one", **_SHORT, "criteria": [{"aggregate": "p95", "value": 0.01}]},
    {"id": "late", **_SHORT, "results_after": 2},
    {"id": "stuck", "mishap": "never-provisioned"},
    {"id": "failing", "mishap": "engine-fails"},
    {"id": "cancelled", **_SHORT, "mishap": "cancelled"},
]
_JOBS_REGISTRY = os.environ.get("SLIPWAY_TEST_JOB_IMAGES", "registry.example")
UAT, MIGRATIONS, INFRA = (f"{_JOBS_REGISTRY}/storefront-{each}" for each in ("uat", "migrations", "infra"))
# Jobs, by what tests do with them; each has an image that runs, a database of its own, and one secret.
JOBS: dict[str, dict[str, Any]] = {
    name: {} for name in ("uat", "migrate", "lost-start", "several", "looked-for", "of-activities", "granted-job")
}
JOBS |= {"silent": {"logs": False}, "named-later": {"answers_later": True}, "belated": {"log_delay_s": 0.8}}
JOBS |= {name: {"image": f"{INFRA}:1.0.0", "env": {"STATE": name}} for name in ("infra", "infra-faults", "infra-odd")}
JOBS["several"] = {"parallelism": 2}
CHART = os.environ.get("SLIPWAY_TEST_CHART", "registry.example/charts/checkout")
PINNED_CHART = "shop.azurecr.io/charts/checkout"
# Releases in clusters, by whether something is live there at first. The cluster `plain` knows nothing of Entra ID.
RELEASES = {"story": True, "faulty": True, "first": False, "stuck": True, "edited": True, "granted": True, "late": True}
RELEASES |= {"aborted": False}
RELEASES |= {"crossed": True}  # its users come by Traffic Manager or DNS
OLDER = "older"
# Its origin groups are named after their sites; each ring has a rule set of its own.
FRONT_DOOR = "edge"
# Of Traffic Manager and of DNS; `crossed` is before the release of that name.
PROFILES, ZONE = {"shop": "side", "slow": "side", "crossed": "shop-crossed"}, "shop.example"
FRONT_DOORS = {"edged": "testers", "fronted": "testers", "ring-weu": "testersweu", "ring-neu": "testersneu"}


def holds() -> dict[str, Any]:
    """Its configuration: each of `SITES` with 1.0.0 live, an empty slot `staging` and one `beta`; all else as above."""
    live = {"service": "checkout", "version": "1.0.0"}
    sites: list[dict[str, Any]] = [
        {"name": name, "port": 1 + n, "live": {**live, "version": SIDES.get(name, "1.0.0")}, "slots": _slots(n)}
        for n, name in enumerate(SITES)
    ]
    config: dict[str, Any] = {"subscription": SUBSCRIPTION, "resource_group": "shop", "sites": sites, "pace": 0.1}
    config["load_testing"] = [{"name": LOAD_TESTING, "tests": LOAD_TESTS}]
    config["cosmos_accounts"] = [{"name": name, "locations": list(COSMOS_REGIONS)} for name in COSMOS]
    apps = [{"name": name, "port": 301 + n, "live": live, **more} for n, (name, more) in enumerate(APPS.items())]
    config |= {"router_delay_s": 0, "instances": 1, "container_apps": apps}
    config["images"] = {IMAGE: "checkout", PINNED_IMAGE: "checkout"}
    config["jobs"] = [_job(name) | more for name, more in JOBS.items()]
    config["job_images"] = {UAT: "uat", MIGRATIONS: "migrate", INFRA: "terraform"}
    config["front_doors"] = [_front_door()]
    config |= {
        "traffic_managers": [_traffic_manager(n, *each) for n, each in enumerate(PROFILES.items())],
        "dns_zones": [_zone()],
    }
    config |= {"clusters": _clusters(live), "charts": [CHART, PINNED_CHART]}
    return config


def _job(name: str) -> dict[str, Any]:
    image = MIGRATIONS if name == "migrate" else UAT
    env = {"DATABASE": name, "GREETING": "its own"}
    return {"name": name, "image": f"{image}:1.0.0", "env": env, "secrets": {"api-key": "hush"}}


def _clusters(live: dict[str, str]) -> list[dict[str, Any]]:
    def release(n: int, name: str, has_live: bool) -> dict[str, Any]:
        ports = {"port": 502 + 10 * n, "blue_port": 503 + 10 * n, "green_port": 504 + 10 * n}
        return {"namespace": "shop", "name": name, **ports, **({"live": live} if has_live else {})}

    shop = [release(n, name, has_live) for n, (name, has_live) in enumerate(RELEASES.items())]
    older = {"name": "plain", "port": 501, "entra": False, "releases": [release(len(shop), OLDER, True)]}
    return [{"name": "shop", "port": 500, "releases": shop}, older]


def _front_door() -> dict[str, Any]:
    """Before each of its sites an endpoint, a group of both sides, and one of the idle side for testers."""
    groups, endpoints = [], []
    for n, (site, rules) in enumerate(FRONT_DOORS.items()):
        live, idle = {"name": "live", "site": site}, {"name": "idle", "site": site, "slot": "staging"}
        group = {"additional_latency_ms": 1000, "probe": {"interval_s": 1}}
        groups.append({"name": site, "origins": [live, {**idle, "weight": 1, "enabled": False}], **group})
        groups.append({"name": f"{site}-testers", "origins": [idle], **group})
        routes = [{"name": "all", "origin_group": site, "rule_sets": [rules]}]
        endpoints.append({"name": f"{site}-edge", "port": 401 + n, "routes": routes})
    door = {
        "name": FRONT_DOOR,
        "operation_s": 0.2,
        "propagation_s": 0.3,
        "rule_sets": sorted(set(FRONT_DOORS.values())),
    }
    return {**door, "endpoints": endpoints, "origin_groups": groups}


def _traffic_manager(n: int, name: str, sides: str) -> dict[str, Any]:
    """Both sides, and an endpoint that is not ours. Whoever looks has it probed; nobody keeps an answer."""
    ends: list[dict[str, Any]] = [
        {"name": "blue", "to": f"{sides}-blue", "weight": 1000},
        {"name": "green", "to": f"{sides}-green", "weight": 1000, "enabled": False, "kind": "azureEndpoints"},
        {"name": "elsewhere", "to": "plain", "weight": 100, "enabled": False},
    ]
    return {
        "name": name,
        "port": 601 + n,
        "ttl_s": 0,
        "endpoints": ends,
        "probe_interval_s": 0,
        "tolerated_failures": 0,
    }


def _zone() -> dict[str, Any]:
    """A record that is a name's, and an alias, of both sides."""
    addresses = {f"{side}.{ZONE}": f"side-{side}" for side in ("blue", "green")}
    addresses |= {f"{side}.crossed.{ZONE}": f"shop-crossed-{side}" for side in ("blue", "green")}
    addresses |= {public_ip(side): f"side-{side}" for side in ("blue", "green")}
    records = [
        {"name": "www", "port": 611, "points_at": f"blue.{ZONE}", "ttl_s": 1},
        {"name": "crossed", "port": 613, "points_at": f"blue.crossed.{ZONE}", "ttl_s": 1},
        {"name": "root", "port": 612, "type": "A", "points_at": public_ip("blue"), "ttl_s": 1},
    ]
    return {"name": ZONE, "records": records, "addresses": addresses, "propagation_s": 0, "resolvers": 20}


def network(path: str) -> str:
    """The resource id of something of Microsoft.Network."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/{path}"


def public_ip(name: str) -> str:
    return network(f"publicIPAddresses/{name}")


def _slots(n: int) -> list[dict[str, Any]]:
    return [{"name": "staging", "port": 101 + n}, {"name": "beta", "port": 201 + n}]
