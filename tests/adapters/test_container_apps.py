"""Container Apps through the official SDK: a revision for a version, its share, and all of it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from math import sqrt
from typing import Any

import aiohttp
import pytest
import requests

from slipway.adapters.container_apps import ContainerApps, RevisionRouter
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.local.azure.artifacts import build_package
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.port_values import Split
from tests.laptop import IMAGE, AzureStandin

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
NEW = "2.0.0"


def now() -> datetime:
    return datetime.now(UTC)


class App:
    """A container app, driven as the activities drive it."""

    def __init__(self, azure: AzureStandin, name: str, follow: Follow) -> None:
        self.azure = azure
        self.name = name
        self.target = azure.app(name)
        self.service = ContainerApps(azure.settings, settle_s=0.3)
        self.router = RevisionRouter(azure.settings, settle_s=0.3)
        self.apps, self.place = Apps(azure.settings), place_of(self.target)
        self.follow = follow

    def start_deployment(self, version: str, image: str = "") -> Answer:
        package = image or f"{IMAGE}:{version}"
        return self.service.start_deployment(self.target, package, "op", now(), False, version)

    def deployed(self, answer: Answer, version: str) -> Answer:
        return self.follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), answer)

    def deploy(self, version: str, image: str = "") -> Answer:
        return self.deployed(self.start_deployment(version, image), version)

    def start(self, share: float, version: str = NEW) -> Answer:
        return self.router.start_split(self.target, version, share, "op:split", False)

    def split(self, share: float, version: str = NEW) -> Answer:
        return self.ended(self.start(share, version), share, version)

    def ended(self, answer: Answer, share: float, version: str = NEW) -> Answer:
        return self.follow(lambda last: self.router.poll_split(self.target, last.handle, version, share), answer)

    def swap(self, version: str, intent_at: datetime | None = None) -> Answer:
        started = self.service.start_swap(self.target, version, "op:swap", intent_at or now(), False)
        return self.follow(lambda last: self.service.poll_swap(self.target, last.handle, version), started)

    def stop(self, version: str) -> None:
        assert self.service.stop_idle(self.target, version).outcome is Outcome.PASSED

    @property
    def active(self) -> set[str]:
        return {each.name for each in self.apps.revisions(self.place) if each.active}

    @property
    def split_now(self) -> Split:
        return self.router.read_split(self.target, NEW)

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    def write(self, *traffic: dict[str, Any]) -> None:
        """Somebody else's write of the traffic, and its end."""
        self.apps.change(self.place, {"configuration": {"ingress": {"traffic": list(traffic)}}})
        while self.apps.app(self.place).in_progress:
            pass

    def met(self, requests: int) -> Counter[str]:
        return asyncio.run(_met(self.azure.ready["sites"][self.name], requests))


