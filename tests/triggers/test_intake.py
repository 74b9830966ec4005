"""Build messages: each build is promoted once, or set aside with a reason, however often its message comes."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.rows import Rows
from slipway.local.functions.invocation import InvocationFailed
from slipway.promotion.audit import verify
from slipway.promotion.trace import trace_id
from slipway.settings import settings
from tests.app_host import AppHost, eventually
from tests.laptop import AzureStandin, Bus, Watched, properties_of
from tests.triggers.conftest import ALICE, TABLES_DOWN, a_message, intake
from triggers import builds_queue

OF_CI = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
pytestmark = pytest.mark.usefixtures("configured")


class Pauses:
    """Stands in for asyncio in the trigger's module: pauses are taken down instead of waited for."""

    def __init__(self) -> None:
        self.to_thread = asyncio.to_thread
        self.taken: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.taken.append(delay_s)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr(builds_queue, "asyncio", pauses)
    return pauses


@pytest.fixture(scope="module")
def rejected(broker: Bus) -> Iterator[Watched]:
    with broker.watch("builds-rejected") as watched:
        yield watched


@pytest.fixture(scope="module")
def builds(broker: Bus) -> Iterator[Watched]:
    with broker.watch("builds") as watched:
        yield watched


@pytest.fixture(autouse=True)
def _only_what_comes_from_now_on(rejected: Watched) -> None:
    rejected.new()


def chain_of_today() -> str:
    return f"rejected-{datetime.now(UTC):%Y-%m-%d}"


def set_aside(message_id: str) -> list[dict[str, Any]]:
    """What the audit says of the message of that id."""
    assert verify(AuditLog().lines(chain_of_today())) is None
    return [each for each in AuditLog().read(chain_of_today()) if each["evidence"]["message_id"] == message_id]


def not_promoted(service: str, version: str) -> list[dict[str, Any]]:
    rows = Rows("notpromoted").query(f"service:{service}")
    return [row.values for row in rows if row.values["version"] == version]


def token_of(app: AppHost, promotion: str) -> str | None:
    """The token of the run that was started; None when none was."""
    status = app.status(promotion)
    if status is None:
        return None
    given = status["input"]
    return str((json.loads(given) if isinstance(given, str) else given)["token"])


# new and known


def test_a_new_build_is_taken_in_and_started_with_what_the_message_and_its_pipeline_say(
    app: AppHost, version: str
) -> None:
    app.deliver(a_message(version), properties={"submitted_by": "somebody"})
    status = app.status(f"checkout--{version}")
    assert status is not None and status["runtimeStatus"] in ("Pending", "Running")
    run = json.loads(status["input"]) if isinstance(status["input"], str) else status["input"]
    assert (run["build"]["version"], run["submitted_by"]) == (version, "somebody")
    assert [stage["name"] for stage in run["plan"]["stages"]] == ["test", "production"]
    eventually(lambda: ("claim_promotion", f"checkout--{version}") in ordered(app))
    assert intake(f"checkout--{version}")["state"] == "new", "the claim is the orchestration's"


@pytest.mark.parametrize("name", ["traceparent", "Diagnostic-Id"])
def test_a_promotion_is_in_the_trace_that_its_message_names(app: AppHost, version: str, name: str) -> None:
    id = f"checkout--{version}"
    app.deliver(a_message(version), properties={name: OF_CI})
    eventually(lambda: ("claim_promotion", id) in ordered(app))
    orders = [order for activity, order in app.held.ordered if activity == "claim_promotion"]
    claimed = next(order for order in orders if order["promotion"] == id)
    assert claimed["trace"] == intake(id)["trace"] == OF_CI


def test_a_message_that_names_no_trace_begins_the_same_one_whenever_it_comes(app: AppHost, version: str) -> None:
    traces = set()
    for number in (1, 2):
        app.deliver(a_message(f"{version}-{number}"), message_id="one", properties={"traceparent": "nonsense"})
        traces.add(trace_id(intake(f"checkout--{version}-{number}")["trace"]))
    assert len(traces) == 1 and "" not in traces


