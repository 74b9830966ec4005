"""A promotion as a tree: what a person reads at 80 columns, in a terminal or a pipe."""

import io

import pytest
from rich.console import Console

from slipway.cli.api_answers import Promotion
from slipway.cli.live_tree import Detail, plain, tree
from tests.cli.builders import (
    ASKS,
    FIRST,
    HELD,
    NEEDS,
    NOW,
    TAKEN,
    a_promotion,
    a_ramp,
    a_reason,
    a_stage,
    a_step,
    an_approval,
    at,
    may_promote,
    waiting_for_approval,
)


def shown(document: dict[str, object], width: int = 80, detail: Detail = Detail.ACTIVE) -> str:
    return plain(Promotion.model_validate(document), NOW, width, detail)


def two_regions(state: str, *steps: dict[str, object]) -> dict[str, object]:
    targets = [
        {"name": "weu", "address": "http://localhost:8104", "live": "1.0.0", "idle": "1.1.0"},
        {"name": "neu", "address": "", "live": "", "idle": ""},
    ]
    return a_stage("production", state, steps=list(steps), targets=targets)


def test_a_stage_that_waits_says_whom_it_asks_how_many_answered_and_until_when() -> None:
    assert shown(waiting_for_approval()) == (
        "checkout 1.1.0  ? waiting                                                   34 s\n"
        "main · 8c1f2ab · bob@shop.example · started 34 s ago\n"
        "✓ staging    passed                                                        8.0 s\n"
        "? production asks role:release-manager · 0 of 1                             12 s\n"
        "    answer until 18:40 UTC, in 8 h 00 min; not the author\n"
    )


def test_votes_count_towards_the_question_and_are_named() -> None:
    vote = {"name": "alice", "decision": "approve", "at": at(2), "reason": "looks good"}
    asked = a_stage("production", "waiting for approval", approval=an_approval(vote, at_least=2))
    page = shown(a_promotion(asked))
    assert "1 of 2" in page
    assert "✓ alice  approve looks good" in page


def test_a_passed_stage_is_one_line_with_what_its_load_test_measured() -> None:
    load = a_step("load peak", words="p95 12 ms")
    page = shown(a_promotion(a_stage("test", steps=[a_step("deploy"), load])))
    assert "✓ test passed · p95 12 ms" in page
    assert "deploy" not in page


def test_a_failed_stage_shows_its_steps_and_the_reason() -> None:
    steps = [a_step("deploy"), a_step("load peak", "failed", words="error rate 21 %, allowed 2 %")]
    page = shown(a_promotion(a_stage("test", "failed", words="error rate 21 %", steps=steps), state="failed"))
    assert "✗ test failed · error rate 21 %" in page
    assert "  ✓ deploy" in page
    assert "  ✗ load peak error rate 21 %, allowed 2 %" in page


def test_a_stage_under_way_shows_what_runs_and_what_is_live() -> None:
    page = shown(a_promotion(two_regions("deploying", a_step("deploy", "running", "weu"))))
    assert "» deploy weu" in page
    assert "live 1.0.0 · idle 1.1.0 · http://localhost:8104" in page


def test_a_line_a_stage_names_the_steps_that_run() -> None:
    deploying = two_regions("deploying", a_step("deploy", target="neu"), a_step("deploy", "running", "weu"))
    page = shown(a_promotion(deploying), detail=Detail.STAGES)
    assert "» production deploying · weu" in page
    assert len(page.splitlines()) == 2
    verifying = a_stage("test", "verifying", steps=[a_step("verify health", "running"), a_step("load peak", "running")])
    assert "verifying · verify health, load peak" in shown(a_promotion(verifying), detail=Detail.STAGES)


def test_every_step_shows_when_asked_for() -> None:
    document = a_promotion(two_regions("passed", a_step("deploy", target="weu")))
    assert "deploy weu" not in shown(document)
    assert "deploy weu" in shown(document, detail=Detail.STEPS)


def test_a_stage_that_has_not_begun_names_what_it_comes_after() -> None:
    assert "· test after dev" in shown(a_promotion(a_stage("test", "pending", needs=["dev"])))
    ring = a_stage("live-eu", "pending", needs=["live-one"], ring="ring 2 of 3 of live")
    assert "· live-eu ring 2 of 3 of live · after live-one" in shown(a_promotion(ring))


def test_a_second_try_is_named() -> None:
    assert "test (try 2)" in shown(a_promotion(a_stage("test", "deploying", attempt=2)))


