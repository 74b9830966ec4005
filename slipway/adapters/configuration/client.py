"""The client of the App Configuration store that SLIPWAY_APP_CONFIGURATION names."""

from typing import TYPE_CHECKING

from slipway.adapters import patience
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient

ROLE = "App Configuration Data Owner"


@once_per_process
def client_of(settings_: Settings) -> "AzureAppConfigurationClient":
    from azure.appconfiguration import AzureAppConfigurationClient

    return AzureAppConfigurationClient(
        settings_.needed("app_configuration"),
        credential(settings_.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        retry_total=0,  # the operation that asked comes again, and looks first
        **settings_.client_options,
    )
