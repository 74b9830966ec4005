"""Settings in the store, as somebody beside Slipway writes them."""

from dataclasses import dataclass
from functools import cached_property

from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting

from slipway.adapters.configuration.store import Configuration
from tests.laptop import AzureStandin
from tests.owner import Owner

SECRET = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"


@dataclass(frozen=True)
class SettingStore:
    azure: AzureStandin

    def put(self, key: str, value: str, label: str, content_type: str | None = None) -> None:
        setting = ConfigurationSetting(key=key, value=value, label=label, content_type=content_type)
        self._client.set_configuration_setting(setting)

    def delete(self, key: str, label: str) -> None:
        self._client.delete_configuration_setting(key, label)

    @cached_property
    def _client(self) -> AzureAppConfigurationClient:
        settings = self.azure.settings
        return AzureAppConfigurationClient(settings.app_configuration, Owner(self.azure), **settings.client_options)

    @property
    def seen(self) -> Configuration:
        return Configuration(self.azure.settings)
