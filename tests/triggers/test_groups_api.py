"""Groups over HTTP: their builds, plans, rollbacks, reach, and what people say of a member."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.adapters.read_model import write_environment
from slipway.adapters.rows import Rows
from slipway.promotion import lock
from slipway.promotion.outcomes import iso
from tests.app_host import AppHost
from tests.triggers.conftest import ALICE, ERIN, Underway, a_message

pytestmark = pytest.mark.usefixtures("configured")
MEMBERS = {"ringed": "1.4.2", "worker": "2.0.0"}


def posted(app: AppHost, version: str, members: dict[str, str], service: str = "suite") -> Any:
    return app.http("POST", "/api/builds", ALICE, a_message(version, service=service, members=members))


@pytest.mark.parametrize(
    ("service", "members", "code"),
    [
        ("suite", {"ringed": "1.4.2"}, "MEMBER_MISSING"),
        ("suite", {**MEMBERS, "web": "1"}, "MEMBER_UNKNOWN"),
        ("checkout", MEMBERS, "MEMBER_UNKNOWN"),
    ],
)
def test_a_build_that_names_other_members_is_refused(
    app: AppHost, version: str, service: str, members: dict[str, str], code: str
) -> None:
    assert posted(app, version, members, service).problem == (422, code)


def test_the_same_version_with_other_members_is_another_build(app: AppHost, version: str) -> None:
    app.deliver(a_message(version, service="suite", members=MEMBERS))
    assert posted(app, version, MEMBERS).json["known"] is True
    assert posted(app, version, {**MEMBERS, "worker": "2.0.1"}).problem == (409, "VERSION_REUSED")


def test_a_plan_says_whose_targets_they_are_and_in_which_order(app: AppHost) -> None:
    shown = app.http("POST", "/api/pipelines/plan", ERIN, {"service": "suite", "members": MEMBERS}).json
    [stage] = shown["stages"]
    assert stage["group"]["levels"] == [["ringed"], ["worker"]]
    assert stage["group"]["members"] == {"ringed": "ringed", "worker": "worker"}
    assert stage["may_promote"]["allowed"] is True
    wrong = {"service": "suite", "members": {"worker": "1"}}
    assert app.http("POST", "/api/pipelines/plan", ERIN, wrong).problem == (422, "MEMBER_MISSING")


def serves(service: str, version: str, promotion: str, before: list[dict[str, Any]] | None = None, **more: Any) -> None:
    at = iso(datetime.now(UTC))
    release = {"version": version, "promotion": promotion, "proven": True, "stage": "staging", "commit": "", "at": at}
    release |= {"digest": "", "finished_at": at, "received_at": at, "targets": [], "replaced": {"x": "0.9"}, **more}
    row = Rows("environments").get("staging", service)
    rev = int(str(row.values["rev"])) + 1 if row else 1
    state = {**lock.empty(), "rev": rev, "live": release, "previous": before or []}
    write_environment("staging", service, state)


@pytest.fixture
def group(begin: Callable[..., Underway]) -> Underway:
    """A group that is live and proven, with its members."""
    it = begin(service="suite", members=MEMBERS)
    serves("suite", it.run.build.version, it.id, members=MEMBERS)
    for member, version in MEMBERS.items():
        serves(member, version, it.id, group="suite")
    return it


def reach(app: AppHost, service: str) -> dict[str, Any]:
    shown: dict[str, Any] = app.http("GET", f"/api/environments/staging/services/{service}", ERIN).json["reach"]
    return shown


def test_a_group_is_taken_back_as_one(app: AppHost, group: Underway) -> None:
    assert reach(app, "suite")["how"] == reach(app, "worker")["how"] == "seconds"
    assert group.command("rollback").status == 202


def test_a_group_is_not_taken_back_once_a_member_has_moved_on(app: AppHost, group: Underway) -> None:
    serves("ringed", "1.5.0", "ringed--1.5.0")
    assert reach(app, "suite")["how"] == "none"
    reply = group.command("rollback")
    assert reply.problem == (409, "NOT_LIVE") and "ringed serves 1.5.0" in reply.json["detail"]


def test_a_member_that_the_group_left_alone_does_not_stand_in_the_way(group: Underway) -> None:
    serves("ringed", "1.4.2", "ringed--1.4.2")
    assert group.command("rollback").status == 202


def test_a_member_never_goes_back_to_what_was_not_proven(group: Underway) -> None:
    before = [{"version": "1.9.0", "promotion": "worker--1.9.0", "proven": False}]
    serves("worker", "2.0.0", group.id, before, group="suite")
    assert group.command("rollback").problem == (409, "PREVIOUS_NOT_PROVEN")


def test_people_may_hold_a_member_that_has_no_pipeline_of_its_own(app: AppHost) -> None:
    said = {"kind": "hold", "environment": "staging", "service": "worker", "reason": "so", "for": "1h"}
    reply = app.http("POST", "/api/intents", ALICE, said)
    assert reply.status in (201, 202) and reply.json["environments"] == ["staging"]
    assert app.http("DELETE", f"/api/intents/{reply.json['id']}", ALICE).status in (200, 202)
    assert app.http("POST", "/api/intents", ALICE, {**said, "environment": "moon"}).problem == (
        404,
        "UNKNOWN_ENVIRONMENT",
    )
