"""Azure Monitor's adapter with the real SDK against the stand-in's workspace: the production KQL on real rows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from slipway.promotion.judge.windows import Arm
from tests.adapters.telemetry_rows import TICK, Telemetry
from tests.laptop import AzureStandin

QUERY = "/v1/$batch"


@pytest.fixture
def telemetry(azure: AzureStandin) -> Iterator[Telemetry]:
    telemetry = Telemetry.of(azure)
    yield telemetry
    telemetry.no_mishap()


def fault_of(telemetry: Telemetry, **source: object) -> str:
    """The words of all windows of a question over two ticks."""
    first, second = telemetry.windows(telemetry.question(2), **source)
    assert first.fault and second.fault and (first.canary, first.baseline, first.halves) == (None, None, None)
    assert [first.tick, second.tick] == [1, 2]
    return first.fault


def test_both_arms_in_blocks_of_ten_seconds(telemetry: Telemetry) -> None:
    telemetry.log(
        [telemetry.request(block * 10 + 3, instance=instance) for block in range(6) for instance in "ab"]
        + [telemetry.request(block * 10 + 9.9, "2.0.0", "c", status=500) for block in (0, 5)]
    )
    [window] = telemetry.windows()
    assert window.fault == "" and window.trouble == ""
    assert window.baseline and window.canary and window.halves
    assert (window.baseline.requests, window.baseline.failures) == ((2,) * 6, (0,) * 6)
    assert (window.canary.requests, window.canary.failures) == ((1, 0, 0, 0, 0, 1), (1, 0, 0, 0, 0, 1))
    assert [half.requests for half in window.halves] == [6, 6]
    assert window.items == 1 and not window.cold


def test_ticks_of_two_seconds_have_six_blocks_too(telemetry: Telemetry) -> None:
    """A sixth of them is no whole number of microseconds."""
    spans = tuple(
        span._replace(begins=telemetry.begins + n * TICK / 30, ends=telemetry.begins + (n + 1) * TICK / 30)
        for n, span in enumerate(telemetry.question(3).spans)
    )
    telemetry.log(telemetry.request(second) for second in (0, 1.999, 2.0, 2.34, 5.9999, 6.0))
    windows = telemetry.windows(telemetry.question(spans=spans))
    baselines = [window.baseline.requests if window.baseline else None for window in windows]
    assert baselines == [(1, 0, 0, 0, 0, 1), (1, 1, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1)]


def test_one_batch_answers_several_ticks(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(60 * tick + 1) for tick in (0, 1, 1, 2, 2, 2, 3))
    totals = [window.baseline.total for window in telemetry.windows(telemetry.question(3)) if window.baseline]
    assert totals == [1, 2, 3]


def test_latencies_lie_in_the_judges_buckets(telemetry: Telemetry) -> None:
    from slipway.promotion.histogram import LatencyHistogram

    ms = [0.0, 0.4, 3.3, 5.0, 47.0, 1234.5]
    telemetry.log(telemetry.request(n, "1.0.0", "ab"[n % 2], duration_ms=each) for n, each in enumerate(ms))
    [window] = telemetry.windows()
    expected = LatencyHistogram()
    for each in ms:
        expected.record(each)
    assert window.baseline and window.baseline.latencies == expected
    assert window.halves and window.halves[0].latencies and window.halves[1].latencies
    assert window.halves[0].latencies.merge(window.halves[1].latencies) == expected
    assert window.canary and window.canary.latencies and window.canary.latencies.count == 0


def test_without_latencies_none_are_asked_for(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1)])
    [window] = telemetry.windows(telemetry.question(latencies=False))
    assert window.baseline and window.baseline.latencies is None


def test_three_instances_make_two_halves_and_one_makes_none(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(second, instance=instance) for second, instance in enumerate("abcabcaaa"))
    telemetry.log([telemetry.request(61, instance="a")])
    both, alone = telemetry.windows(telemetry.question(2))
    assert both.halves and [half.requests for half in both.halves] == [5 + 2, 2], "a and c, b"
    assert alone.halves is None and alone.baseline and alone.baseline.total == 1


def test_clients_that_left_count_nowhere_and_a_lost_page_counts_as_a_failure(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(n, status=status) for n, status in enumerate((200, 499, 404, 500)))
    [window] = telemetry.windows()
    assert window.baseline and (window.baseline.total, window.baseline.failed) == (3, 2)


def test_a_silent_canary_has_zeros_and_no_fault(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1)])
    [window] = telemetry.windows()
    assert window.fault == "" and window.canary is not None
    assert window.canary.requests == (0,) * 6


def test_nothing_of_either_release_is_a_fault_of_that_tick_only(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1), telemetry.request(2, "9.9.9"), telemetry.request(61, "9.9.9")])
    seen, unseen = telemetry.windows(telemetry.question(2))
    assert seen.fault == "" and seen.baseline and seen.baseline.total == 1
    assert "nothing of either release" in unseen.fault and unseen.baseline is None and unseen.canary is None


def test_history_is_the_baseline_alone_in_whole_ticks(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(60 * tick + n, instance="ab"[n % 2]) for tick in range(10) for n in range(tick + 1))
    windows = telemetry.windows(telemetry.question(10, canary=""))
    assert [window.baseline.requests for window in windows if window.baseline] == [(n + 1,) for n in range(10)]
    assert {window.canary for window in windows} == {None}
    assert windows[0].halves is None and windows[1].halves is not None


def test_a_canary_is_cold_while_an_instance_of_it_is_young(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(second) for second in (1, 61, 121, 181))
    telemetry.log([telemetry.request(30, "2.0.0", "old"), telemetry.request(150, "2.0.0", "scaled-out")])
    telemetry.log(telemetry.request(second, "2.0.0", "old") for second in (70, 130, 190))
    asked = telemetry.question(4, warm_up_s=45.0, since=telemetry.begins - timedelta(minutes=1))
    assert [window.cold for window in telemetry.windows(asked)] == [True, False, True, False]


def test_a_canary_seen_before_the_first_span_is_warm(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(-100, "2.0.0"), telemetry.request(10, "2.0.0")])
    [window] = telemetry.windows(telemetry.question(warm_up_s=120.0, since=telemetry.begins - timedelta(minutes=10)))
    assert not window.cold


def test_late_rows_are_there_when_the_same_span_is_asked_for_again(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(n / 2, instance="ab"[n % 2]) for n in range(100))
    telemetry.mishap(delay_s=1e7, late=0.5)
    [early] = telemetry.windows()
    telemetry.no_mishap()
    [late] = telemetry.windows()
    assert early.baseline and 20 < early.baseline.total < 80
    assert late.baseline and late.baseline.total == 100


def test_the_order_of_rows_does_not_matter(telemetry: Telemetry) -> None:
    telemetry.log(telemetry.request(n / 2, "12"[n % 2] + ".0.0", "abc"[n % 3], duration_ms=n) for n in range(1, 120))
    ordered = telemetry.windows()
    telemetry.mishap(shuffled=True)
    assert telemetry.windows() == ordered and ordered[0].fault == ""


def test_rows_that_come_twice_count_twice(telemetry: Telemetry) -> None:
    """Nothing tells them apart, and both arms get them alike."""
    telemetry.log([telemetry.request(1), telemetry.request(2, status=500)])
    telemetry.mishap(twice=1.0)
    [window] = telemetry.windows()
    assert window.baseline and (window.baseline.total, window.baseline.failed) == (4, 2)


def test_part_of_an_answer_is_never_judged(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1), telemetry.request(61)])
    telemetry.mishap(partial=1)
    assert "in part only" in fault_of(telemetry)
    assert telemetry.windows()[0].fault == "", "the next answer is whole again"


def test_throttled(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1)])
    telemetry.mishap(throttled=1)
    assert "slow down" in fault_of(telemetry)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"answer": {"status": 500}}, "HTTP 500"),
        ({"answer": {"status": 503, "body": {"error": {"code": "Busy", "message": "later"}}}}, "not available (Busy"),
        ({"answer": {"status": 200, "body": "<html>proxy</html>"}}, ""),
        ({"answer": {"status": 200, "body": {"responses": []}}}, "form that cannot be read"),
        ({"drop": "before"}, ""),
        ({"drop": "after"}, ""),
    ],
)
def test_a_workspace_that_is_away_is_a_fault_and_no_exception(
    azure: AzureStandin, telemetry: Telemetry, how: dict[str, object], words: str
) -> None:
    azure.fault("POST", QUERY, **how)
    assert words in (fault := fault_of(telemetry)) and fault
    assert azure.faults_left() == []


def test_an_answer_that_takes_too_long_is_a_fault(
    azure: AzureStandin, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slipway.adapters.telemetry import logs

    monkeypatch.setattr(logs, "READ_S", 0.3)
    monkeypatch.setattr(logs, "logs_client", logs.logs_client.__wrapped__)  # type: ignore[attr-defined]  # one of its own
    azure.fault("POST", QUERY, hold_s=5)
    assert "never came" in fault_of(telemetry)


def test_a_missing_right_names_the_role_that_gives_it(azure: AzureStandin, telemetry: Telemetry) -> None:
    body = {
        "error": {"code": "InsufficientAccessError", "message": "The provided credentials have insufficient access"}
    }
    azure.fault("POST", QUERY, answer={"status": 403, "body": body})
    assert "Microsoft.OperationalInsights/workspaces/query/AppRequests/read" in fault_of(telemetry)


def test_a_query_with_an_error_of_syntax_is_named(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1)])
    fault = fault_of(telemetry, metrics=(("checkouts", "AppRequests | summarise count()"),))
    assert "metric checkouts" in fault and "BadArgumentError" in fault


def test_own_queries_take_the_place_of_the_built_in_ones(telemetry: Telemetry) -> None:
    """With the parameters that every query gets: here only paths of the shop count, and only slow ones are slow."""
    telemetry.log(
        telemetry.request(
            n, "12"[n % 2] + ".0.0", "abcd"[n % 4], path=["/shop", "/ping"][n // 4 % 2], duration_ms=n + 1
        )
        for n in range(56)
    )
    base = """AppRequests
        | where TimeGenerated >= begins and TimeGenerated < ends and AppRoleName == role and AppVersion in (versions)
        | where Url == "/shop" """
    by = "by Bin = bin_of(TimeGenerated), Version = AppVersion, Instance = AppRoleInstance"
    [window] = telemetry.windows(
        query=f"{base} | summarize Requests = sum(ItemCount), Failures = countif(not(Success)) {by}",
        latency_query=f"{base} | summarize Count = sum(ItemCount) {by}, DurationMs",
        metrics=(("slow", f"{base} | summarize Total = count(), Bad = countif(DurationMs > 40) {by}"),),
    )
    assert window.fault == "" and window.canary and window.baseline and window.halves
    assert window.canary.total == window.baseline.total == 14
    assert window.baseline.latencies and window.baseline.latencies.count == 14
    total, bad = window.baseline.own["slow"]
    assert total == 14 and 0 < bad < 14
    assert [half.requests for half in window.halves] == [7, 7]
    assert sum(half.own["slow"][1] for half in window.halves) == bad


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("AppRequests | summarize Requests = count() by Version = AppVersion", "no column Bin and no Instance"),
        (
            "AppRequests | where AppRoleName == role | project Bin = 'now', Version = AppVersion, Instance = Url, "
            "Requests = 1, Failures = 0",
            "column Bin holds 'now'",
        ),
        (
            "AppRequests | where AppRoleName == role | project Bin = 0, Version = AppVersion, Instance = Url, "
            "Requests = DurationMs, Failures = 0",
            "column Requests holds 5.5",
        ),
        ("AppRequests | where Nonsense == 1", "Nonsense"),
    ],
)
def test_what_a_query_lacks_is_named(telemetry: Telemetry, query: str, words: str) -> None:
    telemetry.log([telemetry.request(1, duration_ms=5.5)])
    assert words in fault_of(telemetry, query=query)


@pytest.mark.parametrize("name", ['" or 1 == 1 //', "\\", '\\" | take 1', "x'); AppRequests | take 1", "ünï ⌘"])
def test_no_name_gets_out_of_its_quotes(telemetry: Telemetry, name: str) -> None:
    telemetry.log([telemetry.request(1), telemetry.request(2, name)])
    [window] = telemetry.windows(telemetry.question(canary=name))
    assert window.canary and window.canary.total == 1
    telemetry.role, other = name, telemetry.role
    assert "nothing of either release" in fault_of(telemetry), "that role has no rows, and sees none of another"
    telemetry.role = other


def test_a_name_that_no_query_can_hold_is_a_fault(telemetry: Telemetry) -> None:
    assert "cannot be asked for" in fault_of(telemetry, role="a\nb")


def test_no_spans_no_windows(telemetry: Telemetry) -> None:
    assert telemetry.windows(telemetry.question(0)) == []


def test_an_arm_without_rows_is_as_long_as_the_other(telemetry: Telemetry) -> None:
    telemetry.log([telemetry.request(1, "2.0.0")])
    [window] = telemetry.windows()
    assert window.baseline is not None and window.baseline.latencies is not None
    assert window.baseline == Arm((0,) * 6, (0,) * 6, window.baseline.latencies)
