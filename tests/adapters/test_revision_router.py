"""The weights of a container app's revisions through the official SDK: set, read back, and changed by others."""

from math import sqrt

from slipway.promotion.outcomes import Outcome
from slipway.promotion.port_values import Split
from tests.adapters.container_app import NEW, App, Follow, app, moved, weight
from tests.laptop import AzureStandin

__all__ = ["app", "moved"]


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