def test_the_same_message_ten_times_at_once_is_one_promotion(app: AppHost, version: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: app.deliver(a_message(version), f"m-{n}"), range(10)))
    eventually(lambda: ordered(app).count(("claim_promotion", f"checkout--{version}")))
    assert ordered(app).count(("claim_promotion", f"checkout--{version}")) == 1


@pytest.mark.parametrize("state", ["running", "ended"])
def test_a_build_that_is_known_already_is_acknowledged_and_not_started_again(
    app: AppHost, version: str, state: str
) -> None:
    promotion, body = f"checkout--{version}", a_message(version)
    Rows("promotions").insert(promotion, "intake", a_row(state))
    app.deliver(body)
    app.deliver(body, delivery_count=2)
    assert app.status(promotion) is None
    assert intake(promotion)["state"] == state
    assert set_aside("m-1") == [], "a known build is no reject"


def test_a_version_that_was_another_artifact_is_set_aside(app: AppHost, version: str, rejected: Watched) -> None:
    app.deliver(a_message(version, commit="aaaaaaa"))
    token = token_of(app, f"checkout--{version}")
    app.deliver(a_message(version, commit="bbbbbbb"), f"reused-{version}")
    (message,) = rejected.new()
    assert properties_of(message)["code"] == "VERSION_REUSED"
    assert token_of(app, f"checkout--{version}") == token


def test_a_digest_tells_artifacts_apart_where_both_messages_know_one(
    app: AppHost, version: str, rejected: Watched
) -> None:
    one, other = ("sha256:" + digit * 64 for digit in "ab")
    app.deliver(a_message(version, digest=one))
    app.deliver(a_message(version, digest=one, commit="another"))
    assert rejected.new() == []
    app.deliver(a_message(version, digest=other))
    (message,) = rejected.new()
    assert properties_of(message)["code"] == "VERSION_REUSED"


# crashes and faults


def test_a_crash_between_the_row_and_the_start_is_mended_by_the_redelivery(
    app: AppHost, version: str, pauses: Pauses
) -> None:
    promotion, body = f"checkout--{version}", a_message(version)
    app.away = 1
    with pytest.raises(InvocationFailed):
        app.deliver(body)
    assert (intake(promotion)["state"], app.status(promotion)) == ("new", None)
    app.deliver(body, delivery_count=2)
    assert app.status(promotion) is not None
    assert pauses.taken == [2]


def test_a_crash_between_the_row_and_the_pipeline_kept_beside_it_is_mended_by_the_redelivery(
    app: AppHost, version: str
) -> None:
    promotion = f"checkout--{version}"
    Rows("promotions").insert(promotion, "intake", a_row("new"))
    app.deliver(a_message(version), delivery_count=2)
    assert app.status(promotion) is not None
    kept = Rows("promotions").get(promotion, "pipeline")
    assert kept is not None and "service: checkout" in kept.doc


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_row_whose_answer_is_lost_is_one_promotion(
    app: AppHost, azure: AzureStandin, version: str, moment: str
) -> None:
    promotion, body = f"checkout--{version}", a_message(version)
    azure.fault("POST", "/tables/promotions", drop=moment)
    with pytest.raises(InvocationFailed):
        app.deliver(body)
    app.deliver(body, delivery_count=2)
    app.deliver(body, delivery_count=3)
    assert app.status(promotion) is not None
    eventually(lambda: ordered(app).count(("claim_promotion", promotion)))
    assert ordered(app).count(("claim_promotion", promotion)) == 1


def test_while_azure_is_away_the_message_stays_on_the_queue_and_the_pauses_grow_to_a_minute(
    app: AppHost, azure: AzureStandin, version: str, pauses: Pauses
) -> None:
    for delivery_count in (1, 2, 3, 5, 6, 40):
        azure.fault(None, "/tables/promotions", **TABLES_DOWN)
        with pytest.raises(InvocationFailed):
            app.deliver(a_message(version), delivery_count=delivery_count)
        azure.forget_faults()
    assert pauses.taken == [2, 4, 8, 32, 60, 60]
    app.deliver(a_message(version), delivery_count=41)
    assert app.status(f"checkout--{version}") is not None


