"""Config.json: what is understood, and what is refused by name before anything starts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.local.servicebus.config import ConfigError, read_config
from slipway.local.servicebus.entry import Settings

SUBSCRIPTION: dict[str, Any] = {"Name": "east"}


def written(tmp_path: Path, queues: list[Any] | None = None, topics: list[Any] | None = None) -> Path:
    path = tmp_path / "Config.json"
    namespace = {"Name": "sbemulatorns", "Queues": queues or [], "Topics": topics or []}
    path.write_text(json.dumps({"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}}))
    return path


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


def test_a_rule_that_lets_everything_pass_is_as_good_as_none(tmp_path: Path) -> None:
    rules = [a_rule(FilterType="Sql", SqlFilter={"SqlExpression": "1=1"}), {"Name": "$Default"}]
    (topic,) = read_config(written(tmp_path, topics=news_with({"Rules": rules}))).topics
    assert [each.name for each in topic.subscriptions] == ["east"]


@pytest.mark.parametrize(
    ("queues", "topics", "complaint"),
    [
        ([{"Name": "q", "Properties": {"RequiresSession": True}}], [], "queue 'q': RequiresSession is not"),
        ([{"Name": "q", "Properties": {"ForwardTo": "r"}}], [], "queue 'q': ForwardTo is not supported"),
        ([], news_with({"Properties": {"RequiresSession": True}}), "subscription 'east': RequiresSession"),
        (
            [],
            news_with({"Rules": [a_rule(FilterType="Correlation", CorrelationFilter={"Label": "x"})]}),
            "subscription 'east': rule 'r'",
        ),
        (
            [],
            news_with({"Rules": [a_rule(FilterType="Sql", SqlFilter={"SqlExpression": "a = 1"})]}),
            "subscription 'east': rule 'r'",
        ),
        (
            [],
            news_with(
                {
                    "Rules": [
                        a_rule(
                            FilterType="Sql",
                            SqlFilter={"SqlExpression": "1=1"},
                            Action={"SqlExpression": "SET a = 1"},
                        )
                    ]
                }
            ),
            "rule actions",
        ),
        ([{"Name": "q", "Properties": {"EnablePartitioning": True}}], [], "EnablePartitioning: Extra inputs"),
        ([{"Name": "q", "Properties": {"LockDuration": "a minute"}}], [], "LockDuration"),
        ([{"Name": "q"}, {"Name": "Q"}], [], "two queues or topics are called q"),
    ],
)
def test_what_this_broker_cannot_do_is_refused_by_name(
    tmp_path: Path, queues: list[Any], topics: list[Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_config(written(tmp_path, queues, topics))


def test_a_refused_configuration_ends_the_process_with_one_clear_line(tmp_path: Path) -> None:
    config = written(tmp_path, [{"Name": "q", "Properties": {"RequiresSession": True}}])
    command = [sys.executable, "-m", "slipway.local.servicebus", "--config", str(config)]
    done = subprocess.run([*command, "--state", str(tmp_path / "s.sqlite")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"servicebus: {config}: queue 'q': RequiresSession is not supported by this broker\n")


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json: No such file"):
        read_config(tmp_path / "nowhere.json")
