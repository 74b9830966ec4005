"""The client of the App Configuration store that SLIPWAY_APP_CONFIGURATION names, and what it is asked."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slipway.adapters import patience
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.rights.catalogue import FLAGS
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient


@once_per_process
def client_of(settings_: Settings) -> "AzureAppConfigurationClient":
    from azure.appconfiguration import AzureAppConfigurationClient

    from slipway.adapters.data_policy import DataPolicy

    return AzureAppConfigurationClient(
        settings_.needed("app_configuration"),
        credential(settings_.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        retry_total=0,  # the operation that asked comes again, and looks first
        per_retry_policies=[DataPolicy("App Configuration")],
        **settings_.client_options,
    )


def asked(settings_: Settings, ask: Callable[["AzureAppConfigurationClient"], Any]) -> Any:
    """What the store answers; preconditions that failed and what is not there are the caller's to understand. Raises
    AzureProblem for all else."""
    from azure.core.exceptions import AzureError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

    try:
        return ask(client_of(settings_))
    except (ResourceModifiedError, ResourceExistsError, ResourceNotFoundError):
        raise
    except AzureError as error:
        raise AzureProblem(explain(error, FLAGS)) from error
