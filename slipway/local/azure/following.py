"""Who serves the users of a name that leads to other front ends: they follow those, and what the name says.

In virtual time traffic is drawn and nobody asks a resolver, so drawn users follow a change at once.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from slipway.local.azure.clock import Now
from slipway.local.azure.servings import Servings

# The front ends that a name leads to, by their names, each with its share (0..1).
Leads: TypeAlias = Callable[[], dict[str, float]]


class Following:
    """`leads` by the names of front ends."""

    def __init__(self, servings: Servings, now: Now) -> None:
        self._servings = servings
        self._now = now
        self._leads: dict[str, Leads] = {}
        servings.heard = self._changed

    def follow(self, name: str, leads: Leads) -> None:
        """From now on whenever somebody else serves where it leads."""
        self._leads[name] = leads
        self.note(name)

    def note(self, name: str) -> None:
        """Say who serves the users of the name now."""
        shares = self._leads[name]().items()
        served = [
            replace(each, share=each.share * share, site=each.site or site)
            for site, share in shares
            for each in self._servings.serving_at(site, self._now())
        ]
        self._servings.note(name, served)

    def _changed(self, site: str) -> None:
        for name, leads in self._leads.items():
            if name != site and site in leads():
                self.note(name)
