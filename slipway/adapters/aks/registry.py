"""The way of a cluster's command into an Azure container registry: a token that Helm logs in with.

A command's pod has the rights of no node, so a chart in a registry of Azure's cannot be read there without. Our
identity asks the registry for a token of three hours; it travels in a file of the command, never in its text.
"""

from typing import Any
from urllib.parse import urlencode

from slipway.adapters import patience
from slipway.adapters.aks.clusters import asked_for
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain_response
from slipway.adapters.credentials import credential
from slipway.promotion.rights.catalogue import REGISTRIES
from slipway.settings import Settings

AZURES = (".azurecr.io", ".azurecr.cn", ".azurecr.us")
_SCOPE = "https://containerregistry.azure.net/.default"


def token_for(host: str, settings_: Settings) -> str:
    """A refresh token of the registry at that host. Raises AzureProblem."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import RetryPolicy
    from azure.core.rest import HttpRequest

    ours = credential(settings_.client_id).get_token(_SCOPE).token
    registry = settings_.registry_endpoint.replace("{registry}", host)
    form = urlencode({"grant_type": "access_token", "service": host, "access_token": ours})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = HttpRequest("POST", f"{registry}/oauth2/exchange", headers=headers, content=form)
    policies = [RetryPolicy(retry_total=2, retry_status=0, retry_backoff_factor=0.2)]
    waits: dict[str, Any] = {"connection_timeout": patience.CONNECT_S, "read_timeout": patience.READ_S}
    with PipelineClient(registry, policies=policies, **waits, **settings_.client_options) as client:
        answer = asked_for(lambda: client.send_request(request))
        if answer.status_code >= 400:
            raise AzureProblem(explain_response(answer, REGISTRIES))
        told = asked_for(answer.json)
    token = told.get("refresh_token") if isinstance(told, dict) else None
    if not token:
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "NoToken", f"{host} gave no token for our identity"))
    return str(token)
