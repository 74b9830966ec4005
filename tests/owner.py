"""The owner of all that the stand-in holds: whoever prepares a test, and is no part of Slipway.

A managed identity of its own, beside the one whose rights are those of the roles.
"""

import time
from typing import Any

import requests
from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient

from slipway.adapters.credentials import credential
from tests.laptop import AzureStandin


class Owner:
    """A credential, as the SDKs take it."""

    def __init__(self, azure: AzureStandin) -> None:
        self._ready = azure.ready

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if "owner_header" not in self._ready:  # of a real subscription: whoever runs the tests
            return credential().get_token(*scopes)
        resource = scopes[0].removesuffix("/.default")
        header = {"X-IDENTITY-HEADER": str(self._ready["owner_header"])}
        answer = requests.get(self._ready["msi_endpoint"], params={"resource": resource}, headers=header, timeout=30)
        answer.raise_for_status()
        return AccessToken(answer.json()["access_token"], int(time.time()) + 3600)


def vault_of(azure: AzureStandin) -> SecretClient:
    """Its vault, to put secrets into."""
    ca = str(azure.settings.ca_file)
    return SecretClient(azure.url, Owner(azure), verify_challenge_resource=False, connection_verify=ca)


def change(azure: AzureStandin, id: str, body: dict[str, Any]) -> str:
    """A resource is changed by hand: where to follow that, empty when it is done."""
    return _sent(azure, "PATCH", id, body).headers.get("azure-asyncoperation", "")


def resource(azure: AzureStandin, id: str) -> dict[str, Any]:
    """A resource as it is."""
    found: dict[str, Any] = _sent(azure, "GET", id).json()
    return found


def _sent(azure: AzureStandin, method: str, id: str, body: dict[str, Any] | None = None) -> requests.Response:
    token = Owner(azure).get_token("https://management.azure.com/.default").token
    answer = requests.request(
        method,
        f"{azure.url}{id}",
        json=body,
        params={"api-version": "2026-09-01"},
        headers={"Authorization": f"Bearer {token}"},
        verify=str(azure.settings.ca_file),
        timeout=30,
    )
    answer.raise_for_status()
    return answer
