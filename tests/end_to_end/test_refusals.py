import base64
import json
from typing import Any

import pytest

from tests.end_to_end.system import System, a_message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"this is not JSON", "NOT_JSON"),
        (b"\xff\xfe", "NOT_JSON"),
        (json.dumps({"hello": "world"}).encode(), "UNKNOWN_SHAPE"),
        (json.dumps(a_message("1.0/../0")).encode(), "INVALID_BUILD"),
        (json.dumps(a_message("3.0.0", service="nobody")).encode(), "UNKNOWN_SERVICE"),
        (json.dumps(a_message("3.0.0", finished_at="2099-01-01T00:00:00Z")).encode(), "FINISHED_IN_THE_FUTURE"),
    ],
)
def test_a_message_that_cannot_be_used_is_set_aside_with_its_reason(system: System, body: bytes, code: str) -> None:
    system.send(body)
    (message,) = system.receive("builds-rejected", 1)
    properties = {_text(key): _text(value) for key, value in (message.application_properties or {}).items()}
    assert properties["code"] == code
    assert properties["reason"]
    assert b"".join(message.body) == body  # type: ignore[arg-type]


def test_a_version_that_was_another_artifact_is_set_aside(system: System) -> None:
    system.send(a_message("3.1.0-errors", commit="aaaaaaa"))
    system.until_ended("checkout--3.1.0-errors")
    system.send(a_message("3.1.0-errors", commit="bbbbbbb"))
    (message,) = system.receive("builds-rejected", 1)
    assert _text((message.application_properties or {})[b"code"]) == "VERSION_REUSED"
    answer = system.call("POST", "/api/builds", json=a_message("3.1.0-errors", commit="bbbbbbb"))
    assert (answer.status_code, answer.json()["code"]) == (409, "VERSION_REUSED")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    body = answer.json()
    assert body["status"] == answer.status_code and body["title"] and body["detail"] and body["instance"]
    return answer.status_code, body["code"]


def test_without_a_sign_in_only_health_answers(system: System) -> None:
    assert system.call("GET", "/api/health", None).status_code == 200
    for method, path in (
        ("GET", "/api/promotions"),
        ("GET", "/api/environments"),
        ("POST", "/api/builds"),
        ("POST", "/api/promotions/x/commands"),
        ("POST", "/api/promotions/x/stages/y/approval"),
    ):
        assert problem(system.call(method, path, None)) == (401, "NOT_SIGNED_IN")


def test_a_forged_principal_header_counts_for_nothing(system: System) -> None:
    claims = [{"typ": "roles", "val": "admin"}, {"typ": "oid", "val": "x"}]
    forged = base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()
    answer = system.call("GET", "/api/promotions", None, headers={"X-MS-CLIENT-PRINCIPAL": forged})
    assert problem(answer) == (401, "NOT_SIGNED_IN")
    assert system.call("GET", "/api/promotions", None, headers={"authorization": "Bearer x.y.z"}).status_code == 401


def test_roles_decide_who_may_what(system: System) -> None:
    assert system.call("GET", "/api/promotions", "erin").status_code == 200
    assert problem(system.call("POST", "/api/builds", "erin", json=a_message("3.2.0"))) == (403, "FORBIDDEN")
    abort = {"command": "abort"}
    assert problem(system.call("POST", "/api/promotions/x/commands", "erin", json=abort)) == (403, "FORBIDDEN")


