"""Settings in the stand-in's store, as somebody beside Slipway writes them."""

from dataclasses import dataclass

from slipway.adapters.configuration.client import client_of
from slipway.adapters.configuration.store import Configuration
from tests.laptop import AzureStandin

SECRET = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"


@dataclass(frozen=True)
class SettingStore:
    azure: AzureStandin

    def put(self, key: str, value: str, label: str, content_type: str | None = None) -> None:
        from azure.appconfiguration import ConfigurationSetting

        setting = ConfigurationSetting(key=key, value=value, label=label, content_type=content_type)
        client_of(self.azure.settings).set_configuration_setting(setting)

    def delete(self, key: str, label: str) -> None:
        client_of(self.azure.settings).delete_configuration_setting(key, label)

    @property
    def seen(self) -> Configuration:
        return Configuration(self.azure.settings)
