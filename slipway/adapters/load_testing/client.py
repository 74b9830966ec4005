"""The data plane of a load testing resource (azure-developer-loadtesting, api 2022-11-01): its client and its errors.

Its host is the resource's own and never changes: Resource Manager names it. Our token goes to no other.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from slipway.adapters import patience
from slipway.adapters.app_service.arm import Arm
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.rights.catalogue import LOADS
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.developer.loadtesting import LoadTestRunClient

ARM_API_VERSION = "2022-12-01"
DATA_API_VERSION = "2022-11-01"

T = TypeVar("T")


@once_per_process
def client_of(settings: Settings, resource: str) -> "LoadTestRunClient":
    """A client for the resource with that id. Raises AzureProblem while its data plane cannot be found."""
    from azure.developer.loadtesting import LoadTestRunClient

    from slipway.adapters.data_policy import DataPolicy

    told = Arm(settings, resource.split("/")[2]).get(resource, ARM_API_VERSION).properties
    host = str(told.get("dataPlaneURI") or "").removeprefix("https://").rstrip("/")
    if not host:
        words = f"the load testing resource {resource.rpartition('/')[2]} has no data plane yet"
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "NoDataPlane", words))
    return LoadTestRunClient(
        host,
        credential(settings.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        per_retry_policies=[DataPolicy("load testing")],
        **settings.client_options,
    )


def asked(request: Callable[[], T]) -> T:
    """What a request answers. Raises AzureProblem.

    After a 401 it is sent once more: the SDK has dropped its token by then and asks for a new one. An answer that is no
    JSON says nothing of what was done.
    """
    from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

    try:
        try:
            return request()
        except HttpResponseError as error:
            if error.status_code != 401:
                raise
            return request()
    except (DecodeError, json.JSONDecodeError) as error:
        raise AzureProblem(AzureFault(FaultKind.UNKNOWN, "MalformedAnswer", "the answer is no JSON")) from error
    except AzureError as error:
        raise AzureProblem(explain(error, LOADS)) from error
