"""Who says rollback hears what comes back with the code, and what does not."""

import secrets
from typing import Any

import pytest

from slipway.adapters.read_model import write_environment
from slipway.adapters.rows import Rows
from slipway.promotion import lock
from slipway.promotion.plain import plain
from slipway.promotion.release_parts.configuration import Place, Setting, kept
from tests.adapters.setting_store import SettingStore
from tests.laptop import AzureStandin
from tests.triggers.conftest import Underway

pytestmark = pytest.mark.usefixtures("configured")
FLAG = {"name": "banner", "label": "eu", "was": "off", "now": "on for everybody", "release": "x"}


def live(it: Underway, label: str) -> None:
    """This promotion's release serves in test; before it one whose settings were fixed."""
    fixed = plain(kept(Place(label, "checkout:*", f"checkout-{label}"), [Setting("checkout:limit", "", "1")]))
    release = {"version": it.run.build.version, "promotion": it.id, "proven": True, "changed_flags": [FLAG]}
    before: dict[str, Any] = {"version": label, "promotion": "p", "proven": True, "configuration": fixed}
    row = Rows("environments").get("test", "checkout")
    rev = int(str(row.values["rev"])) + 1 if row else 1
    write_environment("test", "checkout", {**lock.empty(), "rev": rev, "live": release, "previous": [before]})


@pytest.fixture
def label() -> str:
    return f"0.9.0-{secrets.token_hex(4)}"


def test_code_configuration_and_flags_are_named_and_what_is_left(it: Underway, azure: AzureStandin, label: str) -> None:
    SettingStore(azure).put("checkout:limit", "1", label)
    live(it, label)
    words = it.command("rollback").json["words"]
    assert f"test returns to {label}; configuration {label} as it was verified" in words
    assert "flag banner (eu) as it was before: off; not: what it changed in databases" in words


def test_settings_that_changed_are_named_and_the_code_goes_back(it: Underway, azure: AzureStandin, label: str) -> None:
    SettingStore(azure).put("checkout:limit", "a-credential", label)
    live(it, label)
    reply = it.command("rollback")
    assert reply.status == 202 and f"not: configuration {label} is not what was verified" in reply.json["words"]
    assert "a-credential" not in reply.text


def test_a_release_whose_settings_are_gone_is_not_returned_to(it: Underway, label: str) -> None:
    live(it, label)
    reply = it.command("rollback")
    assert reply.problem == (409, "CONFIGURATION_GONE") and label in reply.json["detail"]


def test_a_store_that_is_away_stops_no_rollback(it: Underway, azure: AzureStandin, label: str) -> None:
    live(it, label)
    azure.fault("GET", "/kv", answer={"status": 503})
    reply = it.command("rollback")
    assert reply.status == 202 and "could not be looked at" in reply.json["words"]
