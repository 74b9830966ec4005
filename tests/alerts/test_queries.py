"""Each alert fires for what it is for and nothing else: its KQL on the laptop's tables, asked as production asks."""

import re
from datetime import timedelta

from tests.alerts.rules import ROOT, alert
from tests.alerts.workspace import Workspace

API = "https://slipway.example/api/promotions"
TWO_HOURS = timedelta(hours=2)


def test_http_5xx_counts_our_own_faults_and_each_request_once(workspace: Workspace) -> None:
    for number in range(4):
        workspace.request("get_promotion", 500, url=API, trace=f"both-{number}")
        workspace.request("GET /api/promotions", 500, url=API, trace=f"both-{number}")
    workspace.request("get_promotion", 404, times=9, url=API)
    workspace.request("janitor", 500, times=9)
    workspace.request("GET /", 500, times=9, url="https://shop.example/", role="shop")
    workspace.request("get_promotion", 503, times=9, url=API, ago=TWO_HOURS)
    assert workspace.fires(alert("http-5xx")) == []
    workspace.request("get_promotion", 503, url=API)
    assert workspace.fires(alert("http-5xx")) == [()]


def test_http_5xx_counts_a_row_that_stands_for_several(workspace: Workspace) -> None:
    workspace.request("get_promotion", 500, url=API, sampled=20)
    assert workspace.fires(alert("http-5xx")) == [()]


def test_a_stuck_promotion_is_named(workspace: Workspace) -> None:
    workspace.line("on its way", promotion="shop--1", stage="dev")
    workspace.line("was stuck", fact="overdue", promotion="shop--1", stage="dev", overdue_minutes=9, ago=TWO_HOURS)
    assert workspace.fires(alert("stuck-promotion")) == []
    workspace.line("stuck", times=3, fact="overdue", promotion="shop--2", stage="dev", overdue_minutes=9.5)
    assert workspace.fires(alert("stuck-promotion")) == [("shop--2",)]


def test_only_a_lock_of_twelve_hours_is_too_old(workspace: Workspace) -> None:
    lock = {"fact": "lock", "environment": "production"}
    workspace.line("holds", **lock, service="shop", age_minutes=11.9 * 60)
    assert workspace.fires(alert("lock-too-old")) == []
    workspace.line("holds", **lock, service="cart", age_minutes=12 * 60)
    assert workspace.fires(alert("lock-too-old")) == [("production", "cart")]


def test_a_broken_lock_is_told_at_once(workspace: Workspace) -> None:
    workspace.line("holds", fact="lock", environment="dev", service="shop", age_minutes=1)
    assert workspace.fires(alert("lock-broken")) == []
    workspace.line("broken", fact="broken lock", environment="dev", service="shop")
    assert workspace.fires(alert("lock-broken")) == [("dev", "shop")]


def test_a_rejected_build_is_told_by_its_code_and_other_builds_are_not(workspace: Workspace) -> None:
    workspace.request("builds", outcome="was new", delivery=1)
    workspace.request("builds", outcome="not for promotion", code="BRANCH_NOT_PROMOTED", delivery=1)
    assert workspace.fires(alert("rejected-builds")) == []
    workspace.request("builds", times=2, trace="one", outcome="rejected", code="UNKNOWN_SERVICE", delivery=2)
    assert workspace.fires(alert("rejected-builds")) == [("UNKNOWN_SERVICE",)]
    assert [row["Rejected"] for row in workspace.ask(alert("rejected-builds").query, TWO_HOURS)] == [1]


def test_intake_fails_when_deliveries_do_not_when_builds_are_rejected(workspace: Workspace) -> None:
    workspace.request("builds", times=9, outcome="rejected", delivery=1)
    workspace.request("builds", times=4, success=False, delivery=3)
    workspace.request("builds", times=4, success=False)  # the host's rows of the same deliveries
    assert workspace.fires(alert("intake-failing")) == []
    workspace.request("builds", success=False, delivery=4)
    assert workspace.fires(alert("intake-failing")) == [()]