# rejected, and not for promotion


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"this is not JSON", "NOT_JSON"),
        (b"\xff\xfe", "NOT_JSON"),
        (b"", "NOT_JSON"),
        (b"[" * 100_000, "NOT_JSON"),
        (b"[]", "UNKNOWN_SHAPE"),
        (b'{"hello": "world"}', "UNKNOWN_SHAPE"),
        (a_message("1.0/../0"), "INVALID_BUILD"),
        (a_message("1.ü"), "INVALID_BUILD"),
        (a_message(""), "INVALID_BUILD"),
        (a_message("1.0.0", service="nobody"), "UNKNOWN_SERVICE"),
        (a_message("1.0.0", finished_at="2099-01-01T00:00:00Z"), "FINISHED_IN_THE_FUTURE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_cannot_be_used_is_audited_and_forwarded_as_it_came(
    app: AppHost, rejected: Watched, body: bytes, code: str, request: pytest.FixtureRequest
) -> None:
    id = f"rejected-{request.node.callspec.indices['body']}"
    app.deliver(body, id)
    (message,) = rejected.new()
    assert b"".join(message.body) == body
    said = properties_of(message)
    assert (said["code"], said["message_id"]) == (code, id) and said["reason"]
    (record,) = set_aside(id)
    assert (record["action"], record["actor"], record["evidence"]["code"]) == ("build.rejected", "slipway", code)
    assert record["id"] == message.message_id and record["words"]


@pytest.mark.parametrize(
    ("size", "code", "kept", "cut"),
    [
        (196_608, "NOT_JSON", 196_608, "no"),
        (262_000, "NOT_JSON", 196_608, "262000 bytes, the audit has the hash of all"),
        (300_000, "TOO_LARGE", 196_608, "300000 bytes, the audit has the hash of all"),
    ],
)
def test_a_message_too_large_to_be_forwarded_whole_is_cut_says_so_and_is_set_aside_with_its_reason(
    app: AppHost, rejected: Watched, size: int, code: str, kept: int, cut: str
) -> None:
    body = b"x" * size
    app.deliver(body, f"large-{size}")
    (message,) = rejected.new()
    said = properties_of(message)
    assert (said["code"], said["cut"]) == (code, cut) and said["reason"]
    assert b"".join(message.body) == body[:kept]
    (record,) = set_aside(f"large-{size}")
    assert record["evidence"]["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_rejected_message_that_comes_again_is_audited_once_and_known_by_its_id(
    app: AppHost, rejected: Watched
) -> None:
    for delivery_count in (1, 2, 3):
        app.deliver(b"again and again", "again", delivery_count)
    app.deliver(b"again and again", "another message of the same text")
    ids = [message.message_id for message in rejected.new()]
    assert (len(set(ids)), ids[:3]) == (2, [ids[0]] * 3), "what is the same can be told by its id"
    assert len(set_aside("again")) == 1


def test_a_crash_between_audit_and_forwarding_is_mended_by_the_redelivery(
    app: AppHost, rejected: Watched, monkeypatch: pytest.MonkeyPatch, pauses: Pauses
) -> None:
    there = settings().servicebus_endpoint
    monkeypatch.setenv("SERVICEBUS__customEndpointAddress", "sb://localhost:9")
    settings.cache_clear()
    with pytest.raises(InvocationFailed):
        app.deliver(b"not forwarded yet", "late")
    assert len(set_aside("late")) == 1 and pauses.taken == [2]
    monkeypatch.setenv("SERVICEBUS__customEndpointAddress", there)
    settings.cache_clear()
    app.deliver(b"not forwarded yet", "late", 2)
    assert len(rejected.new()) == 1
    assert len(set_aside("late")) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"result": "failed"}, "BUILD_NOT_SUCCEEDED"),
        ({"result": "canceled"}, "BUILD_NOT_SUCCEEDED"),
        ({"branch": "feature/x"}, "BRANCH_NOT_PROMOTED"),
    ],
)
def test_a_build_that_is_not_for_promotion_is_counted_once_however_often_it_comes(
    app: AppHost, rejected: Watched, version: str, changes: dict[str, str], code: str
) -> None:
    body = a_message(version, **changes)
    for delivery_count in (1, 2, 3):
        app.deliver(body, f"m-{version}", delivery_count)
    (row,) = not_promoted("checkout", version)
    assert row["code"] == code and row["words"]
    assert intake(f"checkout--{version}") == {} and app.status(f"checkout--{version}") is None
    assert rejected.new() == [], "it is no reject"