def test_steps_of_an_earlier_try_are_marked() -> None:
    def step(name: str, number: int, state: str = "passed", words: str = "") -> dict[str, object]:
        return a_step(name, state, words=words) | {"operation": f"checkout--1.1.0:test:weu:{name}:{number}"}

    steps = [
        step("deploy", 1, words="deployed to weu"),
        step("load peak", 1, "failed"),
        step("bake", 0, words="watched"),  # a bake has no number of its own
        step("verify health", 2, "running"),
    ]
    again = a_promotion(a_stage("test", "verifying", attempt=2, steps=steps))
    assert [line[2:60].rstrip() for line in shown(again).splitlines()[3:]] == [
        "✓ deploy        try 1 · deployed to weu",
        "✗ load peak     try 1 · failed",
        "✓ bake          try 1 · watched",
        "» verify health",
    ]
    assert "try 1" not in shown(a_promotion(a_stage("test", "verifying", steps=steps)))


def test_a_step_whose_id_was_shortened_is_not_said_to_be_old() -> None:
    steps = [a_step("deploy") | {"operation": "checkout--1.1.0:test:we~0123456789"}]
    assert "try" not in shown(a_promotion(a_stage("test", "verifying", attempt=2, steps=steps))).split("(try 2)")[1]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_command_to_type_is_never_cut(width: int) -> None:
    hold = HELD | {"ended_by": "slipway lift production-west-europe.checkout.0123abcd"}
    page = shown(a_promotion(a_stage("test", "waiting for the lock", may_promote=may_promote(hold))), width)
    assert "…" not in page.partition("held by")[2]
    assert hold["ended_by"].replace(" ", "") in "".join(page.split())


def test_a_command_that_does_not_fit_its_column_has_a_line_of_its_own() -> None:
    page = shown(a_promotion(a_stage("test", "waiting for the lock", may_promote=may_promote(HELD))), 40)
    assert "    slipway lift test.checkout.h1" in page.splitlines()


def test_an_abort_names_who_and_why() -> None:
    aborted = {"by": "alice", "at": at(3), "reason": "wrong build"}
    page = shown(a_promotion(a_stage("dev", "cancelled"), state="cancelled", aborted=aborted))
    assert "aborted by alice: wrong build" in page


def test_a_failed_stage_says_until_when_and_how_it_may_be_tried_again() -> None:
    failed = a_stage("test", "failed", words="it crashed", waits_for="retry", deadline=at(-3600))
    waiting = a_promotion(failed, state="failed", waits_for="test: retry", ended_at="", runtime="Running")
    page = shown(waiting)
    assert "  ? retry may be tried again until 11:40 UTC, in 1 h 00 min\n" in page
    assert "          slipway retry checkout--1.1.0\n" in page
    assert page.splitlines()[0].endswith("30 s"), "it has not gone on since the stage failed"
    assert "slipway retry" not in shown(waiting, detail=Detail.STAGES)
    over = a_stage("test", "failed", words="it crashed", waits_for="retry", deadline=at(1))
    assert "slipway retry" not in shown(a_promotion(over, state="failed"))
    expired = a_stage("production", "cancelled", waits_for="retry", deadline=at(-3600))
    assert "slipway retry" in shown(a_promotion(expired, state="cancelled"))


def test_a_promotion_that_a_newer_package_began_says_that_it_waits_for_that() -> None:
    page = " ".join(shown(a_promotion(a_stage("dev"), waits_for_package="0.2.0")).split())
    assert "a newer package of Slipway began it: it waits until one that runs 0.2.0 is back" in page
    assert "newer package" not in shown(a_promotion(a_stage("dev"), state="passed", waits_for_package="0.2.0"))


def test_a_pause_names_who_why_and_how_to_go_on() -> None:
    paused = {"by": "Alice Adams", "at": at(3), "reason": "lunch"}
    page = shown(a_promotion(a_stage("dev"), paused=paused))
    assert "paused by Alice Adams: lunch; slipway resume checkout--1.1.0" in page
    limited = shown(a_promotion(a_stage("dev"), paused={**paused, "until": at(-3600)}))
    assert "paused by Alice Adams: lunch, at most until" in limited
    assert "paused" not in shown(a_promotion(a_stage("dev"), paused=None))
    assert "paused" not in shown(a_promotion(a_stage("dev"), state="passed", paused=paused))


def test_a_stage_that_waits_for_the_lock_says_every_reason_and_what_ends_it() -> None:
    waits = a_stage(
        "test", "waiting for the lock", waits_for="held by Dave", may_promote=may_promote(HELD, TAKEN, FIRST)
    )
    page = shown(a_promotion(waits))
    assert page.splitlines()[2:] == [
        "… test waiting for the lock                                                 12 s",
        "  ? hold     held by Dave: stocktaking, until 11:40 UTC               1 min 00 s",
        "             slipway lift test.checkout.h1",
        "  … lock     checkout--1.0.9 has the lock, in its stage test               9.0 s",
        "  ! way back the first release here: there may be none to return to",
    ]
    assert "held by Dave" in shown(a_promotion(waits), detail=Detail.STAGES), "a line a stage says the first"