def test_who_looks_into_dead_letters_sees_the_deliveries_that_the_alert_counts(workspace: Workspace) -> None:
    """The host has a row of its own for each delivery: counted with ours, every failure would be two."""
    workspace.request("builds", times=3, success=False, delivery=3)
    workspace.request("builds", times=3, success=False)
    text = (ROOT / "docs" / "runbooks" / "dead-letters.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```kusto\n(.*?)```", text, re.DOTALL)
    assert [row["Failures"] for row in workspace.ask(query, TWO_HOURS)] == [3]


def test_a_ramp_is_blind_after_five_ticks_of_its_own(workspace: Workspace) -> None:
    for tick in range(4):
        workspace.dependency("judge_tick", times=2, promotion="shop--1", operation=f"t{tick}", because="BLIND")
    workspace.dependency("judge_tick", times=9, promotion="shop--2", operation="seen", because="TOO_SOON")
    workspace.dependency("judge_tick", promotion="shop--3", operation="other", because="BLIND")
    assert workspace.fires(alert("ramp-blind")) == []
    workspace.dependency("watch_tick", promotion="shop--1", operation="t4", because="BLIND_TOO_LONG")
    assert workspace.fires(alert("ramp-blind")) == [("shop--1",)]


def test_a_trail_that_nobody_could_sign_for_half_an_hour_is_told(workspace: Workspace) -> None:
    assert workspace.fires(alert("audit-unsigned")) == [()]
    workspace.request("audit_checkpoint", success=False, outcome="signed")
    workspace.request("audit_checkpoint", ago=timedelta(minutes=31), outcome="signed")
    workspace.request("audit_checkpoint", times=9)  # the host's rows
    assert workspace.fires(alert("audit-unsigned")) == [()]
    workspace.request("audit_checkpoint", outcome="signed")
    assert workspace.fires(alert("audit-unsigned")) == []


def test_a_janitor_that_does_not_come_is_missed_though_there_is_no_row(workspace: Workspace) -> None:
    assert workspace.fires(alert("janitor-silent")) == [()]
    workspace.request("janitor", success=False, outcome="looked")
    workspace.request("janitor", ago=timedelta(minutes=16), outcome="looked")
    workspace.request("janitor", role="another-app", outcome="looked")
    workspace.request("janitor", times=9)  # the host's rows: a function of that name ended, whatever it did
    assert workspace.fires(alert("janitor-silent")) == [()]
    workspace.request("janitor", outcome="looked")
    assert workspace.fires(alert("janitor-silent")) == []


def test_azure_denies_an_activity_repeatedly(workspace: Workspace) -> None:
    workspace.dependency("deploy", times=2, outcome="broken", code="AZURE_DENIED", target="weu")
    workspace.dependency("deploy", times=9, outcome="broken", code="AZURE_MISSING", target="weu")
    workspace.dependency("swap", times=2, outcome="broken", code="AZURE_DENIED", target="weu")
    assert workspace.fires(alert("azure-denied")) == []
    workspace.dependency("deploy", outcome="broken", code="AZURE_DENIED", target="neu")
    assert workspace.fires(alert("azure-denied")) == [("deploy",)]


def test_an_activity_fails_over_and_over(workspace: Workspace) -> None:
    workspace.dependency("check_health", times=99, outcome="failed", code="UNHEALTHY")
    workspace.dependency("deploy", times=99, outcome="running")
    workspace.dependency("record", times=12, outcome="running", fault="AZURE_UNAVAILABLE")
    workspace.dependency("record", times=7, outcome="broken", code="UNEXPECTED")
    assert workspace.fires(alert("activity-failing")) == []
    workspace.dependency("record", outcome="running", fault="AZURE_THROTTLED")
    assert workspace.fires(alert("activity-failing")) == [("record",)]