# what nobody foresaw


def test_a_message_that_breaks_the_intake_is_set_aside_after_a_few_deliveries(
    app: AppHost, rejected: Watched, version: str, pauses: Pauses
) -> None:
    Rows("promotions").insert(f"checkout--{version}", "intake", {"state": "new"})  # a row that no version of ours wrote
    body = a_message(version)
    for delivery_count in (1, 2, 3, 4):
        with pytest.raises(InvocationFailed):
            app.deliver(body, "breaks-us", delivery_count, {"submitted_by": "somebody"})
    assert (rejected.new(), pauses.taken) == ([], [2, 4, 8, 16])
    for delivery_count in (5, 6):
        app.deliver(body, "breaks-us", delivery_count, {"submitted_by": "somebody"})
    message, again = rejected.new()
    assert message.message_id == again.message_id and b"".join(message.body) == body
    said = properties_of(message)
    assert (said["code"], said["submitted_by"]) == ("INTAKE_BROKE", "somebody") and "KeyError" in said["reason"]
    assert [each["evidence"]["code"] for each in set_aside("breaks-us")] == ["INTAKE_BROKE"]
    listed = app.http("GET", "/api/rejected?top=100", ALICE).json["messages"]
    assert "INTAKE_BROKE" in [each["code"] for each in listed if each["message_id"] == "breaks-us"]


def test_what_cannot_be_set_aside_now_waits_on_the_queue(
    app: AppHost, azure: AzureStandin, rejected: Watched, version: str, pauses: Pauses
) -> None:
    Rows("promotions").insert(f"checkout--{version}", "intake", {"state": "new"})
    refusal = {"status": 403, "headers": {"x-ms-error-code": "AuthorizationFailure"}}
    azure.fault("PUT", "/blob/", answer=refusal, times=9)
    with pytest.raises(InvocationFailed):
        app.deliver(a_message(version), "waits", 5)
    azure.forget_faults()
    assert (rejected.new(), pauses.taken) == ([], [32])
    app.deliver(a_message(version), "waits", 6)
    assert len(rejected.new()) == 1


# over HTTP


def test_a_posted_build_goes_through_the_queue_and_says_where_to_look(
    app: AppHost, builds: Watched, version: str
) -> None:
    body = a_message(version)
    reply = app.http("POST", "/api/builds", {**ALICE, "traceparent": OF_CI}, body)
    assert (reply.status, reply.headers["location"]) == (202, f"/api/promotions/checkout--{version}")
    assert app.status(f"checkout--{version}") is None, "the queue's trigger does the rest"
    (message,) = builds.new()
    assert (b"".join(message.body), message.message_id) == (body, reply.json["message_id"])
    assert properties_of(message)["traceparent"] == OF_CI
    app.deliver(body, str(message.message_id), properties=properties_of(message))
    status = app.status(f"checkout--{version}")
    assert status is not None and "11111111-1111-4111-8111-111111111111" in json.dumps(status["input"])


def ordered(app: AppHost) -> list[tuple[str, str]]:
    """Activities that orchestrations ordered, with their promotion."""
    return [(name, order.get("promotion", "")) for name, order in app.held.ordered]


def a_row(state: str) -> dict[str, Any]:
    """An intake row of `a_message`'s build."""
    return {
        "state": state,
        "digest": "",
        "commit": "c0ffee1",
        "service": "checkout",
        "received_at": "2026-01-01T00:00:00Z",
    }
