"""Recording: audit, row, list and event; whatever comes twice or is lost, each is there once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.intake import mark_aborted
from slipway.adapters.read_model import newest_promotions, promotion_rows
from slipway.promotion.audit import verify
from slipway.promotion.outcomes import Outcome, iso
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.promotion_run import PromotionRun
from slipway.settings import settings
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import Bus, Watched, properties_of
from tests.promotion.builders import a_build, a_stage

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture(scope="module")
def events(broker: Bus) -> Iterator[Watched]:
    with broker.watch_events() as watched:
        yield watched


@pytest.fixture(autouse=True)
def _only_what_comes_from_now_on(events: Watched) -> None:
    events.new()


def a_record(promotion: Promotion, rev: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "promotion": promotion.id,
        "id": f"{promotion.id}:{rev}",
        "at": iso(datetime.now(UTC)),
        "actor": "slipway",
        "action": "promotion.started",
        "words": "begins its way",
        "evidence": {"rev": rev},
        "row": {"key": "promotion", "rev": rev, "doc": {**a_row(promotion), "state": f"rev {rev}"}},
        "listed_at": promotion.intake["received_at"],
        "service": f"service-of-{promotion.version.replace('.', '-')}",
        **changes,
    }


def a_row(promotion: Promotion) -> dict[str, Any]:
    plan = PromotionPlan(
        "checkout", "team-checkout", "sha256:0", "https://packages.example/{version}.zip", (a_stage(),)
    )
    return PromotionRun(promotion.id, "t1", a_build(promotion.version), plan, iso(datetime.now(UTC))).row()


def state_of(promotion: Promotion) -> str:
    return str(promotion_rows(promotion.id)["promotion"]["state"])


def listed(service: str) -> list[str]:
    return [promotion for promotion, _ in newest_promotions(service, None, 10)]


def audited(promotion: Promotion) -> list[str]:
    lines = AuditLog().lines(promotion.id)
    assert verify(lines) is None
    return [json.loads(line)["id"] for line in lines]


def test_a_record_is_audited_shown_listed_and_published(app: AppHost, promotion: Promotion, events: Watched) -> None:
    order = a_record(promotion)
    answer = app.activity("record", order)
    assert answer.outcome is Outcome.PASSED and answer.result["recorded_at"]
    assert audited(promotion) == [order["id"]]
    assert state_of(promotion) == "rev 1"
    assert listed(order["service"]) == [promotion.id]
    (message,) = events.new()
    event = json.loads(b"".join(message.body))
    assert (message.message_id, event["id"]) == (order["id"], order["id"])
    assert (event["type"], event["source"]) == ("slipway.promotion.started", f"/slipway/promotions/{promotion.id}")
    told = {"format": "cloudevents", "type": "slipway.promotion.started", "action": "promotion.started"}
    assert properties_of(message) == {**told, "promotion": promotion.id}
    assert message.content_type == "application/cloudevents+json"


def test_a_record_that_means_something_to_other_tools_is_published_as_a_cd_event_too(
    app: AppHost, promotion: Promotion, events: Watched
) -> None:
    about = {"service": "checkout", "version": promotion.version}
    for _ in range(2):
        assert app.activity("record", a_record(promotion, about=about)).outcome is Outcome.PASSED
    ours, theirs, *again = events.new()
    assert [message.message_id for message in again] == [ours.message_id, theirs.message_id]
    told = properties_of(theirs)
    assert (told["format"], told["service"]) == ("cdevents", "checkout")
    assert told["type"].startswith("dev.cdevents.pipelinerun.started.")
    assert json.loads(b"".join(theirs.body))["data"]["context"]["id"] == theirs.message_id
    assert theirs.content_type == "application/cloudevents+json"


def test_a_record_that_is_made_twice_is_there_once_and_its_event_says_that_it_is_the_same(
    app: AppHost, promotion: Promotion, events: Watched
) -> None:
    order = a_record(promotion)
    assert [app.activity("record", order).outcome for _ in range(2)] == [Outcome.PASSED] * 2
    assert audited(promotion) == [order["id"]]
    assert listed(order["service"]) == [promotion.id]
    assert {message.message_id for message in events.new()} == {order["id"]}


def test_an_older_record_that_comes_late_does_not_overwrite_the_row(app: AppHost, promotion: Promotion) -> None:
    for rev in (2, 1):
        assert app.activity("record", a_record(promotion, rev)).outcome is Outcome.PASSED
    assert state_of(promotion) == "rev 2"
    assert audited(promotion) == [f"{promotion.id}:2", f"{promotion.id}:1"], "what happened stays on record"


def test_an_aborted_promotion_is_recorded_like_any_other(app: AppHost, promotion: Promotion) -> None:
    mark_aborted(promotion.id)
    assert app.activity("record", a_record(promotion)).outcome is Outcome.PASSED


def test_a_record_without_a_row_is_audited_in_its_own_chain(app: AppHost, promotion: Promotion) -> None:
    chain = f"environment-dev--{promotion.id}"
    order: dict[str, Any] = {
        "id": f"intent:{promotion.id}",
        "chain": chain,
        "at": iso(datetime.now(UTC)),
        "actor": "alice",
    }
    order |= {"action": "intent.hold", "words": "holds", "evidence": {}, "source": "/slipway/environments/dev"}
    assert app.activity("record", order).outcome is Outcome.PASSED
    assert [record["id"] for record in AuditLog().read(chain)] == [order["id"]]


def test_while_the_bus_is_away_the_rest_is_kept_and_the_event_follows(
    app: AppHost, promotion: Promotion, events: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, there = a_record(promotion), settings().servicebus_endpoint
    monkeypatch.setenv("SERVICEBUS__customEndpointAddress", "sb://localhost:9")
    settings.cache_clear()
    answer = app.activity("record", order)
    assert answer.running and answer.words
    assert (audited(promotion), state_of(promotion)) == ([order["id"]], "rev 1")
    assert events.new() == []
    monkeypatch.setenv("SERVICEBUS__customEndpointAddress", there)
    settings.cache_clear()
    assert app.activity("record", order).outcome is Outcome.PASSED
    assert [message.message_id for message in events.new()] == [order["id"]]
    assert audited(promotion) == [order["id"]]
