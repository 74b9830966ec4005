"""One trace from the message of CI to the last change of weights, as the real SDK sent it to the workspace's tables."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.alerts.rules import alert
from tests.end_to_end.system import System, a_message, start
from tests.end_to_end.test_virtual_ramp import GOOD, MINUTE, RAMPED, START, clock, until_it_bakes_or_ends
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


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """After a promotion whose message came with CI's context, and whose ramp was without telemetry for a while: its
    release has all the traffic, and bakes."""
    with start(tmp_path_factory.mktemp("trace"), RAMPED, virtual_time=True, starts_at=START) as laptop:
        served = System(laptop)
        served.send(a_message(GOOD, finished_at=START.isoformat()), traceparent=OF_CI)
        served.until_state(ID, "production", "deploying")
        let_pass(served, 5 * MINUTE)
        served.azure("POST", "/standin/telemetry", json={"lost": 1})
        let_pass(served, 6 * MINUTE)
        served.azure("DELETE", "/standin/telemetry")
        assert until_it_bakes_or_ends(served, ID)["state"] == "baking"
        let_pass(served, MINUTE)
        yield served


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
