"""Who serves what share of a site, as its router and its slots stand now."""

from slipway.local.azure.servings import Serving
from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.routers import Routers
from slipway.local.azure.sites.store import SlotName


def shares_of(site: str, plant: Plant, routers: Routers) -> list[Serving]:
    """Production first. A slot in which nothing runs is left out: its requests find nobody."""
    rerouted = routers.in_effect(site)
    shares = [(1.0 - sum(share for share, _ in rerouted), SlotName(site)), *rerouted]
    return [
        Serving(
            crew.played.service, crew.played.version, round(share, 6), crew.instances, crew.played.faults, slot.slot
        )
        for share, slot in shares
        if share > 0 and (crew := plant.crew(slot)) is not None
    ]


def alone(name: SlotName, plant: Plant) -> list[Serving]:
    """Who serves those who go to the slot itself."""
    crew = plant.crew(name)
    if crew is None:
        return []
    return [Serving(crew.played.service, crew.played.version, 1.0, crew.instances, crew.played.faults, name.slot)]