async def _met(address: str, requests: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    async with aiohttp.ClientSession() as users:

        async def user(visits: int) -> None:
            for _ in range(visits):
                async with users.get(f"{address}/cart") as answer:
                    seen[answer.headers["x-version"]] += 1

        await asyncio.gather(*(user(requests // 20) for _ in range(20)))
    return seen


def weight(revision: str, percent: int) -> dict[str, Any]:
    return {"revisionName": revision, "weight": percent}


@pytest.fixture
def app(azure: AzureStandin, until_ended: Follow) -> App:
    """1.0.0 live alone, and NEW beside it."""
    it = App(azure, "apart", until_ended)
    assert it.deploy(NEW).outcome is Outcome.PASSED
    if it.split_now != Split(0.0):
        it.write(weight("apart--v1-0-0", 100))
    return it


@pytest.fixture
def moved(azure: AzureStandin, until_ended: Follow) -> App:
    """An app for tests that change what is live."""
    return App(azure, "moved", until_ended)


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


def test_a_share_is_set_and_taken_away_in_whole_percent(app: App) -> None:
    for share, set_to in ((0.05, 0.05), (0.257, 0.25), (0.001, 0.01), (1.0, 1.0), (0.0, 0.0)):
        answer = app.split(share)
        assert answer.outcome is Outcome.PASSED and answer.result == {"share": set_to, "others": []}, answer
        assert app.split_now == Split(set_to)


def test_users_meet_the_share_that_was_set(app: App) -> None:
    share, requests = 0.1, 2000
    app.split(share)
    seen = app.met(requests)
    assert seen.total() == requests and set(seen) == {"1.0.0", NEW}
    # Five standard deviations: once in two million runs beyond it by chance.
    assert abs(seen[NEW] - share * requests) < 5 * sqrt(requests * share * (1 - share))


def test_the_live_side_is_read_past_the_draw(app: App) -> None:
    app.split(0.4)
    assert {app.versions[0] for _ in range(10)} == {"1.0.0"}


def test_weights_of_others_stay_and_are_named(app: App) -> None:
    app.deploy("5.0.0")
    app.deploy(NEW)
    app.write(weight("apart--v1-0-0", 80), weight("apart--v5-0-0", 20))
    assert app.split(0.3).result == {"share": 0.3, "others": ["apart--v5-0-0"]}
    assert app.split_now == Split(0.3, others=("apart--v5-0-0",))
    answer = app.split(0.9)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED") and "80 % together" in answer.words
    assert app.split(0.0).result == {"share": 0.0, "others": ["apart--v5-0-0"]}


def test_an_update_under_way_is_said_and_awaited(app: App) -> None:
    written = app.start(0.2)
    assert written.running and app.split_now.in_progress
    other = app.router.start_split(app.target, NEW, 0.5, "another", False)
    assert other.running and other.handle["kind"] == "intended" and "under way" in other.words
    assert app.ended(written, 0.2).outcome is Outcome.PASSED


def test_weights_that_azure_accepts_and_does_not_keep_are_broken_in_the_end(app: App) -> None:
    app.azure.fault("PATCH", "/containerApps/apart", answer={"status": 202, "body": {"properties": {}}})
    answer = app.split(0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED") and "0 %, not 10 %" in answer.words


def test_what_somebody_else_changes_is_seen(app: App) -> None:
    app.split(0.1)
    app.write(weight("apart--v1-0-0", 40), weight("apart--v2-0-0", 60))
    assert app.split_now == Split(0.6, others=())


def test_a_missing_right_is_named(app: App) -> None:
    action = "Microsoft.App/containerApps/write"
    denied = {"error": {"code": "AuthorizationFailed", "message": f"not allowed to perform action '{action}'"}}
    app.azure.fault("PATCH", "/containerApps/apart", answer={"status": 403, "body": denied})
    answer = app.start(0.1)
    assert (answer.outcome, answer.code) == (
        Outcome.BROKEN,
        "ROUTER_REFUSED",
    ) and f"lacks the action {action}" in answer.words


def test_the_live_release_takes_all_back_in_the_middle_of_a_ramp(app: App) -> None:
    app.split(0.3)
    assert app.swap("1.0.0").outcome is Outcome.PASSED
    assert app.split_now == Split(0.0) and app.met(20) == {"1.0.0": 20}


def test_a_revision_that_is_stopped_or_deployed_again_has_no_users(moved: App) -> None:
    moved.deploy("8.0.0")
    moved.split(0.3, "8.0.0")
    answer = moved.deploy("8.0.0")
    assert answer.outcome is Outcome.PASSED and moved.met(40) == {"1.0.0": 40}
    moved.split(0.3, "8.0.0")
    stopped = moved.service.stop_idle(moved.target, "8.0.0")
    assert stopped.running and "taken away first" in stopped.words
    moved.follow(lambda _: moved.service.stop_idle(moved.target, "8.0.0"), stopped)
    found = moved.apps.revision(moved.place, "moved--v8-0-0")
    assert found is not None and not found.active and moved.met(40) == {"1.0.0": 40}


def test_single_mode_is_refused_and_stays(azure: AzureStandin, until_ended: Follow) -> None:
    alone = App(azure, "alone", until_ended)
    answers = [alone.start(0.1), alone.start_deployment(NEW)]
    assert [(each.outcome, each.code) for each in answers] == [(Outcome.BROKEN, "REVISION_MODE_SINGLE")] * 2
    assert alone.apps.app(alone.place).single and alone.met(20) == {"1.0.0": 20}
    assert alone.split(0.0).outcome is Outcome.PASSED, "an undo has nothing to take back"


def test_traffic_for_whichever_is_latest_is_refused(app: App) -> None:
    app.write({"latestRevision": True, "weight": 100})
    answers = [app.start(0.1), app.start_deployment("6.0.0")]
    assert {each.code for each in answers} == {"LATEST_REVISION_PINNED"}
    assert app.apps.revision(app.place, "apart--v6-0-0") is None
    app.write(weight("apart--v1-0-0", 100))


def test_a_release_that_is_met_as_the_latest_has_less_at_once_and_no_more(moved: App) -> None:
    version = "10.0.0"
    assert moved.deploy(version).outcome is Outcome.PASSED
    assert moved.split(0.25, version).outcome is Outcome.PASSED
    moved.write(weight("moved--v1-0-0", 40), {"latestRevision": True, "weight": 60})
    assert moved.router.read_split(moved.target, version) == Split(0.6)
    assert moved.start(0.7, version).code == "LATEST_REVISION_PINNED"
    assert moved.start_deployment("10.1.0").code == "LATEST_REVISION_PINNED"
    assert moved.split(0.25, version).result == {"share": 0.25, "others": []}
    moved.write(weight("moved--v1-0-0", 40), weight("moved--v10-0-0", 30), {"latestRevision": True, "weight": 30})
    assert moved.router.read_split(moved.target, version) == Split(0.6)
    back = moved.split(0.0, version)
    assert back.outcome is Outcome.PASSED and back.result == {"share": 0.0, "others": []}, back
    assert moved.met(40) == {"1.0.0": 40} and not moved.apps.app(moved.place).weights.follows_latest
    moved.stop(version)


def test_a_release_that_has_all_as_the_latest_is_left_by_the_version_before(moved: App) -> None:
    version = "11.0.0"
    assert moved.deploy(version).outcome is Outcome.PASSED
    moved.write({"latestRevision": True, "weight": 100})
    assert moved.start(0.1, "1.0.0").code == "LATEST_REVISION_PINNED"
    assert moved.split(0.0, version).outcome is Outcome.PASSED
    assert moved.swap(version).code == "LATEST_REVISION_PINNED"
    assert moved.swap("1.0.0").outcome is Outcome.PASSED
    assert moved.met(40) == {"1.0.0": 40} and not moved.apps.app(moved.place).weights.follows_latest
    moved.stop(version)


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
