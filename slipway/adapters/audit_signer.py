"""The key that checkpoints are signed with (azure-keyvault-keys; REST `GET /keys/{name}`, `POST …/sign`).

The private half never leaves the vault. The key is asked for anew each time, so that a rotation is in effect at once.
"""

from typing import TYPE_CHECKING, Any

from slipway.adapters import patience
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.credentials import credential
from slipway.promotion.audit_keys import ALGORITHMS, public_jwk, to_base64url
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.keyvault.keys import KeyVaultKey

_ROLE = "Key Vault Crypto User"


class AuditSigner:
    """The newest version of the key that SLIPWAY_AUDIT_KEY names. Raises SlipwayError SETTING_MISSING where none is
    named, and AzureProblem when the vault refuses or cannot answer."""

    def __init__(self, settings_: Settings | None = None) -> None:
        from azure.core.exceptions import AzureError
        from azure.keyvault.keys import KeyClient, KeyVaultKeyIdentifier

        self._settings = settings_ or settings()
        named = KeyVaultKeyIdentifier(self._settings.needed("audit_key"))
        try:
            with KeyClient(named.vault_url, credential(self._settings.client_id), **self._options()) as client:
                self._key = client.get_key(named.name, named.version)
        except AzureError as error:
            raise AzureProblem(explain(error, _ROLE)) from error
        self.public = _jwk_of(self._key)

    def sign(self, digest: bytes) -> str:
        """The signature (base64url) over a SHA-256 digest."""
        from azure.core.exceptions import AzureError
        from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

        algorithm = SignatureAlgorithm(ALGORITHMS[self.public["kty"]])
        try:
            with CryptographyClient(self._key, credential(self._settings.client_id), **self._options()) as client:
                return to_base64url(client.sign(algorithm, digest).signature)
        except AzureError as error:
            raise AzureProblem(explain(error, _ROLE)) from error

    def _options(self) -> dict[str, Any]:
        # As for secrets (slipway/adapters/secrets.py): an authority of our own means a vault at another address.
        own_authority = {"verify_challenge_resource": False} if self._settings.ca_file else {}
        patient = {"connection_timeout": patience.VAULT_S, "read_timeout": patience.VAULT_S, "retry_total": 3}
        return {**patient, **own_authority, **self._settings.client_options}


def _jwk_of(key: "KeyVaultKey") -> dict[str, str]:
    """The public half. A key in an HSM has the same, under another name of its type."""
    kind = str(getattr(key.key_type, "value", key.key_type)).removesuffix("-HSM")
    curve = getattr(key.key, "crv", "")
    found = {"kid": key.id, "kty": kind, "crv": str(getattr(curve, "value", curve))}
    numbers = {name: getattr(key.key, name, None) for name in ("x", "y", "n", "e")}
    return public_jwk({**found, **{name: to_base64url(raw) for name, raw in numbers.items() if raw}})
