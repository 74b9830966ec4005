"""The two activities that use the durable client: copying a lock, and waking waiters."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from slipway.adapters.read_model import environment_row, newest_releases, write_environment
from slipway.promotion import lock
from slipway.promotion.approval import Vote
from slipway.promotion.intents import with_said
from slipway.promotion.outcomes import Answer, Outcome, iso
from tests.activities.conftest import BUSY, DOWN
from tests.app_host import AppHost, ask_people, eventually, has_ended
from tests.laptop import AzureStandin
from tests.promotion.builders import ALICE, a_policy

OVER = {"at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T01:00:00Z"}
NEWER = {"id": "newer", "kind": "hold", "by": "Alice", "reason": "so", **OVER}

pytestmark = pytest.mark.usefixtures("configured")

_NUMBERS = count(1)


@pytest.fixture
def environment() -> str:
    """An environment that nobody has used so far."""
    return f"env-{next(_NUMBERS)}"


def mirror(app: AppHost, environment: str) -> Answer:
    return app.activity("mirror_environment", {"environment": environment, "service": "checkout"})


def hold(app: AppHost, environment: str, id: str) -> None:
    at = datetime.now(UTC)
    given = {"id": id, "by": "Dave", "reason": "stocktaking", "at": iso(at), "expires_at": iso(at + timedelta(hours=1))}
    app.signal("environment", f"{environment}--checkout", "hold", given)


def holds(environment: str) -> list[str]:
    row = environment_row(environment, "checkout")
    return [each["id"] for each in row["intents"]] if row else []


def test_a_lock_is_copied_as_it_is_however_often(app: AppHost, environment: str) -> None:
    hold(app, environment, "h1")
    assert [mirror(app, environment).outcome for _ in range(2)] == [Outcome.PASSED] * 2
    assert environment_row(environment, "checkout") == app.entity("environment", f"{environment}--checkout")
    hold(app, environment, "h2")
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert holds(environment) == ["h1", "h2"]


def test_an_older_copy_never_replaces_a_newer_one(app: AppHost, environment: str) -> None:
    hold(app, environment, "h1")
    write_environment(environment, "checkout", {**lock.empty(), "rev": 99, "intents": with_said(lock.empty(), NEWER)})
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert holds(environment) == ["newer"]


def test_a_lock_that_does_not_show_yet_is_to_be_asked_for_again(app: AppHost, environment: str) -> None:
    answer = mirror(app, environment)
    assert answer.running and answer.after_s > 0
    assert environment_row(environment, "checkout") is None


@pytest.mark.parametrize("fault", [BUSY, DOWN, {"answer": {"status": 403}}])
def test_a_table_that_takes_no_copy_is_an_outcome(
    app: AppHost, azure: AzureStandin, environment: str, fault: dict[str, Any]
) -> None:
    hold(app, environment, "h1")
    azure.fault(None, "/tables/environments", **fault)
    answer = mirror(app, environment)
    assert answer.running if "times" in fault else answer.code == "AZURE_DENIED"
    azure.forget_faults()
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert holds(environment) == ["h1"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_copy_whose_answer_is_lost_is_there(app: AppHost, azure: AzureStandin, environment: str, moment: str) -> None:
    hold(app, environment, "h1")
    azure.fault("POST", "/tables/environments", drop=moment)
    assert mirror(app, environment).running, "whether it is there is not known"
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert holds(environment) == ["h1"]


def test_a_host_that_does_not_answer_about_the_lock_is_an_outcome(app: AppHost, environment: str) -> None:
    hold(app, environment, "h1")
    app.away = 1
    assert mirror(app, environment).running
    assert mirror(app, environment).outcome is Outcome.PASSED


def nudge(app: AppHost, *waiters: str) -> Answer:
    return app.activity("nudge", {"waiters": list(waiters)})


def waiting(app: AppHost, promotion: str) -> str:
    """An approval that people are asked for."""
    instance = f"{promotion}:dev:approval:1"
    ask_people(app, instance, promotion, "dev", a_policy(not_author=False))
    return instance


def decide(app: AppHost, promotion: str) -> None:
    vote = Vote(ALICE, "approve", datetime.now(UTC), None).dump()
    app.signal("decisions", promotion, "vote", {"command": "c1", "stage": "dev", "vote": vote})


def test_a_nudge_wakes_who_waits_and_another_one_does_no_harm(app: AppHost) -> None:
    waiter = waiting(app, "nudged--1")
    decide(app, "nudged--1")
    assert not has_ended(app, waiter)
    assert nudge(app, waiter, waiter).outcome is Outcome.PASSED
    eventually(lambda: has_ended(app, waiter))
    assert nudge(app, waiter).outcome is Outcome.PASSED, "it needs none any more"


def test_a_nudge_for_nothing_ends_no_wait(app: AppHost) -> None:
    waiter = waiting(app, "nudged--0")
    assert nudge(app, waiter).outcome is Outcome.PASSED
    decide(app, "nudged--0")
    assert nudge(app, waiter).outcome is Outcome.PASSED, "an early one does not use up the next"
    eventually(lambda: has_ended(app, waiter))


def test_a_waiter_that_is_not_there_does_not_keep_the_others_asleep(app: AppHost) -> None:
    waiter = waiting(app, "nudged--2")
    decide(app, "nudged--2")
    assert nudge(app, "nobody--1:dev", waiter).outcome is Outcome.PASSED
    eventually(lambda: has_ended(app, waiter))


def test_a_nudge_that_the_host_does_not_take_costs_only_a_timer(app: AppHost) -> None:
    waiter = waiting(app, "nudged--3")
    app.away = 1
    assert nudge(app, waiter).outcome is Outcome.PASSED


# The ledger: copied before the lock whose `rev` says up to where it is.


def switched(app: AppHost, environment: str, version: str) -> None:
    """A release that is live and unproven, under a lock that its stage still holds."""
    at = iso(datetime.now(UTC))
    promotion = f"checkout--{version}"
    asked = {"holder": f"{promotion}:dev", "waiter": "", "promotion": promotion, "stage": "dev", "version": version}
    asked |= {"finished_at": at, "received_at": at, "at": at}
    key = f"{environment}--checkout"
    app.signal("environment", key, "acquire", asked)
    release = {"version": version, "promotion": promotion, "stage": "dev", "commit": "c0ffee", "digest": "", "at": at}
    release |= {"finished_at": at, "received_at": at, "targets": ["weu"], "replaced": {"weu": ""}}
    fence = app.entity("environment", key)["holder"]["fence"]
    app.signal("environment", key, "switched", {"holder": asked["holder"], "fence": fence, "release": release})


def proven(app: AppHost, environment: str) -> None:
    key = f"{environment}--checkout"
    holder = app.entity("environment", key)["holder"]
    given = {"holder": holder["holder"], "fence": holder["fence"], "result": "proven", "at": iso(datetime.now(UTC))}
    app.signal("environment", key, "release", given)


def ledger(environment: str) -> list[tuple[str, str]]:
    return [(each["version"], each["state"]) for each in newest_releases(environment, "checkout", 10)[0]]


def test_each_release_is_in_the_ledger_once_however_often_it_is_copied(app: AppHost, environment: str) -> None:
    for version in ("1.0", "1.1"):
        switched(app, environment, version)
        assert [mirror(app, environment).outcome for _ in range(2)] == [Outcome.PASSED] * 2
        proven(app, environment)
    assert ledger(environment) == [("1.1", "unproven"), ("1.0", "replaced")]
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert ledger(environment) == [("1.1", "proven"), ("1.0", "replaced")]


def test_a_copy_that_dies_between_ledger_and_lock_is_made_whole_by_the_next(
    app: AppHost, azure: AzureStandin, environment: str
) -> None:
    switched(app, environment, "1.0")
    azure.fault("POST", "/tables/environments", answer={"status": 403})
    assert mirror(app, environment).code == "AZURE_DENIED"
    assert (ledger(environment), environment_row(environment, "checkout")) == ([("1.0", "unproven")], None)
    azure.forget_faults()
    proven(app, environment)
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert ledger(environment) == [("1.0", "proven")]


def test_a_copy_that_was_never_made_is_made_up_for_by_the_next(app: AppHost, environment: str) -> None:
    for version in ("1.0", "1.1"):
        switched(app, environment, version)
        proven(app, environment)
    assert mirror(app, environment).outcome is Outcome.PASSED
    assert ledger(environment) == [("1.1", "proven"), ("1.0", "replaced")]


def test_an_older_copy_changes_nothing_in_the_ledger(app: AppHost, environment: str) -> None:
    switched(app, environment, "1.0")
    older = app.entity("environment", f"{environment}--checkout")
    proven(app, environment)
    mirror(app, environment)
    write_environment(environment, "checkout", older)
    assert ledger(environment) == [("1.0", "proven")]


def test_a_ledger_that_has_not_changed_is_not_written_again_however_long_it_is(
    app: AppHost, azure: AzureStandin, environment: str
) -> None:
    switched(app, environment, "1.0")
    mirror(app, environment)
    azure.fault(None, "/tables/releases", answer={"status": 403})
    hold(app, environment, "h1")
    assert mirror(app, environment).outcome is Outcome.PASSED
    azure.forget_faults()
