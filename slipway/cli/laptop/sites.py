"""The web sites that a pipeline releases to, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from slipway.cli.laptop.layout import Layout
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from slipway.promotion.plan import PromotionPlan

SERVICE, PRODUCTION = "checkout", "production"


@dataclass(frozen=True)
class Site:
    """One target of one environment, and its public address."""

    environment: str
    target: str
    url: str


def sites_of(plan: PromotionPlan, addresses: Mapping[str, str]) -> list[Site]:
    """Each target's site, in the plan's order; `addresses` are the stand-in's, by name of the site. What the laptop
    does not hold is left out."""
    return [
        Site(stage.environment, target.name, addresses[name])
        for stage in plan.stages
        for target in stage.targets
        if (name := target.resource.rsplit("/", 1)[-1]) in addresses
    ]


def shipped_sites(layout: Layout, addresses: Mapping[str, str], service: str = SERVICE) -> list[Site]:
    """The sites of the pipeline that the checkout ships for the service."""
    text = (layout.root / "pipelines" / f"{service}.yaml").read_text(encoding="utf-8")
    return sites_of(compile_plan(read_pipeline(text, f"{service}.yaml"), digest_of(text)), addresses)


def all_shipped_sites(layout: Layout, addresses: Mapping[str, str]) -> list[Site]:
    """Those of all shipped pipelines, that of `SERVICE` first."""
    services = sorted(
        (file.stem for file in (layout.root / "pipelines").glob("*.yaml")), key=lambda each: each != SERVICE
    )
    return [site for service in services for site in shipped_sites(layout, addresses, service)]


def users_go_to(sites: list[Site]) -> list[str]:
    """The addresses in production."""
    return [site.url for site in sites if site.environment == PRODUCTION]


def versions(sites: list[Site]) -> dict[Site, str]:
    """What each site answers to `GET /version` right now; why not, where it does not."""
    with httpx.Client(timeout=5.0, trust_env=False) as http:
        return {site: _version(http, site) for site in sites}


def _version(http: httpx.Client, site: Site) -> str:
    try:
        reply = http.get(f"{site.url}/version").raise_for_status()
        return str(reply.json()["version"])
    except httpx.HTTPStatusError as error:
        return f"answers {error.response.status_code}"
    except httpx.TransportError as error:
        return f"no answer ({type(error).__name__})"
