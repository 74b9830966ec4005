"""Topics with rules, and forwarding, through the SDK."""

from typing import Any

import pytest
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus._common import mgmt_handlers
from azure.servicebus.exceptions import MessagingEntityNotFoundError, ServiceBusError

from tests.servicebus.conftest import BrokerProcess, Opener, body, receive_one


@pytest.fixture(scope="module")
def client(broker: BrokerProcess) -> ServiceBusClient:
    return broker.client(retry_total=0)


@pytest.fixture(scope="module")
def parcels(client: ServiceBusClient, opened: Opener) -> ServiceBusSender:
    return opened(client.get_topic_sender("parcels"))


@pytest.fixture(scope="module")
def changing(client: ServiceBusClient, opened: Opener) -> ServiceBusReceiver:
    return opened(client.get_subscription_receiver("parcels", "changing"))


def a_parcel(name: str, **properties: Any) -> ServiceBusMessage:
    subject = properties.pop("subject", None)
    session = properties.pop("session_id", "anybody")
    return ServiceBusMessage(name, subject=subject, session_id=session, application_properties=properties)


def all_in(receiver: ServiceBusReceiver) -> list[str]:
    """Everything that is there now, completed: what is sent to a topic is in its subscriptions when that returns."""
    waiting = receiver.peek_messages(100, sequence_number=1)
    taken = [receive_one(receiver) for _ in waiting]
    for message in taken:
        receiver.complete_message(message)
    return [body(message) for message in taken]


def ask(receiver: ServiceBusReceiver, operation: str, fields: dict[str, Any]) -> Any:
    """What SDKs with a rule manager send; the one for Python has none, but its receiver can carry it."""
    name = f"com.microsoft:{operation}".encode()
    return receiver._mgmt_request_response_with_retry(name, fields, mgmt_handlers.default)


def rules_of(receiver: ServiceBusReceiver) -> dict[str, Any]:
    """Name to filter and action, each as its fields."""
    told = [rule[b"rule-description"] for rule in ask(receiver, "enumerate-rules", {"top": 100, "skip": 0})[b"rules"]]
    return {name.decode(): (its_filter, action) for its_filter, action, name, _ in told}


def test_each_subscription_gets_what_its_rules_let_through(
    client: ServiceBusClient, parcels: ServiceBusSender, opened: Opener
) -> None:
    heavy, abroad, express = (
        opened(client.get_subscription_receiver("parcels", name)) for name in ("heavy", "abroad", "express")
    )
    parcels.send_messages(
        [
            a_parcel("safe", weight=80, country="CH", subject="express"),
            a_parcel("letter", weight=0.1, country="FR", note="private", subject="express"),
            a_parcel("piano", weight=400, country="DE"),
            a_parcel("nameless"),
        ]
    )
    assert all_in(heavy) == ["safe", "piano"]
    assert all_in(express) == ["safe"]
    letter = receive_one(abroad)
    assert letter.application_properties == {
        b"weight": 0.1,
        b"country": b"FR",
        b"duty": 0.2,
        b"RuleName": b"abroad",
    }
    assert (body(letter), letter.subject) == ("letter", "express")
    abroad.complete_message(letter)
    assert all_in(abroad) == ["piano"]


