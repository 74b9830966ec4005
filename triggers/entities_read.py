"""What the durable entities say, read and not asked: a promotion's decisions, and locks."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import azure.durable_functions as df

from slipway.promotion.ids import decisions_key, environment_key
from slipway.promotion.plan import StagePlan


async def decisions_of(client: df.DurableOrchestrationClient, promotion: str) -> dict[str, Any]:
    """The state of the promotion's decisions; empty when there is none yet."""
    return await _state(client, "decisions", decisions_key(promotion))


async def lock_of(client: df.DurableOrchestrationClient, environment: str, service: str) -> dict[str, Any]:
    """The state of the lock of a service in an environment; empty when nobody asked for it so far."""
    return await _state(client, "environment", environment_key(environment, service))


async def locks_of(
    client: df.DurableOrchestrationClient, environments: Iterable[str], service: str
) -> dict[str, dict[str, Any]]:
    """The same of several environments at once, one query each."""
    names = list(dict.fromkeys(environments))
    states = await asyncio.gather(*(lock_of(client, name, service) for name in names))
    return dict(zip(names, states, strict=True))


async def member_locks_of(
    client: df.DurableOrchestrationClient, stages: Sequence[StagePlan]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The same of the members of groups, and of services that have to be live first, by environment and service."""
    named = [(stage.environment, service) for stage in stages for service in stage.members]
    named += [(after.environment, after.service) for stage in stages for after in stage.after]
    return await locks_at(client, named)


async def locks_at(
    client: df.DurableOrchestrationClient, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The same by environment and service."""
    named = list(dict.fromkeys(places))
    states = await asyncio.gather(*(lock_of(client, *place) for place in named))
    return dict(zip(named, states, strict=True))


async def _state(client: df.DurableOrchestrationClient, entity: str, key: str) -> dict[str, Any]:
    found = await client.read_entity_state(df.EntityId(entity, key))
    state: dict[str, Any] = (found.entity_state or {}) if found.entity_exists else {}
    return state
