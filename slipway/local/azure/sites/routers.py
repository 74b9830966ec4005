"""Routing rules of production sites (`experiments.rampUpRules`): what was accepted, and what is in effect.

The front ends follow an accepted change after `delay_s`, or never while their site is frozen.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.sites.store import SlotName

SELF = "self"  # as Azure calls production in its cookie and query

SCHEMA = "CREATE TABLE IF NOT EXISTS ramp_up_rules (site TEXT PRIMARY KEY, rules TEXT NOT NULL);"


class RulesRefused(Exception):
    """Why these rules cannot be."""


class RampUpRule(BaseModel):
    """A rule as Resource Manager has it. One that would change its share by itself is not served here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    action_host_name: str = Field(alias="actionHostName")
    reroute_percentage: float = Field(alias="reroutePercentage", ge=0, le=100)


class Drawn(NamedTuple):
    """Where a request goes, under the `name` that pins it there."""

    name: str
    slot: SlotName


class Freeze(BaseModel):
    model_config = ConfigDict(extra="forbid")
    site: str
    frozen: bool


class Routers:
    """`slots` are the sites' slots by their host names."""

    PATH = "/standin/router"

    def __init__(self, database: sqlite3.Connection, slots: Mapping[str, SlotName], delay_s: float) -> None:
        self._db = database
        self._slots = slots
        self._delay_s = delay_s
        self._frozen: set[str] = set()
        self.on_change: Callable[[str], None] = lambda _: None
        database.executescript(SCHEMA)
        # A front end that starts reads what is accepted by then.
        self._in_effect = {
            row["site"]: _parsed(row["rules"]) for row in database.execute("SELECT * FROM ramp_up_rules")
        }

    def accepted(self, site: str) -> list[dict[str, Any]]:
        """In REST's form, as they were sent."""
        row = self._db.execute("SELECT rules FROM ramp_up_rules WHERE site = ?", (site,)).fetchone()
        return list(json.loads(row["rules"])) if row else []

    def accept(self, site: str, rules: Sequence[RampUpRule]) -> None:
        """In place of those before. Raises RulesRefused."""
        for rule in rules:
            slot = self._slots.get(rule.action_host_name)
            if slot is None or slot.site != site or slot == SlotName(site):
                raise RulesRefused(f"'{rule.action_host_name}' is not the host name of a slot of site '{site}'.")
        if len({rule.name for rule in rules}) < len(rules):
            raise RulesRefused("The names of the ramp-up rules must differ.")
        if sum(rule.reroute_percentage for rule in rules) > 100:
            raise RulesRefused("The sum of the reroute percentages of all ramp-up rules must not exceed 100.")
        text = json.dumps([rule.model_dump(by_alias=True) for rule in rules])
        self._db.execute("INSERT OR REPLACE INTO ramp_up_rules (site, rules) VALUES (?, ?)", (site, text))
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._follow, site, tuple(rules))
        else:
            self._follow(site, tuple(rules))

    def in_effect(self, site: str) -> list[tuple[float, SlotName]]:
        """The share (0..1) that each slot with a rule really gets."""
        rules = self._in_effect.get(site, ())
        return [(rule.reroute_percentage / 100, self._slots[rule.action_host_name]) for rule in rules]

    def draw(self, site: str, pinned: str | None) -> Drawn | None:
        """Where a request goes that is `pinned` to a rule's name or `self`, or drawn; None without any rule."""
        rules = self._in_effect.get(site, ())
        if not rules:
            return None
        dice = random.random() * 100
        for rule in rules:
            if pinned == rule.name or (pinned is None and dice < rule.reroute_percentage):
                return Drawn(rule.name, self._slots[rule.action_host_name])
            dice -= rule.reroute_percentage
        return Drawn(SELF, SlotName(site))

    def routes(self) -> list[web.RouteDef]:
        return [web.post(self.PATH, self.freeze)]

    async def freeze(self, request: web.Request) -> web.Response:
        """`{"site", "frozen"}`: the site's front ends follow no change, or what is accepted by now."""
        try:
            asked = Freeze.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        if asked.frozen:
            self._frozen.add(asked.site)
        else:
            self._frozen.discard(asked.site)
            self._follow(asked.site, _parsed(json.dumps(self.accepted(asked.site))))
        return web.Response(status=204)

    def _follow(self, site: str, rules: tuple[RampUpRule, ...]) -> None:
        if site not in self._frozen:
            self._in_effect[site] = rules
            self.on_change(site)


def _parsed(text: str) -> tuple[RampUpRule, ...]:
    return tuple(RampUpRule.model_validate(rule) for rule in json.loads(text))
