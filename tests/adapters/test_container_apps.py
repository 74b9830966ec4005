"""Container Apps through the official SDK: a revision for a version, and all of the traffic."""

from typing import Any

import pytest
import requests

from slipway.adapters.container_apps import ContainerApps, RevisionRouter
from slipway.local.azure.artifacts import build_package
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.port_values import Split
from tests.adapters.container_app import NEW, App, Follow, app, moved, now, weight
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE

__all__ = ["app", "moved"]


def test_an_image_becomes_a_revision_without_users_and_live_by_a_swap(moved: App) -> None:
    assert moved.versions == ("1.0.0", None)
    answer = moved.deploy(NEW)
    assert answer.outcome is Outcome.PASSED and answer.result["revision"] == "moved--v2-0-0"
    state = moved.service.read_live(moved.target)
    assert (state.production_version, state.idle_version) == ("1.0.0", NEW)
    assert state.idle_address == answer.result["address"] != state.production_address
    assert moved.met(40) == {"1.0.0": 40}

    swapped = moved.swap(NEW)
    assert swapped.outcome is Outcome.PASSED, swapped
    assert moved.versions == (NEW, "1.0.0") and moved.met(40) == {NEW: 40}
    assert "already gives" in moved.swap(NEW).words

    assert moved.swap("1.0.0").outcome is Outcome.PASSED
    assert moved.versions == ("1.0.0", NEW) and moved.met(40) == {"1.0.0": 40}


def test_a_revision_that_was_stopped_is_woken_for_the_way_back(moved: App) -> None:
    moved.deploy("2.1.0")
    for _ in range(2):
        assert moved.service.stop_idle(moved.target, "2.1.0").outcome is Outcome.PASSED
    found = moved.apps.revision(moved.place, "moved--v2-1-0")
    older = moved.apps.revision(moved.place, "moved--v2-0-0")
    assert found is not None and not found.active and older is not None and older.active
    assert moved.swap("2.1.0").outcome is Outcome.PASSED
    assert moved.versions[0] == "2.1.0"
    assert moved.service.stop_idle(moved.target, "2.1.0").words == "moved: 2.1.0 does not run idle"
    assert moved.swap("1.0.0").outcome is Outcome.PASSED


def test_only_the_revision_of_the_version_is_stopped(moved: App) -> None:
    """Somebody may have brought a newer one since."""
    moved.deploy("2.2.0")
    moved.deploy("2.3.0")
    moved.stop("2.2.0")
    active = moved.active
    assert "moved--v2-2-0" not in active and {"moved--v1-0-0", "moved--v2-3-0"} <= active
    assert moved.service.stop_idle(moved.target, "2.9.0").outcome is Outcome.PASSED
    assert moved.active == active
    moved.stop("2.3.0")


def test_a_release_from_before_slipway_is_returned_to(azure: AzureStandin, until_ended: Follow) -> None:
    """Its revision has a name that we have not given."""
    older = App(azure, "older", until_ended)
    older.deploy(NEW)
    assert older.swap(NEW).outcome is Outcome.PASSED
    assert older.versions == (NEW, "1.0.0")
    back = older.swap("1.0.0")
    assert back.outcome is Outcome.PASSED, back
    assert older.versions == ("1.0.0", NEW) and older.met(20) == {"1.0.0": 20}


def test_revisions_that_no_way_back_needs_are_stopped_by_the_next_deployment(
    azure: AzureStandin, until_ended: Follow
) -> None:
    many = App(azure, "many", until_ended)
    for version in ("2.0.0", "3.0.0", "4.0.0"):
        assert many.deploy(version).outcome is Outcome.PASSED
        assert many.swap(version).outcome is Outcome.PASSED
    assert many.active == {"many--v2-0-0", "many--v3-0-0", "many--v4-0-0"}, "before 4.0.0 was live 2.0.0 had a use"
    many.write(weight("many--v4-0-0", 100), {"revisionName": "many--v2-0-0", "label": "kept", "weight": 0})
    many.deploy("5.0.0")
    assert many.active == {"many--v2-0-0", "many--v3-0-0", "many--v4-0-0", "many--v5-0-0"}, "labels are people's"
    assert many.swap("5.0.0").outcome is Outcome.PASSED
    assert many.versions == ("5.0.0", "4.0.0"), "and the way back is not what has a label"


@pytest.fixture
def returning(azure: AzureStandin, until_ended: Follow) -> App:
    """NEW is live, 1.0.0 is the way back."""
    it = App(azure, "back", until_ended)
    assert it.deploy(NEW).outcome is Outcome.PASSED
    assert it.swap(NEW).outcome is Outcome.PASSED
    return it


def test_a_way_back_that_somebody_stopped_is_found_and_woken(returning: App) -> None:
    returning.apps.deactivate(returning.place, "back--v1-0-0")
    assert returning.versions == (NEW, "1.0.0"), "nothing answers there, but its image says so"
    taken = returning.split(0.0)
    assert taken.outcome is Outcome.PASSED and taken.result["share"] == 1.0, taken
    assert returning.swap("1.0.0").outcome is Outcome.PASSED
    assert returning.versions[0] == "1.0.0" and returning.met(20) == {"1.0.0": 20}


def test_a_way_back_that_somebody_labelled_is_returned_to(returning: App) -> None:
    returning.write(weight("back--v2-0-0", 100), {"revisionName": "back--v1-0-0", "label": "stable", "weight": 0})
    taken = returning.split(0.0)
    assert taken.outcome is Outcome.PASSED and taken.result["share"] == 1.0, taken
    assert returning.swap("1.0.0").outcome is Outcome.PASSED
    assert returning.met(20) == {"1.0.0": 20}