def test_a_stage_whose_turn_has_not_come_says_only_what_will_not_pass_by_itself() -> None:
    pending = a_stage("test", "pending", needs=["dev"], may_promote=may_promote(NEEDS, HELD, TAKEN, FIRST))
    page = shown(a_promotion(a_stage("dev", "deploying"), pending))
    assert "· test after dev" in page
    assert "? hold" in page
    assert "checkout--1.0.9" not in page and "first release" not in page and "has not passed yet" not in page


def test_a_failed_stage_says_what_would_stop_a_retry_too() -> None:
    again = a_reason(
        "RETRY_OPEN", "failed; it may be tried again", "slipway retry checkout--1.1.0 test", until=at(-3600)
    )
    failed = a_stage(
        "test", "failed", waits_for="retry", deadline=at(-3600), may_promote=may_promote(again, HELD, FIRST)
    )
    page = shown(a_promotion(failed, state="failed"))
    assert page.count("may be tried again") == 1
    assert "slipway lift test.checkout.h1" in page
    assert "first release" not in page


def test_below_a_question_comes_until_when_it_may_be_answered_then_what_else_is_in_the_way() -> None:
    asks = a_stage("production", "waiting for approval", approval=an_approval(), may_promote=may_promote(ASKS, FIRST))
    assert shown(a_promotion(asks)).splitlines()[3:] == [
        "    answer   until 18:40 UTC, in 8 h 00 min; not the author",
        "  ! way back the first release here: there may be none to return to",
    ]


def test_a_long_queue_is_a_few_lines() -> None:
    ahead = [a_reason("QUEUED_BEHIND", f"checkout--1.0.{number} is before it in the queue") for number in range(9)]
    page = shown(a_promotion(a_stage("test", "waiting for the lock", may_promote=may_promote(*ahead, FIRST))))
    assert page.count("is before it in the queue") == 3
    assert "… queue    and 6 more\n  ! way back" in page


def test_a_reason_that_this_command_does_not_know_is_shown_by_its_code() -> None:
    new = a_reason("BLACK_FRIDAY", "nothing goes out this week")
    assert "… black friday nothing goes out this week" in shown(
        a_promotion(a_stage("test", "waiting for the lock", may_promote=may_promote(new)))
    )


def test_a_stage_that_was_rolled_back_looks_neither_failed_nor_under_way() -> None:
    page = shown(a_promotion(a_stage("test", "rolled back", ended_at=at(4), words="back on 1.0.0"), state="passed"))
    assert "↩ test rolled back · back on 1.0.0" in page


def test_a_stage_that_was_approved_a_moment_ago_asks_nobody() -> None:
    vote = {"name": "Alice Adams", "decision": "approve", "at": at(0), "reason": ""}
    approval = an_approval(vote) | {"decision": "approved"}
    page = shown(a_promotion(a_stage("production", "waiting for approval", approval=approval), state="waiting"))
    assert "» production approved by Alice Adams" in page
    assert "asks" not in page
    assert "answer until" not in page


def test_a_promotion_whose_orchestration_died_does_not_look_alive() -> None:
    page = shown(a_promotion(a_stage("dev", "deploying"), runtime="Failed"))
    assert "Slipway itself failed" in page


@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    long = a_stage("production-west-europe", "failed", words="a reason that goes on " * 12)
    document = a_promotion(long, state="failed", words="why " * 40, author="x" * 300, branch="feature/" + "y" * 90)
    assert max(len(line) for line in shown(document, width).splitlines()) <= width


def test_names_from_outside_cannot_move_the_cursor_or_turn_the_text() -> None:
    page = shown(a_promotion(author="\x1b[2Jmallory\u202e", branch="[red]main[/red]"))
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "[red]main[/red]" in page


def test_the_terminal_shows_the_same_words_in_colour() -> None:
    promotion = Promotion.model_validate(waiting_for_approval())
    page = io.StringIO()
    Console(file=page, width=80, force_terminal=True, color_system="standard").print(tree(promotion, NOW))
    assert "\x1b[35m? waiting" in page.getvalue()


def test_a_canary_says_how_much_traffic_it_has_since_when_and_what_the_judge_says() -> None:
    page = shown(a_promotion(a_stage("production", "ramping", ramp=a_ramp())))
    assert page.splitlines()[2:4] == [
        "» production ramping · 25 % of the traffic                                  12 s",
        "  » traffic 25 % of the traffic since 10:31 UTC · it has until 09:40  9 min 00 s",
    ]
    words = " ".join(shown(a_promotion(a_stage("production", "ramping", ramp=a_ramp())), width=120).split())
    assert "until 09:40 UTC, in 23 h 00 min" in words
    assert "after tick 12: canary fails 1.0 × as often as baseline" in words
    assert "about 1,200 more canary requests are needed, 4 minutes" in words


