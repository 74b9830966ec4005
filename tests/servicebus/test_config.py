"""Config.json: what is understood, and what is refused by name before anything starts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.local.servicebus.config import ConfigError, read_config
from slipway.local.servicebus.entry import Settings
from slipway.local.servicebus.rules.rule import CorrelationFilter, Rule, SqlFilter

SUBSCRIPTION: dict[str, Any] = {"Name": "east"}


def written(tmp_path: Path, queues: list[Any] | None = None, topics: list[Any] | None = None) -> Path:
    path = tmp_path / "Config.json"
    namespace = {"Name": "sbemulatorns", "Queues": queues or [], "Topics": topics or []}
    path.write_text(json.dumps({"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}}))
    return path


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = written(tmp_path, queues=[{"Name": "builds", "Properties": {}}])
    plain = read_config(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(path) == plain


def a_rule(**properties: Any) -> dict[str, Any]:
    return {"Name": "r", "Properties": properties}


def news_with(subscription: dict[str, Any]) -> list[Any]:
    return [{"Name": "news", "Properties": {}, "Subscriptions": [{**SUBSCRIPTION, **subscription}]}]


def test_a_queue_without_properties_has_azures_own(tmp_path: Path) -> None:
    (queue,) = read_config(written(tmp_path, [{"Name": "q"}])).queues
    assert (queue.name, queue.settings) == ("q", Settings(lock_ms=60_000, max_deliveries=10))


def test_durations_and_counts_are_taken_as_written_beyond_the_emulators_limits(tmp_path: Path) -> None:
    properties = {
        "DeadLetteringOnMessageExpiration": True,
        "DefaultMessageTimeToLive": "PT1H",
        "DuplicateDetectionHistoryTimeWindow": "PT20S",
        "ForwardDeadLetteredMessagesTo": "",
        "ForwardTo": "",
        "LockDuration": "PT10M",
        "MaxDeliveryCount": 100,
        "RequiresDuplicateDetection": True,
        "RequiresSession": False,
    }
    (queue,) = read_config(written(tmp_path, [{"Name": "q", "Properties": properties}])).queues
    assert queue.settings == Settings(600_000, 100, 3_600_000, True, 20_000)


def test_the_longest_time_to_live_of_azure_means_for_ever(tmp_path: Path) -> None:
    properties = {"DefaultMessageTimeToLive": "P10675199DT2H48M5.4775807S"}
    (queue,) = read_config(written(tmp_path, [{"Name": "q", "Properties": properties}])).queues
    assert queue.settings.ttl_ms is None


def test_a_subscription_without_rules_takes_everything(tmp_path: Path) -> None:
    rules = [a_rule(FilterType="Sql", SqlFilter={"SqlExpression": "1=1"}), {"Name": "all"}]
    topics = [*news_with({"Rules": rules}), {"Name": "more", "Subscriptions": [{"Name": "east"}]}]
    news, more = read_config(written(tmp_path, topics=topics)).topics
    everything = SqlFilter("1=1")
    assert news.subscriptions[0].rules == (Rule("r", everything), Rule("all", everything))
    assert more.subscriptions[0].rules == (Rule("$Default", everything),)


def test_the_emulators_own_example_is_read_whole(tmp_path: Path) -> None:
    queue = {
        "DeadLetteringOnMessageExpiration": False,
        "DefaultMessageTimeToLive": "PT1H",
        "DuplicateDetectionHistoryTimeWindow": "PT20S",
        "ForwardDeadLetteredMessagesTo": "other",
        "ForwardTo": "",
        "LockDuration": "PT1M",
        "MaxDeliveryCount": 3,
        "RequiresDuplicateDetection": False,
        "RequiresSession": True,
    }
    topic = {
        "DefaultMessageTimeToLive": "PT1H",
        "DuplicateDetectionHistoryTimeWindow": "PT20S",
        "RequiresDuplicateDetection": True,
    }
    subscription = {
        "DeadLetteringOnMessageExpiration": True,
        "DefaultMessageTimeToLive": "PT1H",
        "LockDuration": "PT1M",
        "MaxDeliveryCount": 3,
        "ForwardDeadLetteredMessagesTo": "",
        "ForwardTo": "other",
        "RequiresSession": False,
    }
    wanted = {
        "ContentType": "application/text",
        "CorrelationId": "id1",
        "Label": "subject1",
        "MessageId": "msgid1",
        "ReplyTo": "someQueue",
        "ReplyToSessionId": "sessionId",
        "SessionId": "session1",
        "To": "xyz",
    }
    rules = [
        a_rule(FilterType="Correlation", CorrelationFilter={**wanted, "Properties": {"prop3": "value3", "n": 1}}),
        {
            "Name": "user-prop-filter-1",
            "Properties": {
                "FilterType": "Sql",
                "SqlFilter": {"SqlExpression": "sys.MessageId = '123456' AND userProp1 = 'value1'"},
                "Action": {"SqlExpression": "SET sys.To = 'Entity'"},
            },
        },
    ]
    topics = [
        {
            "Name": "t",
            "Properties": topic,
            "Subscriptions": [{**SUBSCRIPTION, "Properties": subscription, "Rules": rules}],
        }
    ]
    config = read_config(written(tmp_path, [{"Name": "q", "Properties": queue}, {"Name": "other"}], topics))
    assert config.queues[0].settings == Settings(60_000, 3, 3_600_000, sessions=True, forward_dead_to="other")
    (read,) = config.topics
    assert read.settings.duplicate_window_ms == 20_000
    assert read.subscriptions[0].settings == Settings(60_000, 3, 3_600_000, True, forward_to="other")
    assert read.subscriptions[0].rules == (
        Rule("r", CorrelationFilter(wanted, {"prop3": "value3", "n": 1})),
        Rule(
            "user-prop-filter-1",
            SqlFilter("sys.MessageId = '123456' AND userProp1 = 'value1'"),
            "SET sys.To = 'Entity'",
        ),
    )


def forwarding(**ways: str) -> list[Any]:
    """Queues, each with where it forwards to."""
    names = {*ways, *ways.values()}
    return [{"Name": name, "Properties": {"ForwardTo": ways.get(name, "")}} for name in sorted(names)]


@pytest.mark.parametrize(
    ("queues", "topics", "complaint"),
    [
        (
            [{"Name": "q", "Properties": {"EnablePartitioning": True}}],
            [],
            r"UserConfig\.Namespaces\.0\.Queues\.0\.Properties\.EnablePartitioning: Extra inputs",
        ),
        ([{"Name": "q", "Properties": {"LockDuration": "a minute"}}], [], "LockDuration"),
        ([{"Name": "q"}, {"Name": "Q"}], [], "two queues or topics are called q"),
        ([{"Name": "q", "Properties": {"ForwardTo": "r"}}], [], "queue 'q': ForwardTo names 'r', and there is no such"),
        (
            [],
            news_with({"Properties": {"ForwardDeadLetteredMessagesTo": "r"}}),
            "topic 'news', subscription 'east': ForwardDeadLetteredMessagesTo names 'r'",
        ),
        (
            [{"Name": "q", "Properties": {"ForwardTo": "r", "RequiresSession": True}}, {"Name": "r"}],
            [],
            "queue 'q': ForwardTo and RequiresSession exclude each other",
        ),
        (forwarding(a="b", b="a"), [], "forwarding goes in a circle: a → b → a"),
        (forwarding(a="b", b="c", c="d", d="e", e="f"), [], "more than 4 hops: a → b → c → d → e → f"),
        (
            [],
            news_with({"Properties": {"ForwardTo": "news"}}),
            "forwarding goes in a circle: news → news/subscriptions/east → news",
        ),
        (
            [],
            news_with({"Properties": {"RequiresDuplicateDetection": True}}),
            r"Topics\.0\.Subscriptions\.0\.Properties\.RequiresDuplicateDetection: Extra inputs",
        ),
        (
            [],
            news_with({"Rules": [a_rule(FilterType="Sql", SqlFilter={"SqlExpression": "a ="})]}),
            r"Subscriptions\.0\.Rules\.0: Value error, the name of a property is missing at the end",
        ),
        ([], news_with({"Rules": [a_rule(Action={"SqlExpression": "a = 1"})]}), "SET or REMOVE is missing before 'a'"),
        ([], news_with({"Rules": [a_rule(FilterType="Correlation")]}), "a correlation filter needs a property"),
        ([], news_with({"Rules": [a_rule(CorrelationFilter={"To": "x"})]}), "FilterType Sql needs an SqlFilter"),
        ([], news_with({"Rules": [a_rule(FilterType="Regex")]}), r"Rules\.0\.Properties\.FilterType"),
        (
            [],
            news_with({"Rules": [a_rule(FilterType="Correlation", CorrelationFilter={"Subject": "x"})]}),
            r"CorrelationFilter\.Subject: Extra inputs",
        ),
        ([], news_with({"Rules": [{"Name": "r"}, {"Name": "R"}]}), "two rules of .*'east' are called r"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    tmp_path: Path, queues: list[Any], topics: list[Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_config(written(tmp_path, queues, topics))


def test_a_refused_configuration_ends_the_process_with_one_clear_line(tmp_path: Path) -> None:
    config = written(tmp_path, [{"Name": "q", "Properties": {"ForwardTo": "r"}}])
    command = [sys.executable, "-m", "slipway.local.servicebus", "--config", str(config)]
    done = subprocess.run([*command, "--state", str(tmp_path / "s.sqlite")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    why = "queue 'q': ForwardTo names 'r', and there is no such queue or topic"
    assert done.stderr == f"servicebus: {config}: {why}\n"


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: No such file"):
        read_config(tmp_path / "nowhere.json")