def test_a_revision_that_crashed_is_found_stopped_and_tried_anew(moved: App) -> None:
    version = "3.5.0-crash"
    assert moved.deploy(version).code == "DEPLOYMENT_FAILED"
    assert moved.versions == ("1.0.0", version), "nothing answers there, but its image says so"
    moved.stop(version)
    mended = build_package("checkout", "3.5.0")
    package = moved.azure.package(version)
    requests.put(package, data=mended, verify=str(moved.azure.settings.ca_file), timeout=5).raise_for_status()
    assert moved.deploy(version).outcome is Outcome.PASSED
    moved.stop(version)


def test_deploying_what_is_there_already_is_a_no_op_that_says_so(app: App) -> None:
    app.azure.fault("PATCH", "/containerApps/apart", answer={"status": 500})
    again = app.start_deployment(NEW)
    assert again.outcome is Outcome.PASSED and "already there" in again.words
    assert len(app.azure.faults_left()) == 1, "nobody wrote"


def test_another_image_under_the_versions_name_is_refused(app: App) -> None:
    answer = app.start_deployment(NEW, f"{IMAGE}:2.0.1")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "IDLE_HOLDS_ANOTHER")


@pytest.mark.parametrize(
    ("version", "image", "words"),
    [("3.0.0-crash", "", "Container crashing"), ("3.1.0", "elsewhere.example/x:3.1.0", "Failed to pull image")],
)
def test_a_revision_that_cannot_run_fails_in_azures_words(moved: App, version: str, image: str, words: str) -> None:
    answer = moved.deploy(version, image)
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED") and words in answer.words
    assert ("DATABASE_URL" in answer.log) == ("crash" in version)
    split = moved.split(0.1, version)
    assert (split.outcome, split.code) == (Outcome.BROKEN, "REVISION_NOT_READY")
    assert moved.met(20) == {"1.0.0": 20}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"drop": "after"}, "not known"),
        ({"drop": "before"}, "not known"),
        ({"answer": {"status": 503}}, "not available"),
        ({"answer": {"status": 429, "headers": {"Retry-After": "7"}}}, "slow down"),
        ({"answer": {"status": 409, "body": {"error": {"code": "ContainerAppOperationInProgress"}}}}, "under way"),
    ],
)
def test_what_may_pass_is_tried_again_and_done_once(app: App, fault: dict[str, Any], words: str) -> None:
    app.azure.fault("PATCH", "/containerApps/apart", **fault)
    answer = app.start(0.3)
    assert answer.running and answer.handle == {"kind": "intended", "operation": "op:split"} and words in answer.words
    assert answer.after_s >= (7 if "slow down" in words else 1)
    assert app.ended(answer, 0.3).outcome is Outcome.PASSED
    assert app.split_now == Split(0.3)

    version = f"4.0.{len(app.apps.revisions(app.place))}"
    app.azure.fault("PATCH", "/containerApps/apart", **fault)
    started = app.start_deployment(version)
    assert started.running and started.handle["kind"] == "intended" and words in started.words
    assert app.deployed(started, version).outcome is Outcome.PASSED


def test_only_the_version_that_answers_is_made_live(app: App) -> None:
    missing = app.swap("9.9.9")
    assert (missing.outcome, missing.code) == (Outcome.BROKEN, "IDLE_HOLDS_ANOTHER")
    mislabelled = build_package("checkout", "7.0.1")
    package = app.azure.package("7.0.0")
    requests.put(package, data=mislabelled, verify=str(app.azure.settings.ca_file), timeout=5).raise_for_status()
    assert app.deploy("7.0.0").outcome is Outcome.PASSED
    answer = app.swap("7.0.0")
    assert answer.code == "IDLE_HOLDS_ANOTHER" and "answers 7.0.1, not 7.0.0" in answer.words
    assert app.versions[0] == "1.0.0"


def test_a_target_that_is_no_container_app_is_broken(azure: AzureStandin) -> None:
    answer = RevisionRouter(azure.settings).start_split(azure.target("plain"), NEW, 0.1, "op", False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED")
    answer = ContainerApps(azure.settings).start_deployment(azure.app("none"), f"{IMAGE}:1", "op", now(), False, "1")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_MISSING")


def test_a_revision_is_stopped_and_started_and_gone_back_to(azure: AzureStandin, until_ended: Follow) -> None:
    it = App(azure, "behind", until_ended)
    assert it.deploy("2.0.0").outcome is Outcome.PASSED and it.swap("2.0.0").outcome is Outcome.PASSED

    def stopped(version: str = "1.0.0", live: str = "2.0.0") -> Answer:
        return it.service.stop_old_side(it.target, version, live)

    assert not stopped(live="1.0.0").result["stopped"] and not stopped("1.5.0").result["stopped"]
    assert [stopped().result["stopped"] for _ in range(2)] == [True, True]
    assert it.active == {"behind--v2-0-0"} and it.met(20) == {"2.0.0": 20}
    assert it.service.read_live(it.target).idle_version == "1.0.0", "it is still found"
    first = it.service.start_idle(it.target, "1.0.0", "2.0.0")
    assert first.running and "activated" in first.words
    started = it.follow(lambda _: it.service.start_idle(it.target, "1.0.0", "2.0.0"), first)
    assert started.outcome is Outcome.PASSED and it.swap("1.0.0").outcome is Outcome.PASSED
    assert it.met(20) == {"1.0.0": 20}
    assert it.service.start_idle(it.target, "2.0.0", "2.0.0").code == "NOT_LIVE"