def test_a_canary_that_has_just_begun_says_that_nothing_was_judged_yet() -> None:
    ramp = a_ramp(share=0.005, tick=0, words="", code="", deadline="", since="")
    page = shown(a_promotion(a_stage("production", "ramping", ramp=ramp)))
    assert "0.5 % of the traffic" in page and "no tick was judged yet" in page


def test_a_canary_that_waits_for_a_person_says_which_command_ends_that() -> None:
    words = "at 25% a person decides: slipway advance checkout--2.0.0 production"
    ramp = a_ramp(move="HOLD_POINT", move_words=words, calls=True)
    page = " ".join(shown(a_promotion(a_stage("production", "ramping", ramp=ramp))).split())
    assert "? held at 25% a person decides: slipway advance checkout--2.0.0 production" in page


def test_what_a_ramp_could_not_see_or_send_is_a_note() -> None:
    ramp = a_ramp(notes="weu: no top-up is sent any more: /buy answers 404")
    page = " ".join(shown(a_promotion(a_stage("production", "ramping", ramp=ramp))).split())
    assert "note weu: no top-up is sent any more: /buy answers 404" in page


def test_a_flags_ramp_tells_its_users_and_not_the_traffic() -> None:
    ramp = a_ramp(flag="new-checkout (production)")
    page = " ".join(shown(a_promotion(a_stage("production", "ramping", ramp=ramp))).split())
    assert "users 25 % of the users have new-checkout (production)" in page and "of the traffic" not in page


def test_a_comparison_tells_the_users_of_both_variants_and_how_sure_the_difference_is() -> None:
    arms = [
        {"variant": "control", "name": "classic", "users": 10_000, "converted": 500, "bad": 31},
        {"variant": "treatment", "name": "fast", "users": 10_004, "converted": 650, "bad": 29},
    ]
    comparison = {"success": "OrderPlaced", "share": 0.5, "better_by": 0.02, "sure": 0.95, "began_at": at(7200)}
    comparison |= {"until": at(-86_400), "look": 2, "missed": 1, "code": "COMPARING", "words": "", "arms": arms}
    comparison |= {"lift": 0.3, "low": 0.104, "high": None}
    ramp = a_ramp(flag="new-checkout (production)", comparison=comparison)
    page = " ".join(shown(a_promotion(a_stage("production", "ramping", ramp=ramp))).split())
    assert "control 10,000 users (classic) · 5.00% OrderPlaced · 31 met a failure" in page
    assert "treatment +30.0% [+10.4%, open] at 95%, whenever you look · look 2 · without an answer: 1" in page


def test_on_one_line_a_canary_still_says_its_share_and_after_its_end_none() -> None:
    ramping = a_stage("production", "ramping", ramp=a_ramp(), steps=[a_step("ramp", "running", "weu")])
    assert "ramping · 25 % of the traffic" in shown(a_promotion(ramping), detail=Detail.STAGES)
    page = shown(a_promotion(a_stage("production", "baking", ramp=a_ramp())))
    assert "of the traffic" not in page


def test_whoever_wants_every_step_is_told_by_which_trace_they_are_found() -> None:
    promotion = a_promotion(a_stage("staging"), trace="4bf92f3577b34da6a3ce929d0e0e4736")
    assert "\ntrace 4bf92f3577b34da6a3ce929d0e0e4736\n" in shown(promotion, detail=Detail.STEPS)
    assert "trace" not in shown(promotion)
    assert "trace" not in shown(a_promotion(a_stage("staging")), detail=Detail.STEPS)


def test_an_approval_says_who_is_missing_what_it_is_for_and_in_whose_place_people_voted() -> None:
    vote = {"name": "Carol", "delegator": "Alice", "decision": "approve", "at": at(60), "reason": "seen in staging"}
    more = {
        "asks": "2 of role:release-manager, of them 1 of role:qa, not the author, not who approved staging",
        "missing": "1 of role:qa",
        "slots": [{"of": ["role:qa"], "by": ""}, {"of": ["role:release-manager"], "by": "Carol for Alice"}],
        "comment": "required",
        "on_expiry": "escalate",
        "seal": {"digest": "ab" * 32, "parts": {"build": "1", "pipeline": "2"}},
    }
    asked = a_stage("production", "waiting for approval", approval=an_approval(vote, at_least=2) | more)
    page = " ".join(shown(a_promotion(asked, state="waiting")).split())
    assert "1 of 2" in page
    assert "not the author, not who approved staging; then others may, too" in page
    assert "missing 1 of role:qa" in page
    assert "reason wanted with each vote" in page
    assert "seal abababababab of build, pipeline" in page
    assert "Carol for Alice" in page and "approve seen in staging" in page
