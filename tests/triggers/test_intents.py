"""Holds: said over HTTP, they reach the lock, the read model and the audit, and are lifted the same way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from slipway.promotion.outcomes import iso
from tests.app_host import AppHost, a_principal, eventually
from tests.triggers.conftest import ALICE, BOB, audited
from triggers import intents_api

pytestmark = pytest.mark.usefixtures("configured")

# A service of its own: rows outlive the engine of a file, and an older state is not shown over a newer one.
DAVE = a_principal("Dave Diaz", "44444444-4444-4444-8444-444444444444", ("reader", "operator"))
LOCK, CHAIN = "production--ramped", "environment-production--ramped"


@pytest.fixture(autouse=True)
def _told_to_the_end(app: AppHost) -> Iterator[None]:
    held_back = app.held.carried_out
    app.held.carried_out = held_back | {"mirror_environment", "record"}
    yield
    app.held.carried_out = held_back


def a_hold(**changes: Any) -> dict[str, Any]:
    hold = {"kind": "hold", "environment": "production", "service": "ramped", "reason": "stocktaking", "for": "2h"}
    return {name: value for name, value in {**hold, **changes}.items() if value is not None}


def holds(app: AppHost, lock: str = LOCK) -> list[str]:
    return [each["id"] for each in app.entity("environment", lock).get("intents", []) if not each["ended_at"]]


def test_a_hold_is_there_shown_and_on_record_until_it_is_lifted(app: AppHost) -> None:
    reply = app.http("POST", "/api/intents", ALICE, a_hold())
    assert reply.status == 201, reply
    id, where = reply.json["id"], reply.headers["location"]
    assert id in holds(app)
    assert [each["id"] for each in app.http("GET", where, ALICE).json["holds"]] == holds(app)
    assert app.http("DELETE", f"/api/intents/{id}", ALICE).status == 200
    assert id not in holds(app)
    assert audited(CHAIN)[-2:] == [("intent.hold", ""), ("intent.lift", "")]
    assert app.http("DELETE", f"/api/intents/{id}", ALICE).problem == (404, "UNKNOWN_INTENT")


def test_a_hold_that_does_not_show_in_time_is_202_and_holds_all_the_same(
    app: AppHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents_api, "SHOWS_WITHIN_S", 0.1)
    with app.held.entities_stopped():
        reply = app.http("POST", "/api/intents", ALICE, a_hold())
    assert reply.status == 202
    eventually(lambda: reply.json["id"] in holds(app))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"for": None}, (422, "INVALID_BODY")),
        ({"expires_at": "2026-12-01T00:00:00Z"}, (422, "INVALID_BODY")),
        ({"for": "1s"}, (422, "INVALID_BODY")),
        ({"for": "10000d"}, (422, "INVALID_BODY")),
        ({"reason": ""}, (422, "INVALID_BODY")),
        ({"service": "nobody"}, (404, "UNKNOWN_SERVICE")),
        ({"environment": "moon"}, (404, "UNKNOWN_ENVIRONMENT")),
    ],
)
def test_a_hold_that_makes_no_sense_is_named(app: AppHost, changes: dict[str, Any], problem: tuple[int, str]) -> None:
    assert app.http("POST", "/api/intents", ALICE, a_hold(**changes)).problem == problem


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=90, minutes=1)], ids=["past", "too far"])
def test_a_hold_that_ends_in_the_past_or_beyond_90_days_is_refused_and_holds_nobody(
    app: AppHost, away: timedelta
) -> None:
    before = holds(app)
    ends = iso(datetime.now(UTC) + away)
    reply = app.http("POST", "/api/intents", ALICE, a_hold(expires_at=ends, **{"for": None}))
    assert reply.problem == (422, "INVALID_BODY")
    assert "a hold ends after now and within 90 days" in reply.json["detail"]
    assert holds(app) == before


@pytest.mark.parametrize("away", [timedelta(minutes=1), timedelta(days=90)], ids=["soon", "at the latest"])
def test_a_hold_may_say_the_moment_at_which_it_ends(app: AppHost, away: timedelta) -> None:
    ends = iso(datetime.now(UTC) + away)
    reply = app.http("POST", "/api/intents", ALICE, a_hold(expires_at=ends, **{"for": None}))
    assert (reply.status, reply.json["expires_at"]) == (201, ends)
    assert app.http("DELETE", f"/api/intents/{reply.json['id']}", ALICE).status == 200


@pytest.mark.parametrize("version", ["7.1.0", "7.1.0-rc.1+5"])
def test_a_rejected_version_is_shown_and_let_in_again_by_its_id(app: AppHost, version: str) -> None:
    at = iso(datetime.now(UTC))
    holder = {"holder": f"ramped--{version}:prod", "waiter": "w", "promotion": f"ramped--{version}"}
    build = {"stage": "prod", "version": version, "finished_at": at, "received_at": at, "at": at}
    build |= {"goes_back": True}  # other tests' holds are no matter
    app.signal("environment", LOCK, "acquire", holder | build)
    fence = app.entity("environment", LOCK)["fence"]
    told = {"fence": fence, "result": "unchanged", "rejects": True, "code": "HARM", "words": "it fails"}
    app.signal("environment", LOCK, "release", holder | told | {"at": at})
    id = f"production.ramped.rejected-{version}"
    assert app.http("DELETE", f"/api/intents/{id}9", ALICE).problem == (404, "UNKNOWN_INTENT")
    hold = app.http("POST", "/api/intents", ALICE, a_hold())  # copies the lock into what people are shown
    shown = app.http("GET", hold.headers["location"], ALICE).json["rejected"]
    assert {
        "version": version,
        "promotion": f"ramped--{version}",
        "code": "HARM",
        "words": "it fails",
        "at": at,
    } in shown
    assert app.http("DELETE", f"/api/intents/{quote(id, safe='')}", ALICE).status == 200
    assert version not in [each["version"] for each in app.entity("environment", LOCK)["rejected"]]
    assert audited(CHAIN)[-1] == ("intent.lift", "")
    app.http("DELETE", f"/api/intents/{hold.json['id']}", ALICE)


@pytest.mark.parametrize("id", ["production.ramped", "production.ramped.rejected-", "a.b.c.d", "production"])
def test_what_can_be_no_intent_is_unknown(app: AppHost, id: str) -> None:
    assert app.http("DELETE", f"/api/intents/{id}", ALICE).problem == (404, "UNKNOWN_INTENT")


def test_a_hold_on_an_environment_in_rings_holds_all_of_them_and_is_lifted_as_one(app: AppHost) -> None:
    def held(ring: str) -> list[str]:
        return holds(app, f"production-{ring}--ringed")

    reply = app.http("POST", "/api/intents", ALICE, a_hold(service="ringed"))
    assert reply.status == 201, reply
    id = reply.json["id"]
    assert reply.json["environments"] == ["production-tenants", "production-eu"]
    assert reply.headers["location"] == "/api/environments"
    assert held("tenants") == held("eu") == [id] and id.startswith("production.ringed.")
    assert app.http("DELETE", f"/api/intents/{id}", ALICE).status == 200
    assert held("tenants") == held("eu") == []
    of_one = app.http("POST", "/api/intents", ALICE, a_hold(service="ringed", environment="production-eu"))
    assert of_one.json["environments"] == ["production-eu"] and held("tenants") == []
    assert app.http("DELETE", f"/api/intents/{of_one.json['id']}", ALICE).status == 200


def test_where_there_is_no_such_environment_those_that_there_are_are_named(app: AppHost) -> None:
    unknown = app.http("POST", "/api/intents", ALICE, a_hold(service="ringed", environment="prod"))
    assert unknown.problem == (404, "UNKNOWN_ENVIRONMENT")
    assert "it has production-tenants, production-eu" in unknown.json["detail"]
    shown = app.http("GET", "/api/environments/production/services/ringed", ALICE)
    assert shown.problem == (404, "UNKNOWN_ENVIRONMENT")
    assert "is made of rings, and each is an environment: production-tenants, production-eu" in shown.json["detail"]
    lifted = app.http("DELETE", "/api/intents/production.ringed.broken", ALICE)
    assert "production is made of rings: production-tenants, production-eu" in lifted.json["detail"]


def test_a_stop_is_lifted_by_another_person_and_both_words_are_on_record(app: AppHost) -> None:
    said = app.http("POST", "/api/intents", ALICE, a_hold(kind="stop"))
    assert said.status == 201, said
    id = said.json["id"]
    own = app.http("DELETE", f"/api/intents/{id}", ALICE)
    assert own.problem == (403, "STOP_IS_YOURS")
    assert id in holds(app) and audited(CHAIN)[-1] == ("intent.refused", "STOP_IS_YOURS")
    (shown,) = [each for each in app.http("GET", "/api/intents", BOB).json["intents"] if each["id"] == id]
    assert (shown["words"], shown["places"]) == ("stopped by Alice Adams: stocktaking", ["production/ramped"])
    assert app.http("DELETE", f"/api/intents/{id}", DAVE).status == 200
    assert id not in holds(app)
    past = app.http("GET", "/api/intents?all=true", BOB).json["intents"]
    assert [(each["state"], each["ended_by"]) for each in past if each["id"] == id] == [("lifted", "Dave Diaz")]


def test_everything_is_stopped_in_every_place_and_lifted_by_one_word(app: AppHost) -> None:
    said = app.http("POST", "/api/intents", ALICE, {"kind": "stop", "reason": "attack", "for": "1h"})
    assert said.status in (201, 202), said
    id = said.json["id"]
    places = [(place, service) for place, service in (("production", "ramped"), ("test", "checkout"))]
    assert id.startswith("_._.")
    for place, service in places:
        eventually(lambda place=place, service=service: id in holds(app, f"{place}--{service}"))
    assert app.http("DELETE", f"/api/intents/{id}", DAVE).status in (200, 202)
    for place, service in places:
        eventually(lambda place=place, service=service: id not in holds(app, f"{place}--{service}"))


def test_a_version_is_rejected_and_a_freeze_begins_later(app: AppHost) -> None:
    rejected = app.http("POST", "/api/intents", ALICE, a_hold(kind="reject", version="9.9.9", **{"for": None}))
    assert rejected.status == 201 and "9.9.9 was rejected here by Alice Adams" in rejected.json["words"]
    begins = datetime.now(UTC) + timedelta(hours=1)
    freeze = app.http(
        "POST", "/api/intents", ALICE, a_hold(kind="freeze", **{"from": iso(begins), "except": ["hotfix"]})
    )
    assert (freeze.status, freeze.json["expires_at"]) == (201, iso(begins + timedelta(hours=2)))
    there = app.http("GET", freeze.headers["location"], ALICE).json["intents"]
    assert [each["state"] for each in there if each["id"] == freeze.json["id"]] == ["to come"]
    for reply in (rejected, freeze):
        assert app.http("DELETE", f"/api/intents/{reply.json['id']}", ALICE).status == 200


@pytest.mark.parametrize(
    "body",
    [
        a_hold(kind="reject"),
        a_hold(version="1"),
        a_hold(**{"from": "2026-12-01T00:00:00Z"}),
        a_hold(kind="freeze", on_begin="explode"),
        {"kind": "hold", "reason": "so", "for": "1h"},
    ],
)
def test_an_intent_that_lacks_what_its_kind_needs_is_refused(app: AppHost, body: dict[str, Any]) -> None:
    assert app.http("POST", "/api/intents", ALICE, body).problem == (422, "INVALID_BODY")
