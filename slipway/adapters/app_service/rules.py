"""Routing rules of a site: `experiments.rampUpRules` in its `config/web` (azure-mgmt-web, api 2025-05-01).

A write replaces the list, and there is no etag: rules that are not ours are read just before and sent along.
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
    """What a site's list holds: our rule is the one named after the slot. In REST's form."""

    ours: dict[str, Any] | None
    others: tuple[dict[str, Any], ...]

    @property
    def percent(self) -> float:
        """What our rule sends to the slot; 0 without one."""
        return float(self.ours.get("reroutePercentage") or 0.0) if self.ours else 0.0

    @property
    def share(self) -> float:
        """The same as a share (0..1), as exact as hundredths of a percent are."""
        return round(self.percent / 100, 6)

    @property
    def names_of_others(self) -> tuple[str, ...]:
        return tuple(str(rule.get("name")) for rule in self.others)

    def say(self, percent: float) -> bool:
        """Whether our rule has this percentage; 0 means that there is none."""
        if not percent:
            return self.ours is None
        return self.ours is not None and math.isclose(self.percent, percent, abs_tol=_SAME_PERCENT)


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
        return _rules(config, place)

    def write(self, place: Place, percent: float, host: str, others: tuple[dict[str, Any], ...]) -> None:
        """`host` is the slot's; 0 percent leaves our rule out."""
        from azure.core.exceptions import AzureError

        ours = {"name": place.slot, "actionHostName": host, "reroutePercentage": percent}
        rules = [*others, ours] if percent else list(others)
        body: Any = {"properties": {"experiments": {"rampUpRules": rules}}}
        try:
            self._sites.arm(place).client.web_apps.update_configuration(place.group, place.name, body, retry_total=0)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error

    def remove(self, place: Place) -> bool:
        """Take our rule away; False when there was none. May be repeated."""
        rules = self.read(place)
        if rules.ours is None:
            return False
        self.write(place, 0.0, "", rules.others)
        return True


def _rules(config: Any, place: Place) -> Rules:
    listed = [rule.as_dict() for rule in (config.experiments and config.experiments.ramp_up_rules) or ()]
    ours = next((rule for rule in listed if rule.get("name") == place.slot), None)
    return Rules(ours, tuple(rule for rule in listed if rule is not ours))