def test_what_a_rule_cannot_be_asked_of_is_dead_lettered_there_and_nowhere_else(
    client: ServiceBusClient, parcels: ServiceBusSender, opened: Opener
) -> None:
    parcels.send_messages(a_parcel("odd", weight="a lot", country="FR"))
    dead_letters = client.get_subscription_receiver("parcels", "abroad", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    dead = receive_one(opened(dead_letters))
    assert (body(dead), dead.dead_letter_reason) == ("odd", "FilterEvaluationException")
    assert "'a lot' is no number that * could take" in (dead.dead_letter_error_description or "")
    dead_letters.complete_message(dead)


def test_a_subscription_may_have_sessions(client: ServiceBusClient, parcels: ServiceBusSender, opened: Opener) -> None:
    parcels.send_messages([a_parcel(text, session_id="bob") for text in "ab"])
    bob = opened(client.get_subscription_receiver("parcels", "by-customer", session_id="bob"))
    assert all_in(bob) == ["a", "b"]
    parcels.send_messages(ServiceBusMessage("nobody's"))
    graves = opened(
        client.get_subscription_receiver("parcels", "by-customer", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    )
    dead = receive_one(graves)
    assert (body(dead), dead.dead_letter_reason) == ("nobody's", "Session ID is null")
    graves.complete_message(dead)


def test_rules_are_added_told_and_removed_while_it_runs(
    parcels: ServiceBusSender, changing: ServiceBusReceiver
) -> None:
    all_in(changing)
    assert rules_of(changing) == {"$Default": ([], [])}
    sql = {"sql-filter": {"expression": "weight < 5"}, "sql-rule-action": {"expression": "SET light = TRUE"}}
    ask(changing, "add-rule", {"rule-name": "light", "rule-description": sql})
    correlation = {"correlation-filter": {"label": "express", "properties": {"country": "CH"}}}
    ask(changing, "add-rule", {"rule-name": "express", "rule-description": correlation})
    ask(changing, "remove-rule", {"rule-name": "$default"})
    told = rules_of(changing)
    assert told["light"] == ([b"weight < 5", 20], [b"SET light = TRUE", 20])
    assert told["express"] == ([None, None, None, None, b"express", None, None, None, {b"country": b"CH"}], [])
    parcels.send_messages(
        [a_parcel("brick", weight=7), a_parcel("feather", weight=0), a_parcel("post", subject="express", country="CH")]
    )
    assert all_in(changing) == ["feather", "post"]


def test_a_rule_that_is_wrong_or_twice_or_unknown_is_refused(
    client: ServiceBusClient, changing: ServiceBusReceiver, opened: Opener
) -> None:
    anything = {"sql-filter": {"expression": "1=1"}}
    ask(changing, "add-rule", {"rule-name": "once", "rule-description": anything})
    with pytest.raises(ServiceBusError, match="has a rule 'Once' already"):
        ask(changing, "add-rule", {"rule-name": "Once", "rule-description": anything})
    wrong = {"sql-filter": {"expression": "weight >"}}
    with pytest.raises(ServiceBusError, match="rule 'wrong': the name of a property is missing at the end"):
        ask(changing, "add-rule", {"rule-name": "wrong", "rule-description": wrong})
    with pytest.raises(MessagingEntityNotFoundError, match="has no rule 'never'"):
        ask(changing, "remove-rule", {"rule-name": "never"})
    with pytest.raises(ServiceBusError, match="is no subscription"):
        ask(opened(client.get_queue_receiver("sent")), "add-rule", {"rule-name": "r", "rule-description": anything})
    assert "wrong" not in rules_of(changing)


def test_messages_are_forwarded_and_dead_letters_too(client: ServiceBusClient, opened: Opener) -> None:
    first = opened(client.get_queue_sender("first"))
    second, last = opened(client.get_queue_receiver("second")), opened(client.get_queue_receiver("last"))
    first.send_messages(ServiceBusMessage("a", application_properties={"n": 1}))
    message = receive_one(second)
    assert (body(message), message.application_properties) == ("a", {b"n": 1})
    second.dead_letter_message(message, reason="no good")
    message = receive_one(last)
    assert (body(message), message.dead_letter_reason, message.dead_letter_source) == ("a", "no good", "second")
    last.complete_message(message)


def test_nobody_receives_where_messages_are_only_passed_on(client: ServiceBusClient) -> None:
    receiver = client.get_queue_receiver("first")
    with pytest.raises(ServiceBusError, match="first forwards to Second"):
        receiver.receive_messages(max_wait_time=5)
    receiver.close()
