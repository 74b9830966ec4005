"""Flags in the stand-in's store, as somebody beside Slipway sees and changes them."""

from dataclasses import dataclass
from typing import Any

import requests

from slipway.adapters.flags.store import Flags
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.setting import FlagSetting
from tests.laptop import AzureStandin


@dataclass(frozen=True)
class FlagStore:
    azure: AzureStandin

    def put(self, name: str, document: Document, label: str = "production", **more: Any) -> None:
        """Somebody else writes it, whatever it is by now."""
        body = {"name": name, "label": label, "value": document, **more}
        self._session().post(f"{self.azure.url}/standin/flags", json=body, timeout=30).raise_for_status()

    def delete(self, name: str, label: str = "production") -> None:
        where = {"name": name, "label": label}
        self._session().delete(f"{self.azure.url}/standin/flags", params=where, timeout=30).raise_for_status()

    def read(self, name: str, label: str = "production") -> FlagSetting:
        found = Flags(self.azure.settings).read(name, label)
        assert found is not None
        return found

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.verify, session.trust_env = str(self.azure.settings.ca_file), False
        return session


def targeting(name: str, percent: float = 0, enabled: bool = True, **audience: Any) -> Document:
    """A flag as the portal makes it."""
    everybody = {"Users": [], "Groups": [], "DefaultRolloutPercentage": percent, **audience}
    filters = [{"name": "Microsoft.Targeting", "parameters": {"Audience": everybody}}]
    return {
        "id": name,
        "description": "a new way to pay",
        "enabled": enabled,
        "conditions": {"client_filters": filters},
        "telemetry": {"enabled": True},
        "x-own": {"kept": [1, 2]},
    }


def variants(name: str, percent: float = 0, **more: Any) -> Document:
    allocation = {
        "default_when_enabled": "classic",
        "default_when_disabled": "classic",
        "percentile": [
            {"variant": "fast", "from": 0, "to": percent},
            {"variant": "classic", "from": percent, "to": 100},
        ],
        "seed": "spring",
    }
    named = [{"name": "classic", "configuration_value": 1}, {"name": "fast", "configuration_value": {"n": 2}}]
    return {"id": name, "enabled": True, "variants": named, "allocation": allocation, **more}
