"""Routing rules of a site: `experiments.rampUpRules` in its `config/web` (azure-mgmt-web, api 2025-05-01).

A rule counts by where it points, whatever its name: users of a slot do not ask who sent them there. A write replaces
the list, and there is no etag: rules to other slots are read just before and sent along.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from slipway.adapters.app_service.site import Place, Sites
from slipway.adapters.azure_errors import AzureProblem, explain

_GRAIN_PERCENT = Decimal("0.01")
_SAME_PERCENT = 0.005  # Azure may keep a percentage as a shorter float


@dataclass(frozen=True)
class Rules:
    """What a site's list holds: `ours` are the rules to our slot, by whomever. In REST's form."""

    ours: tuple[dict[str, Any], ...]
    others: tuple[dict[str, Any], ...]

    @property
    def percent(self) -> float:
        """What they send to the slot together; 0 without any."""
        return sum(float(rule.get("reroutePercentage") or 0.0) for rule in self.ours)

    @property
    def share(self) -> float:
        """The same as a share (0..1), as exact as hundredths of a percent are."""
        return round(self.percent / 100, 6)

    @property
    def names_of_others(self) -> tuple[str, ...]:
        return tuple(str(rule.get("name")) for rule in self.others)

    def say(self, percent: float) -> bool:
        """Whether the slot gets this percentage; 0 means that there is no rule to it."""
        if not percent:
            return not self.ours
        return bool(self.ours) and math.isclose(self.percent, percent, abs_tol=_SAME_PERCENT)


def percent_of(share: float) -> float:
    """A share (0..1) in percent, down to hundredths: never more than asked for. Raises ValueError beyond 0..1."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share of a whole")
    return float((Decimal(repr(share)) * 100).quantize(_GRAIN_PERCENT, ROUND_DOWN))


class RoutingRules:
    """Reads and small writes. Raises AzureProblem."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    def read(self, place: Place) -> Rules:
        from azure.core.exceptions import AzureError

        try:
            web_apps = self._sites.arm(place).client.web_apps
            config = web_apps.get_configuration(place.group, place.name, retry_total=2, retry_status=0)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error
        listed = [rule.as_dict() for rule in (config.experiments and config.experiments.ramp_up_rules) or ()]
        return self._sorted_out(place, listed) if listed else Rules((), ())

    def write(self, place: Place, percent: float, host: str, others: tuple[dict[str, Any], ...]) -> None:
        """One rule to the slot, whose `host` it is, in place of all to it; 0 percent leaves it out."""
        from azure.core.exceptions import AzureError

        ours = {"name": _free_name(place, others), "actionHostName": host, "reroutePercentage": percent}
        rules = [*others, ours] if percent else list(others)
        body: Any = {"properties": {"experiments": {"rampUpRules": rules}}}
        try:
            self._sites.arm(place).client.web_apps.update_configuration(place.group, place.name, body, retry_total=0)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error

    def remove(self, place: Place) -> bool:
        """Take every rule to the slot away; False when there was none. May be repeated."""
        rules = self.read(place)
        if not rules.ours:
            return False
        self.write(place, 0.0, "", rules.others)
        return True

    def _sorted_out(self, place: Place, listed: list[dict[str, Any]]) -> Rules:
        host = self._sites.idle_side(place).host.lower()
        ours = [str(rule.get("actionHostName") or "").lower() == host for rule in listed]
        return Rules(
            tuple(rule for rule, is_ours in zip(listed, ours, strict=True) if is_ours),
            tuple(rule for rule, is_ours in zip(listed, ours, strict=True) if not is_ours),
        )


def _free_name(place: Place, others: tuple[dict[str, Any], ...]) -> str:
    """The slot's, unless somebody has given it to a rule to another slot: names must differ."""
    taken = [str(rule.get("name")).lower() for rule in others]
    return place.slot if place.slot.lower() not in taken else f"{place.slot}-release"
