"""Secrets from the key vault: named errors, a short memory, and no value in any word."""

import secrets as random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from azure.keyvault.secrets import SecretClient

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.secrets import Secrets
from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings
from tests.laptop import AzureStandin
from tests.owner import vault_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def vault(azure: AzureStandin) -> SecretClient:
    return vault_of(azure)


@pytest.fixture
def name() -> str:
    """A name that no other test has: what was read is kept for the whole process."""
    return f"secret-{random.token_hex(4)}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def read(azure: AzureStandin, clock: Clock) -> Callable[[str], str]:
    return Secrets(azure.settings, clock).read


def refused(read: Callable[[str], str], name: str) -> SlipwayError:
    with pytest.raises(SlipwayError) as raised:
        read(name)
    assert name in raised.value.words or isinstance(raised.value, AzureProblem)
    return raised.value


def test_the_newest_version_is_read(vault: SecretClient, read: Callable[[str], str], name: str) -> None:
    vault.set_secret(name, "one")
    vault.set_secret(name, "two")
    assert read(name) == "two"


def test_within_a_minute_the_vault_is_not_asked_again_and_after_it_is(
    vault: SecretClient, read: Callable[[str], str], name: str, clock: Clock
) -> None:
    vault.set_secret(name, "one")
    assert read(name) == "one"
    vault.set_secret(name, "two")
    clock.now += timedelta(seconds=59)
    assert read(name) == "one"
    clock.now += timedelta(seconds=1)
    assert read(name) == "two"


@pytest.mark.parametrize(
    "how", [{"answer": {"status": 500}}, {"answer": {"status": 503}}, {"answer": {"status": 429}}, {"drop": "before"}]
)
def test_what_is_kept_serves_for_15_minutes_while_the_vault_is_away(
    azure: AzureStandin,
    vault: SecretClient,
    read: Callable[[str], str],
    name: str,
    clock: Clock,
    how: dict[str, object],
) -> None:
    vault.set_secret(name, "kept")
    assert read(name) == "kept"
    azure.fault("GET", f"/secrets/{name}", times=100, **how)
    clock.now += timedelta(minutes=14, seconds=59)
    assert read(name) == "kept"
    clock.now += timedelta(seconds=1)
    assert refused(read, name).code in ("AZURE_UNAVAILABLE", "AZURE_THROTTLED", "AZURE_UNKNOWN")


def test_a_refusal_is_an_answer_and_what_was_kept_is_forgotten(
    azure: AzureStandin, vault: SecretClient, read: Callable[[str], str], name: str, clock: Clock
) -> None:
    vault.set_secret(name, "kept")
    assert read(name) == "kept"
    message = "Caller is not authorized to perform action 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"
    body = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}}
    azure.fault("GET", f"/secrets/{name}", answer={"status": 403, "body": body})
    clock.now += timedelta(minutes=2)
    denied = refused(read, name)
    assert denied.code == "AZURE_DENIED"
    assert "lacks the action Microsoft.KeyVault/vaults/secrets/getSecret/action" in denied.words
    azure.fault("GET", f"/secrets/{name}", times=100, answer={"status": 500})
    assert refused(read, name).code == "AZURE_UNAVAILABLE"


def test_missing_deleted_and_disabled_secrets_are_told_apart(
    vault: SecretClient, read: Callable[[str], str], name: str, clock: Clock
) -> None:
    assert refused(read, name).code == "SECRET_MISSING"
    vault.set_secret(name, "x", enabled=False)
    assert refused(read, name).code == "SECRET_DISABLED"
    vault.update_secret_properties(name, enabled=True)
    assert read(name) == "x"
    vault.begin_delete_secret(name)
    clock.now += timedelta(minutes=2)
    assert refused(read, name).code == "SECRET_MISSING"


def test_an_expired_secret_is_refused_although_the_vault_hands_it_out(
    vault: SecretClient, read: Callable[[str], str], name: str, clock: Clock
) -> None:
    vault.set_secret(name, "x", not_before=NOON + timedelta(seconds=10), expires_on=NOON + timedelta(seconds=30))
    assert refused(read, name).code == "SECRET_NOT_YET_VALID"
    clock.now += timedelta(seconds=10)
    assert read(name) == "x"
    clock.now += timedelta(seconds=20)
    assert refused(read, name).code == "SECRET_EXPIRED", "although it is kept"


def test_without_a_vault_the_missing_setting_is_named() -> None:
    assert "SLIPWAY_VAULT" in refused(lambda _: Secrets(Settings()).read("SLIPWAY_VAULT"), "SLIPWAY_VAULT").words
