"""A good release of real durations on the whole laptop system, in virtual time: how it ramps over an outage of
telemetry, and its one trace from the message of CI to the last change of weights, as the real SDK sent it to the
workspace's tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.alerts.rules import ROOT, alert
from tests.end_to_end.system import System, a_message, start
from tests.end_to_end.test_virtual_ramp import (
    GOOD,
    HOUR,
    MINUTE,
    RAMPED,
    START,
    clock,
    production,
    ramp,
    told,
    until_it_bakes_or_ends,
)
from tests.end_to_end.test_virtual_time import let_pass

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_CI = f"00-{TRACE}-00f067aa0ba902b7-01"
ID = f"checkout--{GOOD}"
WHOLE = f"""
union
    (AppRequests | where OperationId == '{TRACE}' | project TimeGenerated, Id, ParentId, Name, Properties),
    (AppDependencies | where OperationId == '{TRACE}' | project TimeGenerated, Id, ParentId, Name, Properties)
| extend Stage = tostring(Properties.stage), Target = tostring(Properties.target), Share = todouble(Properties.share),
    Outcome = tostring(Properties.outcome), Promotion = tostring(Properties.promotion)
| order by TimeGenerated asc
"""


@dataclass(frozen=True)
class Life:
    """A promotion whose message came with CI's context, and whose ramp was without telemetry for a while: it has
    passed. `before` and `blind` are its ramp as it was shown before the outage and in it."""

    system: System
    before: dict[str, Any]
    blind: dict[str, Any]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with start(tmp_path_factory.mktemp("trace"), RAMPED, virtual_time=True, starts_at=START) as laptop:
        served = System(laptop)
        served.send(a_message(GOOD, finished_at=START.isoformat()), traceparent=OF_CI)
        served.until_state(ID, "production", "deploying")
        let_pass(served, 6 * MINUTE)
        before = ramp(served, ID)
        served.azure("POST", "/standin/telemetry", json={"lost": 1})
        let_pass(served, 4 * MINUTE)
        blind = ramp(served, ID)
        let_pass(served, 2 * MINUTE)
        served.azure("DELETE", "/standin/telemetry")
        assert until_it_bakes_or_ends(served, ID)["state"] == "baking"
        let_pass(served, 31 * MINUTE)
        assert production(served, ID)["state"] == "passed"
        yield Life(served, before, blind)


@pytest.fixture
def system(life: Life) -> System:
    return life.system


@pytest.mark.timeout(300)
def test_a_good_release_ramps_over_an_outage_of_telemetry(life: Life) -> None:
    assert (life.before["share"], life.before["tick"]) == (0.05, 5)
    assert (life.blind["tick"], life.blind["share"]) == (9, 0.05)
    assert "telemetry" in life.blind["words"], life.blind["words"]
    assert life.system.live(ID) == {"weu": GOOD, "neu": GOOD}
    stamped = [each["properties"]["end_time"] for each in life.system.deployments("checkout-weu")]
    assert [abs(datetime.fromisoformat(each) - START) < timedelta(minutes=1) for each in stamped] == [True]


def test_every_step_from_intake_to_the_last_split_is_in_the_trace_of_ci_in_order(system: System) -> None:
    rows = system.until_asked(WHOLE, lambda rows: any(row["Name"] == "swap" for row in rows))
    first, *others = rows
    assert (first["Name"], first["ParentId"], first["Promotion"]) == ("builds", OF_CI.split("-")[2], ID)
    assert {row["ParentId"] for row in others} == {first["Id"]}
    assert {row["Promotion"] for row in others} == {ID}
    names = list(dict.fromkeys(row["Name"] for row in others))
    assert names[0] == "claim_promotion"
    path = ["survey_targets", "deploy", "check_health", "begin_ramp", "split", "judge_tick", "swap"]
    assert [name for name in names if name in path] == path
    shares = [row["Share"] for row in others if row["Name"] == "split" and row["Outcome"] == "passed"]
    assert shares == sorted(shares) and shares[0] == 0.05
    assert {row["Target"] for row in others if row["Name"] in ("deploy", "swap")} == {"weu", "neu"}
    assert {row["Stage"] for row in others if row["Name"] in path} == {"production"}


def test_no_activity_of_the_promotion_is_outside_of_the_trace(system: System) -> None:
    rows = system.ask("AppDependencies | where isnotempty(tostring(Properties.outcome)) | project Name, OperationId")
    assert len(rows) > 20
    assert [row["Name"] for row in rows if row["OperationId"] != TRACE] == []


def test_spans_have_the_time_of_the_system(system: System) -> None:
    span = system.ask("AppDependencies | summarize Oldest = min(TimeGenerated), Newest = max(TimeGenerated)")[0]
    oldest, newest = (datetime.fromisoformat(span[name]) for name in ("Oldest", "Newest"))
    assert START <= oldest < newest <= clock(system)


def test_the_promotion_says_which_trace_is_its_own(system: System) -> None:
    assert system.get(f"/api/promotions/{ID}")["trace"] == TRACE


def test_the_time_without_telemetry_was_told(system: System) -> None:
    blind = alert("ramp-blind")
    assert blind.fires_for(system.ask(blind.query)) == [(ID,)]


def figure(system: System, name: str) -> list[dict[str, Any]]:
    return system.ask((ROOT / "infra" / "figures" / f"{name}.kql").read_text(encoding="utf-8"))


def test_figures_are_found_in_what_was_told(system: System) -> None:
    ended = "promotions-by-outcome"
    system.until_asked((ROOT / "infra" / "figures" / f"{ended}.kql").read_text(), lambda rows: len(rows) == 2)
    assert {row["Outcome"]: row["Promotions"] for row in figure(system, ended)} == {"started": 1, "passed": 1}
    (stage,) = figure(system, "stage-times")
    assert (stage["Stage"], stage["WaitedForPeople"]) == ("production", 0.0)
    assert 45 < stage["Minutes"] < 90
    verdicts = {(row["Verdict"], row["Because"]): row["Ticks"] for row in figure(system, "ramp-verdicts")}
    assert verdicts["wait", "BLIND"] >= 5 and any(verdict == "advance" for verdict, _ in verdicts)
    assert [row["Promotion"] for row in figure(system, "lock-ages")] == [ID]
    assert [(row["Outcome"], row["Messages"]) for row in figure(system, "messages")] == [("was new", 1)]


def test_a_promotion_costs_some_hundred_rows(system: System) -> None:
    """What docs/observability.md says of costs: a promotion of one stage, with a ramp of some half an hour."""
    rows = {(row["Table"], row["What"]): row["Rows"] for row in figure(system, "rows-of-a-promotion")}
    assert sum(rows.values()) < 800, rows


@pytest.mark.timeout(300)
def test_a_release_that_passed_is_watched_until_the_one_before_need_not_be_kept(system: System) -> None:
    let_pass(system, 3 * HOUR)
    action, _, words = told(system, ID)[-1]
    assert (action, words.endswith("nothing was found")) == ("watch.over", True)
