"""The key vault through the official client."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from tests.azure_standin.standin import StandinProcess


@pytest.fixture(scope="module")
def standin(untouched: StandinProcess) -> StandinProcess:
    return untouched


@pytest.fixture
def vault(standin: StandinProcess) -> Iterator[SecretClient]:
    with standin.vault() as client:
        yield client


def test_a_configured_secret_is_there_with_a_value_that_nobody_wrote_down(
    vault: SecretClient, standin: StandinProcess
) -> None:
    value = vault.get_secret("probe-key").value
    assert value and len(value) >= 40
    state = Path(str(standin.told["ca"])).parent
    with closing(sqlite3.connect(state / "vault.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM secrets WHERE name = 'probe-key'").fetchone() == (1,)
    others = [file for file in state.rglob("*") if file.is_file() and not file.name.startswith("vault.sqlite")]
    assert others and not [file for file in others if value.encode() in file.read_bytes()]


def test_the_newest_version_answers_and_old_ones_stay(vault: SecretClient) -> None:
    first = vault.set_secret("rolled", "one", content_type="text/plain", tags={"owner": "tests"})
    vault.set_secret("rolled", "two")
    assert vault.get_secret("rolled").value == "two"
    old = vault.get_secret("ROLLED", first.properties.version)
    assert (old.value, old.properties.tags, old.properties.content_type) == ("one", {"owner": "tests"}, "text/plain")
    assert old.properties.vault_url and old.properties.created_on


def test_an_expired_secret_is_handed_out_all_the_same_with_its_date(vault: SecretClient) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
    vault.set_secret("stale", "old", expires_on=yesterday, not_before=yesterday)
    found = vault.get_secret("stale")
    assert (found.value, found.properties.expires_on, found.properties.not_before) == ("old", yesterday, yesterday)


def test_a_disabled_secret_is_refused_until_it_is_enabled_again(vault: SecretClient) -> None:
    vault.set_secret("off", "hidden", enabled=False)
    with pytest.raises(HttpResponseError) as refused:
        vault.get_secret("off")
    assert refused.value.status_code == 403 and refused.value.error is not None
    assert "disabled" in str(refused.value.error.message)
    vault.update_secret_properties("off", enabled=True)
    assert vault.get_secret("off").value == "hidden"


def test_a_deleted_secret_is_gone_and_its_name_taken(vault: SecretClient) -> None:
    vault.set_secret("gone", "x")
    assert vault.begin_delete_secret("gone") is not None
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("gone")
    with pytest.raises(ResourceExistsError):
        vault.set_secret("gone", "y")


def test_what_was_never_there_is_missing(vault: SecretClient) -> None:
    with pytest.raises(ResourceNotFoundError) as missing:
        vault.get_secret("nothing")
    assert missing.value.error is not None and missing.value.error.code == "SecretNotFound"


def test_a_request_without_a_token_hears_where_to_get_one(standin: StandinProcess) -> None:
    with standin.http() as http:
        answer = http.get("/secrets/probe-key")
        assert answer.status_code == 401
        assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]
        assert f"/{standin.told['tenant']}" in answer.headers["WWW-Authenticate"]
        storage = standin.credential().get_token("https://storage.azure.com/.default").token
        assert http.get("/secrets/probe-key", headers={"Authorization": f"Bearer {storage}"}).status_code == 401
        mine = standin.credential().get_token("https://vault.azure.net/.default").token
        badly_named = http.get("/secrets/no_underscores", headers={"Authorization": f"Bearer {mine}"})
        assert (badly_named.status_code, badly_named.json()["error"]["code"]) == (400, "BadParameter")


def test_secrets_survive_a_kill(standin: StandinProcess, vault: SecretClient) -> None:
    vault.set_secret("kept", "through the night")
    drawn = vault.get_secret("probe-key").value
    standin.kill()
    standin.start()
    assert vault.get_secret("kept").value == "through the night"
    assert vault.get_secret("probe-key").value == drawn
