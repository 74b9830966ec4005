"""A group for tests: `suite`, of `api`, `web` and `worker`, each with a version of its own."""

from collections.abc import Mapping
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.groups import GroupPlan
from slipway.promotion.plan import StagePlan, Target
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

BEFORE = {"api": "1.4.1", "web": "3.0.0", "worker": "0.9.0"}
AFTER = {"api": "1.4.2", "web": "3.0.1", "worker": "1.0.0"}
LEVELS = (("api",), ("web", "worker"))  # who calls comes after whom it calls
PRODUCTION = "production"


def a_world(**changes: Any) -> World:
    """One target for each member, named as it is."""
    return World({name: Sides(live=version) for name, version in BEFORE.items()}, **changes)


def a_group(version: str = "2026.48", members: Mapping[str, str] = AFTER, **changes: Any) -> Build:
    return a_build(version, service="suite", members=dict(members), **changes)


def a_group_stage(
    name: str = PRODUCTION, levels: tuple[tuple[str, ...], ...] = LEVELS, needs: tuple[str, ...] = (), **changes: Any
) -> StagePlan:
    """A stage with a target for each member that the levels name."""
    targets = tuple(target_of(member) for level in levels for member in level)
    names = [target.name for target in targets]
    packages = dict.fromkeys(names, "https://artifacts/{service}-{version}.zip")
    return a_stage(
        name, needs, targets=targets, group=GroupPlan(levels, {each: each for each in names}, packages), **changes
    )


def target_of(member: str) -> Target:
    kind, slot = ("app-service", "staging") if member == "web" else ("container-apps", "")
    return Target(member, kind, f"/resources/{member}", slot)


def a_member_stage(member: str, **changes: Any) -> StagePlan:
    """Production of a member's own pipeline, with the same target."""
    return a_stage(PRODUCTION, targets=(target_of(member),), **changes)


def live(world: World) -> dict[str, str]:
    return {name: site.live for name, site in world.sites.items()}


async def locks(flow: Workflow, *services: str, environment: str = PRODUCTION) -> dict[str, dict[str, Any]]:
    """The states of the locks there, of all that a group of `suite` takes unless told otherwise."""
    asked = services or ("api", "suite", "web", "worker")
    return {each: await flow.entity("environment", f"{environment}--{each}") for each in asked}


async def check_free(flow: Workflow, *services: str, environment: str = PRODUCTION) -> None:
    """Nobody holds any of the locks, waits for it or is announced there."""
    for service, lock in (await locks(flow, *services, environment=environment)).items():
        left = {key: lock[key] for key in ("holder", "queue", "announced", "broken") if lock.get(key)}
        assert not left, f"{service}: {left}"
