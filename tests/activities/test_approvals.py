"""What an approval is sealed to, as the activity sees it: settings and flags on the real SDK, people in their file."""

import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.promotion.plain import plain
from slipway.promotion.release_parts.configuration import Place
from slipway.settings import settings
from tests.adapters.flag_store import FlagStore, targeting
from tests.adapters.setting_store import SettingStore
from tests.app_host import ALICE_OID, AppHost
from tests.conftest import PEOPLE
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")


def look(app: AppHost, **order: Any) -> dict[str, Any]:
    answer = app.activity("look_at_sealed", {"promotion": "checkout--1.1.0", **order})
    assert answer.state == "passed", answer
    return answer.result


def test_settings_are_another_part_when_one_changes_and_the_same_when_it_is_put_back(
    app: AppHost, azure: AzureStandin
) -> None:
    store, label = SettingStore(azure), f"1.1.0-{secrets.token_hex(4)}"
    place = plain(Place(label, "checkout:*", f"checkout-{label}"))
    store.put("checkout:limit", "10", label)
    first = look(app, place=place)
    store.put("checkout:limit", "11", label)
    assert look(app, place=place) != first
    store.put("checkout:limit", "10", label)
    assert look(app, place=place) == first
    assert "10" not in first and "checkout:limit" not in str(first), "no value leaves the store"


def test_flags_are_another_part_when_one_is_switched_or_gone(app: AppHost, azure: AzureStandin) -> None:
    store, name = FlagStore(azure), f"banner-{secrets.token_hex(4)}"
    flags = [{"name": name, "label": ""}, {"name": "nowhere", "label": ""}]
    store.put(name, targeting(name, 20), label="")
    first = look(app, flags=flags)
    assert look(app, flags=flags) == first
    store.put(name, targeting(name, 30), label="")
    assert look(app, flags=flags) != first


def test_a_store_that_is_away_is_asked_again_and_one_that_refuses_says_so(app: AppHost, azure: AzureStandin) -> None:
    order = {"promotion": "checkout--1.1.0", "place": plain(Place("1.1.0", "*", "s"))}
    azure.fault("GET", "/kv", answer={"status": 429, "headers": {"retry-after-ms": "4000"}})
    assert app.activity("look_at_sealed", order).running
    azure.fault("GET", "/kv", answer={"status": 403})
    assert app.activity("look_at_sealed", order).code == "AZURE_DENIED"


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        ({"roles": ["reader"]}, ["role:release-manager"]),
        ({"roles": ["release-manager"], "groups": []}, ["group:team-checkout"]),
        ({"roles": ["release-manager"]}, []),
        ({}, []),
    ],
    ids=["role gone", "group gone", "as it was", "the file says nothing of that"],
)
def test_the_file_of_people_takes_claims_away_and_gives_none(
    app: AppHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: dict[str, Any], taken: list[str]
) -> None:
    people = {"people": [{"oid": ALICE_OID, **listed}]}
    path = tmp_path / "people.yaml"
    path.write_text(yaml.safe_dump(people))
    monkeypatch.setenv("SLIPWAY_PEOPLE", str(path))
    settings.cache_clear()
    voters = [{"oid": oid, "claims": ["role:release-manager", "group:team-checkout"]} for oid in (ALICE_OID, "oid-x")]
    assert look(app, voters=voters)["taken"] == ({ALICE_OID: taken} if taken else {})


def test_the_laptops_people_hold_what_their_tokens_say(app: AppHost) -> None:
    people = yaml.safe_load(Path(PEOPLE).read_text())["people"]
    voters = [{"oid": each["oid"], "claims": [f"role:{role}" for role in each["roles"]]} for each in people]
    assert look(app, voters=voters)["taken"] == {}