def test_unknown_things_are_404(system: System) -> None:
    assert problem(system.call("GET", "/api/environments/%00/services/%00")) == (404, "UNKNOWN_ENVIRONMENT")
    assert problem(system.call("GET", "/api/environments/a%2Fb/services/c%5Cd")) == (404, "UNKNOWN_ENVIRONMENT")
    assert problem(system.call("GET", "/api/promotions/nothing--1")) == (404, "UNKNOWN_PROMOTION")
    assert problem(system.call("GET", "/api/environments/mars/services/checkout")) == (404, "UNKNOWN_ENVIRONMENT")
    assert problem(system.approve("nothing--1")) == (404, "UNKNOWN_PROMOTION")
    for odd in ("%7F", "a%5Cb", "a%23b", "%00", "%F0%9F%98%80", "a" * 600):
        assert problem(system.call("GET", f"/api/promotions/{odd}")) == (404, "UNKNOWN_PROMOTION")
        assert problem(system.call("GET", f"/api/promotions/{odd}/audit")) == (404, "UNKNOWN_PROMOTION")
        path = f"/api/environments/{odd}/services/checkout"
        assert problem(system.call("GET", path)) == (404, "UNKNOWN_ENVIRONMENT")


def test_bodies_that_cannot_be_read_are_named(system: System) -> None:
    path = "/api/promotions/x/commands"
    assert problem(system.call("POST", path, content=b"{")) == (400, "NOT_JSON")
    assert problem(system.call("POST", path, json={"command": "abort", "extra": 1})) == (422, "INVALID_BODY")
    assert problem(system.call("POST", path, content=b"x" * 300_000)) == (413, "TOO_LARGE")
    for query in ("top=0", "top=101", "top=x", "state=sleeping", "service=A%2FB", "after=yesterday", "sevice=checkout"):
        assert problem(system.call("GET", f"/api/promotions?{query}")) == (422, "INVALID_QUERY"), query
    assert problem(system.call("POST", "/api/builds", content=b"{")) == (400, "NOT_JSON")
    late = a_message("3.3.0", result="failed")
    assert problem(system.call("POST", "/api/builds", json=late)) == (422, "BUILD_NOT_SUCCEEDED")


def test_approvals_by_the_wrong_people_or_at_the_wrong_time_are_refused(system: System) -> None:
    id = "checkout--3.4.0"
    accepted = system.call("POST", "/api/builds", json=a_message("3.4.0"))
    assert (accepted.status_code, accepted.headers["location"]) == (202, f"/api/promotions/{id}")
    assert accepted.json()["known"] is False
    system.until_state(id, "test", "deploying", "verifying", "rolling out", "verifying live", "baking")
    again = system.call("POST", "/api/builds", json=a_message("3.4.0"))
    assert (again.status_code, again.json()["known"]) == (202, True)
    assert problem(system.approve(id)) == (409, "NOT_ASKED")
    assert problem(system.approve(id, "nowhere")) == (404, "UNKNOWN_STAGE")
    system.until_state(id, "production", "waiting for approval")
    path, key = f"/api/promotions/{id}/stages/production/approval", {"decision": "approve", "command": "k1"}
    assert problem(system.call("POST", path, "bob", json=key)) == (403, "IS_AUTHOR")
    assert problem(system.call("POST", path, "carol", json=key)) == (403, "NOT_AN_APPROVER"), "a key is a person's own"
    assert problem(system.approve(id, who="carol")) == (403, "NOT_AN_APPROVER")
    assert problem(system.approve(id, who="erin")) == (403, "FORBIDDEN")
    rejected = {"decision": "reject", "reason": "not today"}
    answer = system.call("POST", f"/api/promotions/{id}/stages/production/approval", json=rejected)
    assert (answer.status_code, answer.json()["decision"]) == (200, "rejected")
    assert problem(system.approve(id))[0] == 409
    ended = system.until_ended(id)
    assert (ended["state"], ended["code"]) == ("cancelled", "REJECTED")
    path = f"/api/promotions/{id}/commands"
    assert problem(system.call("POST", path, json={"command": "fly"})) == (422, "UNKNOWN_COMMAND")
    audit = system.get(f"/api/promotions/{id}/audit")["records"]
    refused = [record["evidence"]["code"] for record in audit if record["action"].endswith(".refused")]
    assert {"NOT_ASKED", "IS_AUTHOR", "NOT_AN_APPROVER", "FORBIDDEN"} <= set(refused), "refusals are on record"
