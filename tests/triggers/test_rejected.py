"""What lies aside: seen by everybody who reads, put back by an operator, once, and taken away only after that."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import OperationTimeoutError

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.rows import Rows
from slipway.adapters.secrets import Secrets
from slipway.promotion.set_aside import SOURCES, place_of
from tests.activities.conftest import a_secret
from tests.app_host import ALICE_OID, BOB_OID, AppHost, a_principal, eventually
from tests.laptop import AzureStandin, Bus, Watched, properties_of
from tests.triggers.conftest import ALICE, ERIN, a_message, intake
from triggers.bodies import RejectedQuery

pytestmark = pytest.mark.usefixtures("configured")
BEYOND = (f"builds.{2**63 - 1}", "builds.9999999999999999999")  # no number of 64 bits, or none after it
OLGA = a_principal("Olga Olsen", BOB_OID, ("operator",))


@pytest.fixture(scope="module")
def builds(broker: Bus) -> Iterator[Watched]:
    with broker.watch("builds") as watched:
        yield watched


@pytest.fixture(autouse=True)
def _only_what_comes_from_now_on(builds: Watched) -> None:
    builds.new()


def every(app: AppHost, source: str = "", top: int = 100) -> list[dict[str, Any]]:
    """The list, page by page."""
    found: list[dict[str, Any]] = []
    query = f"?top={top}" + (f"&source={source}" if source else "")
    after = ""
    while True:
        page = app.http("GET", f"/api/rejected{query}{after}", ERIN).json
        found += page["messages"]
        if page["after"] is None:
            return found
        after = f"&after={page['after']}"


def listed(app: AppHost, message_id: str) -> list[dict[str, Any]]:
    return [each for each in every(app) if each["message_id"] == message_id]


def set_aside(app: AppHost, body: bytes, message_id: str, **properties: str) -> dict[str, Any]:
    """A build message that cannot be used came to the queue. As it stands in the list."""
    app.deliver(body, message_id, properties=properties)
    (found,) = listed(app, message_id)
    return found


def buried(broker: Bus, message: ServiceBusMessage, reason: str, **of: str) -> None:
    """A message that Service Bus gave up, or somebody put aside, in a dead-letter queue."""
    with broker.client() as client:
        if of:
            sender, receiver = client.get_topic_sender(of["topic"]), client.get_subscription_receiver(**_named(of))
        else:
            sender, receiver = client.get_queue_sender("builds"), client.get_queue_receiver("builds")
        with sender, receiver:
            sender.send_messages(message)
            _bury(receiver, str(message.message_id), reason)


def _named(of: dict[str, str]) -> dict[str, Any]:
    return {"topic_name": of["topic"], "subscription_name": of["subscription"]}


def _bury(receiver: ServiceBusReceiver, message_id: str, reason: str) -> None:
    held = []
    while message_id:
        for each in receiver.receive_messages(50, max_wait_time=5):
            if each.message_id == message_id:
                receiver.dead_letter_message(each, reason=reason, error_description="after 100 deliveries")
                message_id = ""
            else:
                held.append(each)
    for each in held:
        receiver.abandon_message(each)


def resubmit(app: AppHost, id: str, who: dict[str, str] = ALICE, **body: str) -> Any:
    return app.http("POST", f"/api/rejected/{id}/resubmit", who, body)


def claimed(found: dict[str, Any], at: datetime, body: bytes) -> None:
    """Somebody began to put it back with that body, and nobody knows what came of it."""
    place = place_of(found["id"])
    assert place is not None
    lay_since = datetime.fromisoformat(found["at"]).replace(microsecond=0)
    row = {"state": "sending", "by": "Somebody", "lay_since": lay_since, "at": at}
    row |= {"sha256": hashlib.sha256(body).hexdigest()}
    Rows("resubmitted").insert(place.source, f"{place.sequence:019d}", row)


def audited() -> list[dict[str, Any]]:
    chain = AuditLog().read(f"rejected-{datetime.now(UTC):%Y-%m-%d}")
    return [each for each in chain if each["action"] == "message.resubmit"]


def test_a_message_that_was_set_aside_is_listed_with_its_reason_and_shown_whole(app: AppHost) -> None:
    body = b"no JSON \x1b[2J " + b"x" * 2000
    found = set_aside(app, body, "listed")
    assert (found["source"], found["code"], found["cut"], found["size"]) == ("builds-rejected", "NOT_JSON", True, 2013)
    assert found["reason"] and found["at"] and len(found["body"]) == 500
    whole = app.http("GET", f"/api/rejected/{found['id']}", ERIN).json
    assert (whole["body"], whole["cut"]) == (body.decode(), False)


def test_a_dead_letter_of_builds_is_listed_beside_them_with_what_service_bus_says(app: AppHost, broker: Bus) -> None:
    message = ServiceBusMessage(a_message("1.0.0"), message_id="given-up")
    buried(broker, message, "MaxDeliveryCountExceeded")
    (found,) = listed(app, "given-up")
    assert (found["source"], found["code"]) == ("builds", "DEAD_LETTER")
    assert found["reason"] == "MaxDeliveryCountExceeded: after 100 deliveries"


def test_the_list_has_pages_and_each_message_once(app: AppHost, broker: Bus) -> None:
    for number in range(3):
        set_aside(app, b"one of some", f"page-{number}")
    buried(broker, ServiceBusMessage(b"{}", message_id="page-of-builds"), "so")
    at_once = [each["id"] for each in every(app)]
    assert [each["id"] for each in every(app, top=2)] == at_once
    assert len(set(at_once)) == len(at_once)
    assert {each["source"] for each in every(app, "builds")} == {"builds"}


def test_a_message_goes_back_as_it_was_and_lies_aside_no_more(app: AppHost, builds: Watched, version: str) -> None:
    body = a_message(version, service="nobody")
    found = set_aside(app, body, f"back-{version}", submitted_by="somebody", token="of the job")
    assert found["code"] == "UNKNOWN_SERVICE"
    reply = resubmit(app, found["id"])
    assert (reply.status, reply.json["sent_to"], reply.json["taken_away"]) == (200, "builds", True)
    (message,) = builds.new()
    assert b"".join(message.body) == body and message.message_id == reply.json["message_id"]
    assert properties_of(message) == {"submitted_by": "somebody"}, "nothing of its rejection, and no token"
    assert listed(app, f"back-{version}") == []
    assert audited()[-1]["actor"] == ALICE_OID
    assert audited()[-1]["evidence"].items() >= {"id": found["id"], "code": "UNKNOWN_SERVICE"}.items()


def test_it_goes_back_once_and_whoever_comes_later_hears_when_that_was_and_by_whom(app: AppHost) -> None:
    found = set_aside(app, b"once", "once")
    assert resubmit(app, found["id"]).status == 200
    late = resubmit(app, found["id"], OLGA)
    assert late.problem == (409, "ALREADY_RESUBMITTED")
    assert "Alice Adams" in late.json["detail"] and f"{datetime.now(UTC):%Y-%m-%d}" in late.json["detail"]


def test_of_two_people_at_once_one_puts_it_back(app: AppHost, builds: Watched) -> None:
    found = set_aside(app, b"both at once", "both")
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: resubmit(app, found["id"]), range(2)))
    assert sorted(each.status for each in replies) == [200, 409]
    assert len(builds.new()) == 1


def test_those_who_put_back_different_ones_at_once_do_not_keep_them_from_each_other(app: AppHost) -> None:
    found = [set_aside(app, b"side by side", f"beside-{number}") for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda each: resubmit(app, each["id"]), found))
    assert [each.json["taken_away"] for each in replies] == [True, True]


def test_with_another_body_it_is_the_word_of_whoever_wrote_that(app: AppHost, builds: Watched, version: str) -> None:
    found = set_aside(app, b"misspelt", "corrected", submitted_by="somebody")
    right = a_message(version).decode()
    assert resubmit(app, found["id"], body=right).status == 200
    (message,) = builds.new()
    assert b"".join(message.body).decode() == right
    assert properties_of(message)["submitted_by"] == ALICE_OID
    evidence = audited()[-1]["evidence"]
    assert evidence["sha256"] != evidence["instead_of"]


def test_a_binary_event_is_corrected_by_a_whole_body_without_its_old_attributes(
    app: AppHost, builds: Watched, version: str
) -> None:
    beside = {"cloudEvents:specversion": "2.0", "cloudEvents:type": "x", "slipway_hook": "github"}
    found = set_aside(app, b"{}", f"binary-{version}", **beside)
    assert resubmit(app, found["id"], body=a_message(version).decode()).status == 200
    (message,) = builds.new()
    assert properties_of(message) == {"submitted_by": ALICE_OID}
    app.deliver(b"".join(message.body), str(message.message_id), properties=properties_of(message))
    assert intake(f"checkout--{version}")["state"] == "new"


def test_what_is_bad_again_comes_back_to_the_list(app: AppHost, builds: Watched) -> None:
    found = set_aside(app, b"bad for ever", "bad")
    again = resubmit(app, found["id"]).json["message_id"]
    (message,) = builds.new()
    app.deliver(b"".join(message.body), str(message.message_id))
    (back,) = listed(app, again)
    assert back["id"] != found["id"] and back["code"] == "NOT_JSON"


def test_a_dead_letter_of_builds_goes_back_to_the_queue(app: AppHost, broker: Bus, builds: Watched) -> None:
    buried(broker, ServiceBusMessage(b"{}", message_id="lazarus", application_properties={"origin": "ci"}), "so")
    builds.new()
    (found,) = listed(app, "lazarus")
    assert resubmit(app, found["id"]).json["taken_away"]
    (message,) = builds.new()
    assert properties_of(message) == {"origin": "ci"}
    assert listed(app, "lazarus") == []


def test_a_report_that_was_given_up_goes_back_to_the_topic_with_its_own_id_and_as_it_is(
    app: AppHost, broker: Bus
) -> None:
    told = {"promotion": "checkout--9.9.9", "reported": "yes", "action": "stage.passed"}
    message = ServiceBusMessage(b'{"id": "e"}', message_id="e-1", application_properties=told, subject="stage.passed")
    buried(broker, message, "MaxDeliveryCountExceeded", topic="promotions", subscription="reports")
    Rows("reports").upsert("checkout--9.9.9", "e-1", {"code": "REPORT_REFUSED", "words": "GitHub says no"}, merge=False)
    (found,) = listed(app, "e-1")
    assert (found["source"], found["code"], found["reason"]) == ("reports", "REPORT_REFUSED", "GitHub says no")
    assert resubmit(app, found["id"], body="{}").problem == (409, "BODY_FIXED")
    with broker.watch_events() as events:
        assert resubmit(app, found["id"]).json["sent_to"] == "promotions"
        (event,) = events.new()
    assert (event.message_id, event.subject) == ("e-1", "stage.passed")
    assert properties_of(event) == {**told, "resubmitted": "reports"}


def test_a_message_that_was_cut_goes_back_with_a_whole_body_only(app: AppHost, builds: Watched) -> None:
    found = set_aside(app, b"x" * 200_000, "cut")
    assert found["cut"]
    assert resubmit(app, found["id"]).problem == (409, "BODY_CUT")
    assert resubmit(app, found["id"], body="{}").status == 200
    assert len(builds.new()) == 1


def test_one_that_could_not_be_put_back_still_lies_there_and_can_be_tried_again(
    app: AppHost, azure: AzureStandin, builds: Watched
) -> None:
    found = set_aside(app, b"not yet", "not-yet")
    refusal = {"status": 403, "headers": {"x-ms-error-code": "AuthorizationFailure"}}
    azure.fault("PUT", "/blob/", answer=refusal, times=9)
    assert resubmit(app, found["id"]).problem == (503, "AZURE_DENIED")
    azure.forget_faults()
    assert builds.new() == [], "nothing happens that is not on record first"
    assert len(listed(app, "not-yet")) == 1
    assert resubmit(app, found["id"]).status == 200


def test_a_claim_that_nobody_brought_to_an_end_holds_for_a_minute(app: AppHost) -> None:
    found = set_aside(app, b"claimed", "claimed")
    place = place_of(found["id"])
    assert place is not None
    lay_since = datetime.fromisoformat(found["at"]).replace(microsecond=0)
    row = {"state": "sending", "by": "Somebody", "lay_since": lay_since}
    key = f"{place.sequence:019d}"
    Rows("resubmitted").insert(place.source, key, {**row, "at": datetime.now(UTC)})
    assert resubmit(app, found["id"]).problem == (409, "RESUBMIT_UNDER_WAY")
    Rows("resubmitted").upsert(place.source, key, {**row, "at": datetime(2026, 1, 1, tzinfo=UTC)}, merge=False)
    assert resubmit(app, found["id"]).status == 200


def test_of_two_who_take_over_a_claim_that_nobody_brought_to_an_end_one_puts_it_back(
    app: AppHost, azure: AzureStandin, builds: Watched
) -> None:
    found = set_aside(app, b"left by somebody", "left-claim")
    claimed(found, datetime(2026, 1, 1, tzinfo=UTC), b"left by somebody")
    azure.fault("GET", "/tables/resubmitted", hold_s=30, times=2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(resubmit, app, found["id"]) for _ in range(2)]
        eventually(lambda: len(azure.held("GET")) == 2)  # both have read who left it
        azure.held("DELETE")
        assert sorted(each.result(30).status for each in both) == [200, 409]
    assert len(builds.new()) == 1


def test_while_nobody_knows_whether_it_was_taken_only_the_same_body_goes_back(
    app: AppHost, builds: Watched, version: str
) -> None:
    body, other = a_message(version).decode(), a_message(f"{version}.1").decode()
    found = set_aside(app, b"misspelt again", f"unknown-{version}")
    claimed(found, datetime(2026, 1, 1, tzinfo=UTC), body.encode())
    late = resubmit(app, found["id"], OLGA, body=other)
    assert late.problem == (409, "RESUBMIT_UNKNOWN") and "Somebody" in late.json["detail"]
    assert resubmit(app, found["id"]).problem == (409, "RESUBMIT_UNKNOWN")
    assert builds.new() == []
    assert resubmit(app, found["id"], OLGA, body=body).status == 200
    (message,) = builds.new()
    assert message.message_id == f"{found['id']}:again", "the id that it had before"


def test_whoever_does_not_hear_whether_it_was_taken_keeps_the_claim(
    app: AppHost, builds: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ServiceBusSender.send_messages

    def send_and_hear_nothing(sender: ServiceBusSender, message: ServiceBusMessage, **more: Any) -> None:
        send(sender, message, **more)
        raise OperationTimeoutError(message="the answer was lost")

    found = set_aside(app, b"perhaps", "perhaps")
    with monkeypatch.context() as lossy:
        lossy.setattr(ServiceBusSender, "send_messages", send_and_hear_nothing)
        assert resubmit(app, found["id"], body="{}").problem == (503, "AZURE_UNKNOWN")
    assert {each.message_id for each in builds.new()} == {f"{found['id']}:again"}
    assert resubmit(app, found["id"]).problem == (409, "RESUBMIT_UNDER_WAY")
    assert builds.new() == []


def test_one_that_was_put_back_and_still_lies_there_says_so_and_goes_with_the_next_one(app: AppHost) -> None:
    left, other = set_aside(app, b"left behind", "left"), set_aside(app, b"other", "other")
    place = place_of(left["id"])
    assert place is not None
    lay_since = datetime.fromisoformat(left["at"]).replace(microsecond=0)
    values = {"state": "sent", "by": "Alice", "at": datetime.now(UTC), "lay_since": lay_since}
    Rows("resubmitted").insert(place.source, f"{place.sequence:019d}", values)
    (found,) = listed(app, "left")
    assert found["resubmitted_by"] == "Alice" and found["resubmitted_at"]
    assert resubmit(app, other["id"]).json["taken_away"]
    assert listed(app, "left") == []


def test_whoever_only_reads_puts_nothing_back(app: AppHost) -> None:
    found = set_aside(app, b"not for readers", "reader")
    assert resubmit(app, found["id"], ERIN).problem == (403, "FORBIDDEN")
    assert app.http("GET", "/api/rejected").problem == (401, "NOT_SIGNED_IN")


@pytest.mark.parametrize("id", ["builds-rejected.999999", "builds.1e3", "elsewhere.1", "builds-rejected.-1", *BEYOND])
def test_a_message_that_is_not_there_is_not_found(app: AppHost, id: str) -> None:
    assert resubmit(app, id).problem == (404, "UNKNOWN_MESSAGE")
    assert app.http("GET", f"/api/rejected/{id}", ERIN).problem == (404, "UNKNOWN_MESSAGE")


def test_a_secret_that_this_process_has_read_is_hidden_in_bodies(app: AppHost, azure: AzureStandin) -> None:
    value = Secrets(azure.settings).read(a_secret(azure, "open-sesame"))
    found = set_aside(app, f"key: {value}!".encode(), "secret")
    assert found["body"] == "key: (secret)!"


def test_a_wrong_query_or_body_is_refused(app: AppHost) -> None:
    assert app.http("GET", "/api/rejected?source=elsewhere", ERIN).problem == (422, "INVALID_QUERY")
    for after in ("builds.x", *BEYOND):
        assert app.http("GET", f"/api/rejected?after={after}", ERIN).problem == (422, "INVALID_QUERY")
    found = set_aside(app, b"strict", "strict")
    assert resubmit(app, found["id"], to="elsewhere").problem == (422, "INVALID_BODY")
    assert set(get_args(RejectedQuery.model_fields["source"].annotation)[0].__args__) == set(SOURCES)
