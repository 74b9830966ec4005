"""Holds: said over HTTP, they reach the lock, the read model and the audit, and are lifted the same way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from slipway.promotion.outcomes import iso
from tests.app_host import AppHost, eventually
from tests.triggers.conftest import ALICE, audited
from triggers import intents_api

pytestmark = pytest.mark.usefixtures("configured")

# A service of its own: rows outlive the engine of a file, and an older state is not shown over a newer one.
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


def holds(app: AppHost) -> list[str]:
    return [each["id"] for each in app.entity("environment", LOCK).get("holds", [])]


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
        return [each["id"] for each in app.entity("environment", f"production-{ring}--ringed").get("holds", [])]

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
