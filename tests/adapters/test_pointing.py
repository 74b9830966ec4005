"""Configuration by a pointer through the real SDK: fixed, shown, pointed to, and pointed back."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from slipway.adapters.configuration.client import client_of
from slipway.adapters.configuration.pointer import Pointers
from slipway.adapters.configuration.pointing import PointedConfiguration
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import PLANNED
from tests.adapters.setting_store import SECRET, SettingStore
from tests.adapters.stack import follow, now
from tests.laptop import AzureStandin
from tests.laptop_holds import SUBSCRIPTION

NUMBERS = itertools.count(1)
ELSE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.AppConfiguration/x/shop"
Settings = dict[str, str]


class Pointed:
    """The settings of a service that no other test has, driven as the activities drive it."""

    def __init__(self, azure: AzureStandin) -> None:
        self.azure, self.store = azure, SettingStore(azure)
        self.service_name = f"pointed{azure.unique}{next(NUMBERS)}"
        self.key = f"{self.service_name}/release"
        where = {"label": f"{self.service_name}-{{version}}", "key_filter": "*"}
        where |= {"snapshot": f"{self.service_name}-{{version}}", "service": self.service_name}
        settings = {"pointer": {"key": self.key, "label": "prod"}, "configuration": where}
        self.target = Target("settings", "configuration", azure.store, "", settings=settings)
        self.service = PointedConfiguration(azure.settings)

    def imports(self, version: str, settings: Settings, secret: str = "") -> None:
        for key, value in settings.items():
            self.store.put(key, value, f"{self.service_name}-{version}", SECRET if key == secret else None)

    def deploy(self, version: str) -> Answer:
        started = self.service.start_deployment(self.target, "", "op", now(), False, version)
        return follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), started)

    def planned(self, version: str) -> Target:
        found = self.deploy(version)
        assert found.outcome is Outcome.PASSED, found
        return replace(self.target, settings={**self.target.settings, PLANNED: found.result["planned"]})

    def swap(self, version: str, target: Target | None = None) -> Answer:
        to = target or self.target
        started = self.service.start_swap(to, version, "op:swap", now(), False)
        return follow(lambda last: self.service.poll_swap(to, last.handle, version), started)

    def release(self, version: str) -> None:
        answer = self.swap(version, self.planned(version))
        assert answer.outcome is Outcome.PASSED, answer

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    @property
    def pointer(self) -> Any:
        return client_of(self.azure.settings).get_configuration_setting(self.key, "prod")


@pytest.fixture
def pointed(azure: AzureStandin) -> Pointed:
    """1.0.0 is pointed to; 2.0.0 is imported."""
    it = Pointed(azure)
    it.imports(
        "1.0.0",
        {"limit": "10", "old": "yes", "password": "hunter2", "smtp": '{"pwd":"a"}', "db": '{"uri":"https://v/1"}'},
        "db",
    )
    it.release("1.0.0")
    it.imports(
        "2.0.0",
        {"limit": "20", "new": "yes", "password": "swordfish", "smtp": "none", "db": '{"uri":"https://v/2"}'},
        "db",
    )
    return it


def test_settings_are_shown_as_a_difference_then_pointed_to_and_pointed_back(pointed: Pointed) -> None:
    planned = pointed.deploy("2.0.0")
    assert planned.result["changes"].splitlines() == [
        "DELETES 1 setting; 1 to create, 4 to modify, 1 to delete, 0 unchanged",
        "- delete old",
        "~ modify db: its value changes",
        "~ modify limit: 10 → 20",
        "~ modify password: its value changes",
        "~ modify smtp: its value changes",
        "+ create new: yes",
    ]
    assert pointed.versions == ("1.0.0", None) and "swordfish" not in str(planned)
    pointed.release("2.0.0")
    assert pointed.versions == ("2.0.0", "1.0.0")
    assert pointed.pointer.value == f"{pointed.service_name}-2.0.0"
    assert pointed.swap("2.0.0").outcome is Outcome.PASSED
    assert pointed.swap("1.0.0").outcome is Outcome.PASSED
    assert pointed.versions == ("1.0.0", "2.0.0")
    assert pointed.service.stop_idle(pointed.target, "2.0.0").outcome is Outcome.PASSED
    assert pointed.service.stop_old_side(pointed.target, "2.0.0", "1.0.0").result == {"stopped": False}


def test_a_first_release_makes_the_pointer(azure: AzureStandin) -> None:
    it = Pointed(azure)
    it.imports("1.0.0", {"limit": "10"})
    assert it.versions == (None, None) and it.deploy("1.0.0").result["changes"].startswith("1 to create")
    assert it.versions == (None, None)
    it.release("1.0.0")
    assert it.versions == ("1.0.0", None)


def test_a_version_without_settings_is_named(pointed: Pointed) -> None:
    answer = pointed.deploy("3.0.0")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "CONFIGURATION_MISSING")


def test_a_pointer_that_somebody_else_moved_is_not_moved_over(pointed: Pointed) -> None:
    target = pointed.planned("2.0.0")
    pointed.store.put(pointed.key, "by-hand", "prod")
    refused = pointed.swap("2.0.0", target)
    assert (refused.outcome, refused.code) == (Outcome.BROKEN, "PLAN_CHANGED")
    assert "by-hand, which Slipway has not written there" in refused.words
    assert pointed.pointer.value == "by-hand" and pointed.versions == (None, None)
    pointed.release("2.0.0")
    assert pointed.versions == ("2.0.0", None), "what somebody wrote by hand is no release to go back to"


def test_a_plan_is_of_the_values_that_nobody_is_shown_too(pointed: Pointed) -> None:
    target = pointed.planned("2.0.0")
    changes = {"limit": "10", "old": "yes", "password": "another", "smtp": '{"pwd":"b"}', "db": '{"uri":"https://v/1"}'}
    pointed.imports("1.0.1", changes, "db")
    pointed.deploy("1.0.1")
    pointed.store.put(pointed.key, f"{pointed.service_name}-1.0.1", "prod")
    assert pointed.swap("2.0.0", target).code == "PLAN_CHANGED", "it would look the same"


def test_a_pointer_moved_by_hand_to_another_release_counts_as_that_release(pointed: Pointed) -> None:
    pointed.deploy("2.0.0")
    pointed.store.put(pointed.key, f"{pointed.service_name}-2.0.0", "prod")
    assert pointed.versions == ("2.0.0", None), "and what was before it, nobody knows"
    pointed.imports("3.0.0", {"limit": "30"})
    pointed.release("3.0.0")
    assert pointed.versions == ("3.0.0", "2.0.0"), "it served, so that is what there is to go back to"


def test_a_pointer_is_written_only_as_it_was_read(pointed: Pointed) -> None:
    pointers = Pointers(pointed.azure.settings)
    read = pointers.read(pointed.key, "prod")
    assert read
    pointed.store.put(pointed.key, "by-hand", "prod")
    assert not pointers.write(pointed.key, "prod", read, "ours", "") and pointed.pointer.value == "by-hand"
    assert not pointers.write(pointed.key, "prod", None, "ours", ""), "nor over one that was not there"


def test_a_write_between_the_look_and_ours_is_read_anew(pointed: Pointed) -> None:
    target = pointed.planned("2.0.0")
    pointed.azure.fault("PUT", "/kv/", answer={"status": 412})
    assert pointed.swap("2.0.0", target).outcome is Outcome.PASSED
    assert pointed.versions == ("2.0.0", "1.0.0") and pointed.azure.faults_left() == []


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_write_whose_answer_was_lost_is_looked_for(pointed: Pointed, drop: str) -> None:
    target = pointed.planned("2.0.0")
    pointed.azure.fault("PUT", "/kv/", drop=drop)
    assert pointed.swap("2.0.0", target).outcome is Outcome.PASSED
    assert pointed.versions == ("2.0.0", "1.0.0")


def test_what_may_pass_is_waited_for_and_what_azure_refuses_ends_it(pointed: Pointed) -> None:
    target = pointed.planned("2.0.0")
    for answer in ({"status": 429, "headers": {"retry-after-ms": "20"}}, {"status": 500}, {"status": 503}):
        pointed.azure.fault("PUT", "/kv/", answer=answer)
        pointed.azure.fault("GET", "/kv/", answer=answer)
    assert pointed.swap("2.0.0", target).outcome is Outcome.PASSED and pointed.azure.faults_left() == []
    pointed.azure.fault("PUT", "/kv/", answer={"status": 403})
    denied = pointed.swap("1.0.0")
    assert (denied.outcome, denied.code) == (Outcome.BROKEN, "AZURE_DENIED")
    assert "Microsoft.AppConfiguration/configurationStores/keyValues/read" in denied.words


def test_there_is_no_way_back_without_its_snapshot(pointed: Pointed) -> None:
    for answer in (pointed.swap("0.9.0"), pointed.service.start_idle(pointed.target, "0.9.0", "1.0.0")):
        assert (answer.outcome, answer.code) == (Outcome.BROKEN, "NOTHING_TO_RETURN_TO")
    client = client_of(pointed.azure.settings)
    client.archive_snapshot(f"{pointed.service_name}-1.0.0")
    assert pointed.service.start_idle(pointed.target, "1.0.0", "2.0.0").outcome is Outcome.PASSED
    assert client.get_snapshot(f"{pointed.service_name}-1.0.0").status == "ready", "it would have ended"


@pytest.mark.parametrize("change", [{"resource": ELSE}, {"settings": {}}])
def test_a_target_that_is_none_is_refused(azure: AzureStandin, change: dict[str, Any]) -> None:
    it = Pointed(azure)
    answer: Callable[[], Answer] = lambda: it.swap("1.0.0", replace(it.target, **change))  # noqa: E731
    assert (answer().outcome, answer().code) == (Outcome.BROKEN, "AZURE_INVALID")


def test_a_target_of_another_store_than_the_settings_name_is_refused(azure: AzureStandin) -> None:
    it = Pointed(azure)
    elsewhere = replace(azure.settings, app_configuration="https://another.azconfig.io")
    answer = PointedConfiguration(elsewhere).start_swap(it.target, "1.0.0", "op", now(), False)
    assert answer.code == "AZURE_INVALID" and "another.azconfig.io" in answer.words
