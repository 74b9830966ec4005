"""What the demo shows, without the minutes that it takes to see it."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from slipway.cli.api_answers import Promotion
from slipway.cli.laptop.audited.summary import Audited
from slipway.cli.laptop.audited.summary import summary as summary_for_auditors
from slipway.cli.laptop.ramp_seen import Held, Move, RampSeen, ramp_seen
from slipway.cli.laptop.saas.summary import Day
from slipway.cli.laptop.saas.summary import summary as summary_of_a_day
from slipway.cli.laptop.screen import Claim, Screen
from slipway.cli.laptop.summary import AllAtOnce, End, EnvironmentSeen, RampTold, summary
from slipway.cli.laptop.users import Met
from slipway.cli.printing import show
from tests.cli.builders import a_promotion, a_stage, a_step

BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC)
JUDGE = "canary fails 3.6 × as often as baseline, at most 100 × with 90 % confidence; 1 excess failure so far"
MET = Met(
    {"1.0.0": 42_874, "1.1.0": 53_966, "1.3.0-subtle": 656, "": 2},
    {"1.0.0": 130, "1.1.0": 130, "1.3.0-subtle": 5, "": 2},
)
END = End(
    claims=[Claim(12.5, "the system runs: 5 web sites in 4 environments answer 1.0.0"), Claim(151.2, JUDGE)],
    environments=[EnvironmentSeen("production", "weu", "http://localhost:27972", "1.0.0", "1.1.0")],
    ramps=[RampTold("1.1.0", BEGAN.isoformat(), 0.1, "begins", "1.1.0 begins its ramp")],
    users=MET,
    all_at_once=AllAtOnce("1.3.0-subtle", 40.0, 16_000, 0.009, 656, 5),
    seconds=152.0,
)


DAY = Day(
    claims=[Claim(12.5, "the system runs: 6 web sites in three subscriptions answer 1.0.0", "07:00")],
    environments=END.environments,
    ramps=END.ramps,
    users=MET,
    all_at_once=END.all_at_once,
    seconds=120.0,
    rings={"north-europe": Met({"1.0.0": 112_798}, {"1.0.0": 336}), "contoso": MET},
    began=BEGAN.isoformat(),
    ended=(BEGAN + timedelta(hours=7, minutes=53)).isoformat(),
)


def record(seconds: float, share: float, code: str, words: str = JUDGE) -> dict[str, object]:
    at = (BEGAN + timedelta(seconds=seconds)).isoformat()
    told = f"at {100 * share:g} % of the traffic: {words}"
    return {"at": at, "action": f"ramp.{code}", "words": told, "evidence": {"share": share}}


def a_ramp() -> RampSeen:
    return ramp_seen([record(0, 0.1, "begins"), record(4, 0.1, "too-soon"), record(12, 0.25, "patience-over")])


def page(width: int, told: RenderableType | None = None) -> str:
    text = io.StringIO()
    show(Console(file=text, width=width, highlight=False), told or summary(END))
    return text.getvalue()


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("told", [summary(END), summary_of_a_day(DAY)])
def test_no_line_of_the_last_page_is_wider_than_the_terminal(width: int, told: RenderableType) -> None:
    assert max(len(line) for line in page(width, told).splitlines()) <= width


def test_the_page_of_a_day_tells_virtual_time_and_what_the_users_of_each_ring_met() -> None:
    lines = page(80, summary_of_a_day(DAY)).splitlines()
    assert "7 h 53 min of virtual time shown in 120 s, all of it checked:" in lines
    assert any(line.startswith("07:00 ✓ the system runs") for line in lines)
    assert any(line.split() == ["north-europe", "1.0.0", "112,798", "336", "0.30%"] for line in lines)


def test_the_page_for_auditors_says_what_lies_where_and_how_it_is_verified() -> None:
    told = Audited(
        claims=DAY.claims,
        environments=END.environments,
        seconds=60.0,
        began=DAY.began,
        ended=DAY.ended,
        files="/tmp/demo-audit",
    )
    lines = page(120, summary_for_auditors(told)).splitlines()
    assert "7 h 53 min of virtual time shown in 60 s, all of it checked:" in lines
    assert "/tmp/demo-audit/report.html  a page to print" in lines
    assert "slipway audit verify /tmp/demo-audit/trail.jsonl --key /tmp/demo-audit/keys.json" in lines


def test_a_screen_of_virtual_time_says_what_time_it_is_there_and_each_ring_by_its_name() -> None:
    text = io.StringIO()
    with Screen(Console(file=text, width=80, highlight=False), lambda: BEGAN) as screen:
        screen.shown("a ring holds")
        for ring in ("north-europe", "east-us", "east-us"):
            screen.ramp("1.1.0", a_ramp(), Met(), ring)
    assert "12:00 ✓ a ring holds" in text.getvalue()
    assert text.getvalue().count("1.1.0 has 25% in east-us") == 1 == text.getvalue().count("25% in north-europe")
    assert [claim.when for claim in screen.claims] == ["12:00"]


def test_the_last_page_says_what_all_at_once_would_have_broken_and_how_that_is_computed() -> None:
    words = " ".join(page(80).split())
    assert "1.3.0-subtle broke 5 requests of 656 in the 40 s" in words
    assert "about 144 in the same time: 16,000 requests × 0.9%" in words


def test_the_last_page_counts_what_nobody_answered() -> None:
    assert any(line.split() == ["no", "answer", "2", "2", "100.00%"] for line in page(80).splitlines()), page(80)


def test_a_pipe_gets_a_line_for_each_move_once_and_no_escape() -> None:
    text = io.StringIO()
    with Screen(Console(file=text, width=80, highlight=False)) as screen:
        screen.look(Promotion.model_validate(a_promotion(a_stage("production", "ramping"))))
        screen.ramp("1.1.0", a_ramp(), MET)
        screen.ramp("1.1.0", a_ramp(), MET)
    assert text.getvalue().count("1.1.0 has 25%") == 1
    assert "\x1b" not in text.getvalue()


def test_why_a_build_failed_is_told_once_though_its_check_its_stage_and_it_say_so() -> None:
    """And a move of which nobody has said anything ends with its share."""
    text, why = io.StringIO(), "p95 91 ms of 160 requests, 60 ms of 1.2.0 before"
    load = a_step("load everyday", "failed", words=f"checkout-test: {why}")
    stage = a_stage("test", "failed", words=f"checkout-test: {why}; test is still on 1.2.0", steps=[load])
    with Screen(Console(file=text, width=200, highlight=False)) as screen:
        screen.look(Promotion.model_validate(a_promotion(a_stage("test", "verifying"))))
        ended = a_promotion(stage, state="failed", words=f"stage test: {stage['words']}")
        screen.look(Promotion.model_validate(ended))
        screen.ramp("1.1.0", RampSeen((Move(BEGAN, 0.05, "", ""),)), Met(), "east-us")
    assert text.getvalue().count(why) == 1 and "1.1.0 failed: stage test" in text.getvalue()
    assert text.getvalue().rstrip().endswith("1.1.0 has 5% in east-us")


def test_steps_are_the_moves_that_changed_the_share() -> None:
    seen = a_ramp()
    assert [step.share for step in seen.steps] == [0.1, 0.25]
    assert (seen.share, seen.begins, seen.judge) == (0.25, 1, JUDGE)


def test_the_judges_newest_words_are_those_of_the_row_that_the_api_shows() -> None:
    assert ramp_seen([record(0, 0.1, "begins")], {"words": "later words"}).judge == "later words"


@pytest.mark.parametrize(("answered", "is_true"), [(250, True), (280, True), (400, False), (0, False)])
def test_a_share_that_users_did_not_meet_is_not_claimed(answered: int, is_true: bool) -> None:
    assert Held(0.25, BEGAN, BEGAN, 1000, answered).is_true is is_true
