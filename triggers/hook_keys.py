"""Who calls a web hook: a CI system, by a key of its own or by its signature. Never a person, and never more than that.

The secrets lie in the key vault; the settings name them. Comparisons take as long whatever is wrong.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.secrets import Secrets
from slipway.promotion.errors import SlipwayError
from slipway.settings import settings

KEY_HEADER, SIGNATURE_HEADER = "X-Slipway-Key", "X-Hub-Signature-256"
_SCHEME = "sha256="


class HookRefused(SlipwayError):
    """The key or signature is missing or wrong. Answered as 401."""

    challenge = 'Basic realm="slipway"'


class HookNotConfigured(SlipwayError):
    """Nobody can be let in: there is no secret to compare with. Answered as 503."""


# Anybody may call a hook: what the vault does not have is not asked for again at each call.
_ASK_AGAIN = timedelta(minutes=1)
_not_there: dict[str, tuple[datetime, str]] = {}  # when, and in which words


def check_key(headers: Mapping[str, str]) -> None:
    """Azure DevOps: the key as the password of HTTP basic, whatever the name, or in the header X-Slipway-Key.

    Raises HookRefused HOOK_KEY_WRONG, HookNotConfigured HOOK_NOT_CONFIGURED, or AzureProblem of the vault.
    """
    secret = _secret(settings().azure_devops_hook_secret, "SLIPWAY_AZURE_DEVOPS_HOOK_SECRET")
    given = (headers.get(KEY_HEADER, "").encode(errors="replace"), _password(headers.get("Authorization", "")))
    if not any(hmac.compare_digest(each, secret) for each in given):
        words = "the key of this hook is missing or wrong; send it as the password of basic authentication"
        raise HookRefused("HOOK_KEY_WRONG", f"{words}, or in the header {KEY_HEADER}")


def check_signature(headers: Mapping[str, str], body: bytes) -> None:
    """GitHub: `X-Hub-Signature-256` is the HMAC of the body as it came.

    Raises HookRefused HOOK_SIGNATURE_WRONG, HookNotConfigured HOOK_NOT_CONFIGURED, or AzureProblem of the vault.
    """
    secret = _secret(settings().github_hook_secret, "SLIPWAY_GITHUB_HOOK_SECRET")
    right = _SCHEME + hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get(SIGNATURE_HEADER, "").encode(errors="replace"), right.encode()):
        words = f"{SIGNATURE_HEADER} is missing, or not of this body and the hook's secret"
        raise HookRefused("HOOK_SIGNATURE_WRONG", words)


def _secret(name: str, variable: str) -> bytes:
    if not name:
        words = f"{variable} is not set: it names the hook's secret in the vault"
        raise HookNotConfigured("HOOK_NOT_CONFIGURED", words)
    at, words = _not_there.get(name, (clock.now(), ""))
    if words and clock.now() - at < _ASK_AGAIN:
        raise HookNotConfigured("HOOK_NOT_CONFIGURED", words)
    try:
        return _read(name)
    except HookNotConfigured as refusal:
        _not_there[name] = (clock.now(), refusal.words)
        raise


def _read(name: str) -> bytes:
    try:
        secret = Secrets().read(name)
    except AzureProblem:
        raise
    except SlipwayError as error:
        words = f"the hook's secret cannot be used: {error.words}"
        raise HookNotConfigured("HOOK_NOT_CONFIGURED", words) from error
    if not secret.strip():
        raise HookNotConfigured("HOOK_NOT_CONFIGURED", f"the secret {name} in the key vault is empty")
    return secret.encode()


def _password(authorization: str) -> bytes:
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
