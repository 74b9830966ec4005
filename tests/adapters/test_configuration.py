"""A release's settings through the real SDK: fixed as a snapshot, and looked at later."""

import secrets

import pytest

from slipway.adapters.configuration.client import client_of
from slipway.adapters.configuration.fixing import Fixing
from slipway.adapters.configuration.store import Configuration
from slipway.promotion.outcomes import Answer
from slipway.promotion.release_parts.configuration import ConfigurationPlan, KeptConfiguration, Place
from tests.adapters.setting_store import SECRET, SettingStore
from tests.laptop import AzureStandin

REFERENCE = '{"uri":"https://vault.example/secrets/database"}'


@pytest.fixture
def store(azure: AzureStandin) -> SettingStore:
    return SettingStore(azure)


@pytest.fixture
def place(store: SettingStore) -> Place:
    """Three settings of a version that no other test has, and others beside them."""
    found = ConfigurationPlan("{version}", "checkout:*").place(
        "checkout", f"2.0.0-{secrets.token_hex(4)}", "production"
    )
    for number in range(2):
        store.put(f"checkout:limit-{number}", str(number), found.label)
    store.put("checkout:database", REFERENCE, found.label, SECRET)
    store.put("catalog:limit", "9", found.label)
    store.put("checkout:limit-0", "another version's", f"{found.label}.1")
    return found


def fixing(azure: AzureStandin) -> Fixing:
    return Fixing(Configuration(azure.settings))


def fix(azure: AzureStandin, place: Place, service: str = "checkout") -> Answer:
    for _ in range(10):
        answer = fixing(azure).fix(place, service)
        if not answer.running:
            return answer
    raise AssertionError(answer)


def fixed(azure: AzureStandin, place: Place) -> KeptConfiguration:
    answer = fix(azure, place)
    assert answer.state == "passed", answer
    return KeptConfiguration.load(answer.result)


def test_settings_are_kept_as_a_snapshot_once_and_no_value_is_told(
    azure: AzureStandin, store: SettingStore, place: Place
) -> None:
    answer = fix(azure, place)
    kept = KeptConfiguration.load(answer.result)
    assert (kept.settings, kept.references, kept.snapshot) == (3, 1, f"checkout-{place.label}")
    assert "vault.example" not in str(answer) and "vault.example" not in repr(store.seen.settings(place))
    assert fixed(azure, place) == kept
    assert {each.key for each in store.seen.in_snapshot(kept.snapshot)} == {
        "checkout:database",
        "checkout:limit-0",
        "checkout:limit-1",
    }


def test_a_label_without_settings_is_named(azure: AzureStandin) -> None:
    answer = fix(azure, Place("9.9.9-none", "checkout:*", "checkout-9.9.9-none"))
    assert (answer.state, answer.code) == ("broken", "CONFIGURATION_MISSING") and "9.9.9-none" in answer.words


def test_settings_that_change_after_they_were_fixed_are_refused_by_key_until_they_are_put_back(
    azure: AzureStandin, store: SettingStore, place: Place
) -> None:
    kept = fixed(azure, place)
    store.put("checkout:limit-1", "a-credential", place.label)
    answer = fix(azure, place)
    assert (answer.state, answer.code) == ("broken", "CONFIGURATION_CHANGED")
    assert "checkout:limit-1" in answer.words and "a-credential" not in str(answer)
    look = fixing(azure).look(kept)
    assert look.result["state"] == "changed" and "checkout:limit-1" in look.words and kept.snapshot in look.words
    store.put("checkout:limit-1", "1", place.label)
    assert fixed(azure, place) == kept and fixing(azure).look(kept).result["state"] == "same"


def test_the_name_of_a_snapshot_that_somebody_else_made_of_other_settings_is_taken(
    azure: AzureStandin, store: SettingStore, place: Place
) -> None:
    from azure.appconfiguration import ConfigurationSettingsFilter

    of_another = [ConfigurationSettingsFilter(key="catalog:*", label=place.label)]
    client_of(azure.settings).begin_create_snapshot(place.snapshot, of_another, polling_interval=0).result()
    answer = fix(azure, place)
    assert (answer.state, answer.code) == ("broken", "SNAPSHOT_TAKEN") and place.snapshot in answer.words


def test_two_services_whose_names_and_labels_read_the_same_are_told_which_it_is(
    azure: AzureStandin, store: SettingStore
) -> None:
    version = secrets.token_hex(4)
    first = ConfigurationPlan("api-{version}").place("checkout", version, "production")
    second = ConfigurationPlan("{version}").place("checkout-api", version, "production")
    assert first.snapshot == second.snapshot
    for place in (first, second):
        store.put("limit", place.label, place.label)
    assert fix(azure, first).state == "passed"
    answer = fix(azure, second, "checkout-api")
    assert (answer.state, answer.code) == ("broken", "SNAPSHOT_TAKEN")
    assert "checkout has a snapshot of the name" in answer.words and "of checkout-api otherwise" in answer.words


def test_a_snapshot_that_somebody_made_of_the_same_settings_will_do(azure: AzureStandin, place: Place) -> None:
    from azure.appconfiguration import ConfigurationSettingsFilter

    same = [ConfigurationSettingsFilter(key=place.key_filter, label=place.label)]
    client_of(azure.settings).begin_create_snapshot(place.snapshot, same, polling_interval=0).result()
    assert fixed(azure, place).settings == 3


def test_an_archived_snapshot_is_brought_back_so_that_it_does_not_end(azure: AzureStandin, place: Place) -> None:
    kept = fixed(azure, place)
    client_of(azure.settings).archive_snapshot(kept.snapshot)
    found = Configuration(azure.settings).snapshot(kept.snapshot)
    assert found and found.status == "archived"
    look = fixing(azure).look(kept)
    assert look.result["state"] == "same" and "is archived, and ends" in look.words
    assert fixed(azure, place) == kept
    found = Configuration(azure.settings).snapshot(kept.snapshot)
    assert found and found.status == "ready" and found.service == "checkout"


def test_settings_that_are_gone_are_said_to_be_in_the_snapshot(
    azure: AzureStandin, store: SettingStore, place: Place
) -> None:
    kept = fixed(azure, place)
    for key in ("checkout:limit-0", "checkout:limit-1", "checkout:database"):
        store.delete(key, place.label)
    look = fixing(azure).look(kept)
    assert look.result["state"] == "gone" and f"the snapshot {kept.snapshot} has them" in look.words


def test_more_settings_than_a_page_holds_are_all_in_the_fingerprint(azure: AzureStandin, store: SettingStore) -> None:
    label = f"3.0.0-{secrets.token_hex(4)}"
    for number in range(130):
        store.put(f"many:{number}", "x", label)
    place = Place(label, "many:*", f"many-{label}")
    kept = fixed(azure, place)
    assert kept.settings == 130
    store.put("many:99", "y", label)
    assert fix(azure, place).code == "CONFIGURATION_CHANGED"
