"""Secrets from a key vault (azure-keyvault-secrets; REST `GET /secrets/{name}`), by name, never by value.

What was read is kept for 15 minutes in this process's memory. For the first minute the vault is not asked again;
after that it is, and what is kept serves while the vault cannot answer. A refusal is an answer: what is kept
under that name is forgotten.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.adapters import clock, patience
from slipway.adapters.azure_errors import AzureProblem, FaultKind, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.errors import SlipwayError
from slipway.promotion.rights.catalogue import SECRETS
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

FRESH = timedelta(minutes=1)
KEPT = timedelta(minutes=15)


@dataclass(frozen=True)
class _Kept:
    """A secret as the vault gave it. Its value stays out of every `repr`, and so out of logs."""

    value: str = field(repr=False)
    read_at: datetime
    not_before: datetime | None
    expires_on: datetime | None


_kept: dict[tuple[str, str], _Kept] = {}
_ever_read: dict[str, set[str]] = {}  # by name


def ever_read(names: Iterable[str]) -> set[str]:
    """The values, old ones too, under which this process has read these secrets. One that it has not read yet is read
    now, if it can be."""
    for name in names:
        if name not in _ever_read:
            with suppress(SlipwayError):
                Secrets().read(name)
    return {value for values in _ever_read.values() for value in values}


class Secrets:
    """The vault that SLIPWAY_VAULT names. `now` is the clock."""

    def __init__(self, settings_: Settings | None = None, now: Callable[[], datetime] = clock.now) -> None:
        self._settings = settings_ or settings()
        self._now = now

    def read(self, name: str) -> str:
        """The value of the secret's newest version.

        Raises SlipwayError: SECRET_MISSING, SECRET_DISABLED, SECRET_NOT_YET_VALID, SECRET_EXPIRED; AzureProblem
        when the vault refuses us (AZURE_DENIED), or cannot answer and nothing is kept.
        """
        key = (self._settings.needed("vault"), name)
        kept = _kept.get(key)
        now = self._now()
        if kept is None or now - kept.read_at >= FRESH:
            try:
                kept = _kept[key] = self._fetched(name)
            except AzureProblem as problem:
                if kept is None or now - kept.read_at >= KEPT or not _away(problem):
                    _kept.pop(key, None)
                    raise
            except SlipwayError:
                _kept.pop(key, None)
                raise
        # The vault hands out secrets before and after their time: the dates are ours to check.
        if kept.not_before and now < kept.not_before:
            raise SlipwayError("SECRET_NOT_YET_VALID", f"the secret {name} is not valid before {kept.not_before}")
        if kept.expires_on and now >= kept.expires_on:
            words = f"the secret {name} expired on {kept.expires_on}; put a new version into the key vault"
            raise SlipwayError("SECRET_EXPIRED", words)
        return kept.value

    def forget(self, name: str) -> None:
        """Whoever it was shown to does not accept it: the vault is asked when it is read next."""
        _kept.pop((self._settings.needed("vault"), name), None)

    def _fetched(self, name: str) -> _Kept:
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        try:
            found = _client(self._settings).get_secret(name)
        except ResourceNotFoundError as error:
            raise SlipwayError("SECRET_MISSING", f"the key vault has no secret {name}, or it was deleted") from error
        except AzureError as error:
            if _is_disabled(error):
                raise SlipwayError("SECRET_DISABLED", f"the secret {name} is disabled in the key vault") from error
            raise AzureProblem(explain(error, SECRETS)) from error
        properties = found.properties
        _ever_read.setdefault(name, set()).add(found.value or "")
        return _Kept(found.value or "", self._now(), properties.not_before, properties.expires_on)


def sendable(name: str, value: str) -> str:
    """The value, when it can be sent as a header: visible ASCII with blanks only within (RFC 9110 §5.5). Raises
    SlipwayError SECRET_UNUSABLE."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        words = f"the secret {name} cannot be sent as a header: it is empty, or holds more than printable ASCII"
        raise SlipwayError("SECRET_UNUSABLE", words)
    return value


def _away(problem: AzureProblem) -> bool:
    return problem.fault.kind in (FaultKind.UNAVAILABLE, FaultKind.UNKNOWN, FaultKind.THROTTLED)


def _is_disabled(error: Exception) -> bool:
    """Key Vault answers 403 for a disabled secret as for a missing right; its inner code tells them apart."""
    said = getattr(error, "error", None)
    inner: Any = getattr(said, "innererror", None) or {}
    return inner.get("code") == "SecretDisabled" or "disabled secret" in str(getattr(said, "message", ""))


@once_per_process
def _client(settings_: Settings) -> "SecretClient":
    from azure.keyvault.secrets import SecretClient

    # The SDK gives its token only to a host below the one that the challenge names. An authority of our own
    # means that the vault is not at one of Azure's addresses; then the certificate alone says who it is.
    own_authority = {"verify_challenge_resource": False} if settings_.ca_file else {}
    return SecretClient(
        settings_.needed("vault"),
        credential(settings_.client_id),
        connection_timeout=patience.VAULT_S,
        read_timeout=patience.VAULT_S,
        retry_total=1,  # the operation that asked comes again; it waits better than a thread
        **own_authority,
        **settings_.client_options,
    )
