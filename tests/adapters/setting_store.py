"""Settings in the stand-in's store, as somebody beside Slipway writes them."""

from dataclasses import dataclass

import requests

from slipway.adapters.configuration.store import Configuration
from tests.laptop import AzureStandin

SECRET = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"


@dataclass(frozen=True)
class SettingStore:
    azure: AzureStandin

    def put(self, key: str, value: str, label: str, content_type: str | None = None) -> None:
        body = {"key": key, "label": label, "value": value, "content_type": content_type}
        self._session().post(f"{self.azure.url}/standin/settings", json=body, timeout=30).raise_for_status()

    def delete(self, key: str, label: str) -> None:
        where = {"key": key, "label": label}
        self._session().delete(f"{self.azure.url}/standin/settings", params=where, timeout=30).raise_for_status()

    @property
    def seen(self) -> Configuration:
        return Configuration(self.azure.settings)

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.verify, session.trust_env = str(self.azure.settings.ca_file), False
        return session
