"""`/standin/front-door`: what tests and demos tell the Front Doors, and see of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.front_door.changes import Changes
from slipway.local.azure.front_door.edge import Edge, Looks, chances
from slipway.local.azure.front_door.store import FrontDoorStore
from slipway.local.azure.front_door.told import ToldHealth


class TellFrontDoor(BaseModel):
    """Any of these, for the profile:

    `propagation_s`, `operation_s`: what all changes need from now on. `next_propagation_s`: the next change alone.
    `never`: so many of the next changes never come to the edge, until `settle` brings all that was accepted there.
    `failing`: so many of the next operations fail. `origin` (as `{origin group}/{origin}`) and `health`: what its
    probes find from now on; `real` is the truth.
    """

    model_config = ConfigDict(extra="forbid")
    profile: str
    propagation_s: float | None = Field(default=None, ge=0)
    operation_s: float | None = Field(default=None, ge=0)
    next_propagation_s: float | None = Field(default=None, ge=0)
    never: int | None = Field(default=None, ge=0)
    failing: int | None = Field(default=None, ge=0)
    settle: bool = False
    origin: str | None = None
    health: Literal["healthy", "unhealthy", "real"] | None = None


class FrontDoorControl:
    """`edge` and `looks` are what the edge of a profile knows now."""

    PATH = "/standin/front-door"

    def __init__(
        self,
        store: FrontDoorStore,
        changes: Changes,
        told: ToldHealth,
        edge: Callable[[str, datetime], Edge],
        looks: Callable[[str], Looks],
        now: Now,
    ) -> None:
        self._store = store
        self._changes = changes
        self._told = told
        self._edge = edge
        self._looks = looks
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.show), web.post(self.PATH, self.tell)]

    async def tell(self, request: web.Request) -> web.Response:
        """204; 400 for what no profile could do."""
        try:
            told = TellFrontDoor.model_validate_json(await request.read())
            times = self._changes.times[told.profile]
            if told.origin is not None or told.health is not None:
                self._tell_health(told)
        except (ValidationError, KeyError, ValueError) as error:
            return web.Response(status=400, text=str(error))
        for name in ("propagation_s", "operation_s", "next_propagation_s", "never", "failing"):
            if (value := getattr(told, name)) is not None:
                setattr(times, name, value)
        if told.settle:
            self._store.settle(told.profile)
        return web.Response(status=204)

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response({profile: self._shown(profile) for profile in self._changes.times})

    def _tell_health(self, told: TellFrontDoor) -> None:
        group, _, origin = (told.origin or "").lower().partition("/")
        path = f"origingroups/{group}/origins/{origin}"
        if path not in self._store.accepted(told.profile) or told.health is None:
            raise ValueError(f"origin and health go together, and {told.origin!r} is no {{origin group}}/{{origin}}")
        healthy = {"healthy": True, "unhealthy": False, "real": None}[told.health]
        self._told.tell(told.profile, path, self._now(), healthy)

    def _shown(self, profile: str) -> dict[str, Any]:
        """What its edge does now, and when it has all that was accepted (None: never, as things are)."""
        edge, looks = self._edge(profile, self._now()), self._looks(profile)
        settled = self._store.settled_at(profile)
        return {
            "settled_at": stamp(settled) if settled else None,
            "origin_groups": {
                group.path.partition("/")[2]: {
                    origin.path.rpartition("/")[2]: {
                        "share": round(share, 6),
                        "healthy": looks.well(group, origin),
                        "latency_ms": round(looks.latency_ms(group, origin), 3),
                        "enabled": origin.enabled,
                        "weight": origin.weight,
                    }
                    for origin in group.origins
                    for share in [chances(group, looks).get(origin, 0.0)]
                }
                for group in edge.groups.values()
            },
        }
