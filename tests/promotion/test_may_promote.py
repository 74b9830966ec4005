"""May this build go to this stage now? Every reason, and never another answer than the lock's own."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion import decisions, lock
from slipway.promotion.approval import APPROVED, REJECT
from slipway.promotion.approval_policy import Escalation
from slipway.promotion.calendar.windows import Calendar, Freeze
from slipway.promotion.ids import stage_id
from slipway.promotion.may_promote import Case, Reason, may_promote
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan, Target
from tests.promotion.builders import ALICE, BOB, NOON, a_policy, a_stage, a_vote, later

PROD = a_stage("prod", ("test",), approval=a_policy(), on_newer_build="queue")
MINE = "checkout--2"
MODES = ("queue", "supersede", "ignore", "latest", "each")


def a_case(stage: StagePlan = PROD, **changes: Any) -> Case:
    case = Case(
        stage=stage,
        service="checkout",
        promotion=MINE,
        version="2",
        finished_at=iso(later(minutes=2)),
        received_at=iso(later(minutes=2)),
        lock=with_release("1"),
        decisions=at_the_lock(),
        at=iso(later(minutes=10)),
    )
    return replace(case, **changes)


def codes(case: Case) -> list[str]:
    return [reason.code for reason in may_promote(case).reasons]


def only(case: Case) -> Reason:
    [reason] = may_promote(case).reasons
    return reason


# -- a promotion whose stage `prod` needs `test` and people


def decide(state: dict[str, Any], *operations: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    for name, asked in operations:
        state = decisions.apply(state, name, asked)[0]
    return state


BEGIN = ("begin", {"stages": ["test", "prod"]})
ASK = (
    "ask_approval",
    {"stage": "prod", "policy": asdict(a_policy()), "deadline": iso(later(hours=8)), "waiter": "w"},
)


def report(stage: str = "test", outcome: str = "passed", over: bool = True) -> tuple[str, dict[str, Any]]:
    until = "" if over else iso(later(hours=24))
    told = {"stage": stage, "outcome": outcome, "over": over, "attempt": 1, "waiter": f"w:{stage}", "until": until}
    return "report", told


def said(command: str) -> tuple[str, dict[str, Any]]:
    given = {"command": command, "by": "Alice", "at": iso(later(minutes=5)), "reason": "lunch", "stage": ""}
    return command, given


def vote(person: Any = ALICE, **changes: Any) -> tuple[str, dict[str, Any]]:
    return "vote", {"command": person.name, "stage": "prod", "vote": a_vote(person, **changes).dump()}


def at_the_lock(*more: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return decide(decisions.empty(), BEGIN, report(), ASK, vote(), *more)


# -- the lock of `prod`


def build(number: int, mode: str = "queue", minutes: float | None = None, **more: Any) -> dict[str, Any]:
    """What the stage `prod` of build `number` asks the lock with; CI finished it so many minutes after noon."""
    finished_at = iso(later(minutes=number if minutes is None else minutes))
    return {
        "holder": stage_id(f"checkout--{number}", "prod"),
        "waiter": f"w{number}",
        "promotion": f"checkout--{number}",
        "stage": "prod",
        "version": str(number),
        "finished_at": finished_at,
        "received_at": finished_at,
        "on_newer_build": mode,
        "at": iso(later(minutes=10)),
    } | more


def turn(state: dict[str, Any], *operations: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    for name, asked in operations:
        state = lock.apply(state, name, asked)[0]
    return state


def released(state: dict[str, Any], number: int, result: str = "proven") -> dict[str, Any]:
    state = turn(state, ("acquire", build(number)))
    mine = build(number) | {"fence": state["fence"]}
    release = {key: mine[key] for key in ("version", "promotion", "finished_at", "received_at", "at")}
    state = turn(state, ("switched", mine | {"release": release}))
    told = {"as": "undone", "by": "slipway", "code": "?", "words": "nobody knows", "at": iso(NOON)}
    return turn(state, ("release", mine | told | {"result": result}))


def with_release(version: str) -> dict[str, Any]:
    return released(lock.empty(), int(version))


def a_hold(id: str = "prod.checkout.h1", hours: float = 3) -> tuple[str, dict[str, Any]]:
    ends = iso(later(hours=hours))
    return "hold", {"id": id, "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": ends}


# -- each reason


def test_nothing_stops_a_stage_that_stands_at_a_free_lock() -> None:
    answer = may_promote(a_case())
    assert (answer.allowed, answer.reasons) == (True, ())
    assert answer.dump() == {"allowed": True, "reasons": []}


def test_every_reason_is_told_in_the_order_in_which_a_stage_meets_them() -> None:
    held = turn(with_release("1"), ("acquire", build(3)), ("acquire", build(1, minutes=1.5)), a_hold())
    paused = decide(decisions.empty(), BEGIN, ASK, said("pause"))
    answer = may_promote(a_case(lock=held, decisions=paused, lock_until=iso(later(hours=1))))
    assert [(each.code, each.until, each.ended_by) for each in answer.reasons] == [
        ("NEED_NOT_OVER", "", "stage test"),
        ("PAUSED", iso(later(days=7, minutes=5)), "slipway resume checkout--2"),
        ("APPROVAL_MISSING", iso(later(hours=8)), "slipway approve checkout--2 prod"),
        ("HELD", iso(later(hours=3)), "slipway lift prod.checkout.h1"),
        ("LOCK_TAKEN", iso(later(hours=1)), "checkout--3: its end"),
        ("QUEUED_BEHIND", iso(later(hours=1)), "checkout--1: its turn"),
    ]
    assert not answer.allowed
    words = [each.words for each in answer.reasons]
    assert words[1] == "paused by Alice: lunch"
    assert words[2] == "1 of role:release-manager, not the author: 0 approved so far"
    assert words[3] == "held by Dave: stocktaking"
    assert words[4] == "checkout--3 has the lock, in its stage prod"
    assert answer.reasons[4].since == iso(later(minutes=10))


def test_two_holds_are_two_reasons_and_one_that_has_ended_is_none() -> None:
    held = turn(with_release("1"), a_hold("a", 1), a_hold("b", 3), a_hold("c", 0.1))
    assert [each.ended_by for each in may_promote(a_case(lock=held)).reasons] == ["slipway lift b", "slipway lift a"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([BEGIN, report(outcome="failed"), ASK, vote()], "NEED_NOT_PASSED"),
        ([BEGIN, report(outcome="failed", over=False), ASK, vote()], "NEED_NOT_OVER"),
        ([BEGIN, report()], "APPROVAL_MISSING"),
        ([BEGIN, report(), ASK, vote(BOB, decision=REJECT, reason="no")], "APPROVAL_REJECTED"),
        ([BEGIN, report(), ASK, ("close", {"stage": "prod", "as": "expired"})], "APPROVAL_EXPIRED"),
        ([BEGIN, report(), ASK, ("close", {"stage": "prod", "as": "withdrawn"})], "APPROVAL_WITHDRAWN"),
        ([BEGIN, report(), ASK, vote(), report("prod", "failed", over=False)], "RETRY_OPEN"),
        ([BEGIN, report(), ASK, vote(), report("prod", "failed")], "STAGE_OVER"),
        ([BEGIN, report(), said("abort")], "ABORTED"),
        ([BEGIN, report(), said("abort"), ("end", {"outcome": "cancelled"})], "ENDED"),
    ],
)
def test_what_the_promotion_has_decided_stops_the_stage(told: list[Any], reason: str) -> None:
    found = only(a_case(decisions=decide(decisions.empty(), *told)))
    assert (found.code, found.blocks) == (reason, True)


def test_a_need_that_failed_and_a_stage_that_failed_name_the_retry_and_its_end() -> None:
    need = only(a_case(decisions=decide(decisions.empty(), BEGIN, report(outcome="failed", over=False), ASK, vote())))
    assert need.words == "stage test failed; it may be tried again"
    assert (need.until, need.ended_by) == (iso(later(hours=24)), "slipway retry checkout--2 test")
    own = only(a_case(decisions=at_the_lock(report("prod", "failed", over=False))))
    assert (own.until, own.ended_by) == (iso(later(hours=24)), "slipway retry checkout--2 prod")


def test_a_pause_that_nobody_ended_and_an_approval_that_came_too_late_have_no_command() -> None:
    over = may_promote(a_case(decisions=at_the_lock(said("pause")), at=iso(later(days=8))))
    assert [(each.code, each.ended_by) for each in over.reasons] == [("PAUSE_OVER", "")]
    late = only(a_case(decisions=decide(decisions.empty(), BEGIN, report(), ASK), at=iso(later(hours=9))))
    assert (late.code, late.ended_by) == ("APPROVAL_EXPIRED", "")


def test_a_broken_lock_says_what_happened_and_how_it_is_opened() -> None:
    reason = may_promote(a_case(lock=released(with_release("1"), 3, "broken"))).reasons[0]
    assert (reason.code, reason.words) == ("LOCK_BROKEN", "the lock is broken: nobody knows")
    assert reason.ended_by == "slipway lift prod.checkout.broken"


def test_a_version_that_was_rejected_here_says_why_and_how_it_is_let_in_again() -> None:
    mine = build(2)
    state = turn(with_release("1"), ("acquire", mine))
    told = {"fence": state["fence"], "result": "unchanged", "at": iso(NOON), "code": "HARM", "words": "it fails"}
    state = turn(state, ("release", mine | told | {"rejects": True}))
    reason = only(a_case(lock=state))
    assert (reason.code, reason.words, reason.since) == ("VERSION_REJECTED", "2 was rejected here: it fails", iso(NOON))
    assert reason.ended_by == "slipway lift prod.checkout.rejected-2"
    assert codes(a_case(version="2.1", lock=state)) == []


def test_order_and_other_builds_stop_it_as_its_pipeline_says() -> None:
    assert only(a_case(lock=with_release("3"))).words == "3, a newer build, is live already"
    others = turn(with_release("1"), ("announce", build(3)), ("announce", build(1, minutes=1.5)))
    found = {mode: may_promote(a_case(replace(PROD, on_newer_build=mode), lock=others)).reasons for mode in MODES}
    assert {mode: [(each.code, each.ended_by) for each in reasons] for mode, reasons in found.items()} == {
        "queue": [],
        "supersede": [("SUPERSEDED", "the end of checkout--3")],
        "latest": [("SUPERSEDED", "the end of checkout--3")],
        "each": [("QUEUED_BEHIND", "checkout--1: its turn")],
        "ignore": [("IGNORED", "the end of checkout--1")],
    }


def test_a_stage_at_its_work_goes_on_through_a_pause_but_not_through_an_abort() -> None:
    working = turn(with_release("1"), ("acquire", build(2)), a_hold())
    going_on = may_promote(a_case(lock=working, decisions=at_the_lock(said("pause"))))
    assert (going_on.allowed, [each.code for each in going_on.reasons]) == (True, ["UNDER_WAY"])
    assert codes(a_case(lock=working, decisions=at_the_lock(said("abort")))) == ["ABORTED"]


def test_the_way_back_is_a_warning_and_stops_nothing() -> None:
    warned = {
        "FIRST_RELEASE": a_case(lock=lock.empty()),
        "ALREADY_LIVE": a_case(lock=with_release("2")),
        "LIVE_NOT_PROVEN": a_case(lock=turn(released(with_release("0"), 1, "broken"), ("lift", {"id": "broken"}))),
        "NO_WAY_BACK": a_case(replace(PROD, targets=(Target("a", "lambda", "/x", ""),))),
    }
    for code, case in warned.items():
        answer = may_promote(case)
        assert answer.allowed, code
        assert [(each.code, each.blocks) for each in answer.reasons] == [(code, False)]


def test_a_build_that_is_not_there_yet_hears_what_it_would_meet() -> None:
    held = turn(with_release("1"), a_hold(), ("acquire", build(1, minutes=1.5)))
    case = a_case(promotion="", version="", decisions=None, lock=held)
    assert codes(case) == ["NEED_NOT_OVER", "APPROVAL_MISSING", "HELD", "QUEUED_BEHIND"]
    assert codes(replace(case, stage=a_stage("dev"), lock=with_release("1"))) == []


# -- it is the lock's own answer

numbers = st.integers(1, 4)
modes = st.sampled_from(MODES)
moments = st.sampled_from([0, 1, 1, 2, 3, 60, 600])
FROZEN = Calendar((Freeze("launch", "2026-11-24T12:00", "2026-11-24T13:00", but=("hotfix",)),))
calendars = st.sampled_from([Calendar(), Calendar(), FROZEN])
hotfixes = st.sampled_from(["", "", "the till is down"])
asks = st.builds(
    lambda name, number, mode, minutes, calendar, hotfix: (
        name,
        build(number, mode, minutes, calendar=plain(calendar), hotfix=hotfix),
    ),
    *(st.sampled_from(["announce", "acquire", "acquire"]), numbers, modes, moments, calendars, hotfixes),
)
results = st.sampled_from(["proven", "undone", "broken", "kept"])
ends = st.builds(lambda result, rejects: ("end", {"result": result, "rejects": rejects}), results, st.booleans())
leaves = st.builds(lambda number: ("leave", {"holder": build(number)["holder"]}), numbers)
holds = st.builds(a_hold, st.sampled_from(["a", "b"]), st.sampled_from([0.05, 1, 9]))
words = st.builds(
    lambda kind, hours, version: (kind, a_hold(kind, hours)[1] | {"version": version, "but": ["hotfix"]}),
    *(st.sampled_from(["freeze", "stop", "reject"]), st.sampled_from([0.05, 1, 9]), numbers.map(str)),
)
lifted = st.sampled_from(["a", "b", "freeze", "stop", "reject", "broken", "broken", "rejected-2"])
lifts = st.builds(lambda id: ("lift", {"id": id, "at": iso(later(minutes=10))}), lifted)
lock_lives = st.lists(st.one_of(asks, asks, asks, ends, ends, leaves, holds, words, lifts), max_size=14)

expired = ("close", {"stage": "prod", "as": "expired"})
decision_lives = st.lists(
    st.sampled_from(
        [
            *([report()], [report()], [report(outcome="failed")], [report(outcome="failed", over=False)]),
            *([ASK], [ASK, vote()], [ASK, vote()], [ASK, vote(BOB, decision=REJECT)], [ASK, expired]),
            *([said("pause")], [said("resume")], [said("abort")], [said("retry")]),
            *([report("prod", "failed", over=False)], [("end", {"outcome": "failed"})]),
        ]
    ),
    max_size=6,
).map(lambda lives: [each for life in lives for each in life])


def lived(operations: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """A lock after these operations; `end` is of whoever has it, after a switch unless it ends `kept`."""
    state = lock.empty()
    for name, asked in operations:
        holder = state["holder"]
        if name != "end":
            state = turn(state, (name, asked))
        elif holder:
            release = {key: holder[key] for key in ("version", "promotion", "finished_at", "received_at")}
            if asked["result"] != "kept":
                state = turn(state, ("switched", holder | {"release": release | {"at": iso(NOON)}}))
            result = {"result": asked["result"].replace("kept", "unchanged"), "at": iso(NOON)}
            result |= {"as": "undone", "by": "slipway", "code": "?", "words": "?"}
            result |= {"rejects": asked["rejects"] and asked["result"] in ("undone", "kept")}
            state = turn(state, ("release", holder | result))
    return state


def stands_at_the_lock(state: dict[str, Any], case: Case) -> bool:
    """Whether the orchestration of the stage would ask for the lock now: as it finds out, one answer after another."""
    asked = {"needs": list(case.stage.needs), "waiter": "w", "at": case.at}
    stage = state["stages"].get("prod", {})
    return (
        not (state["ended"] or stage.get("over") or stage.get("outcome"))
        and decisions.apply(state, "ask_needs", asked)[1]["do"] == "go"
        and stage.get("decision") == APPROVED
        and decisions.apply(state, "ask_going_on", asked)[1]["do"] == "go"
    )


@settings(max_examples=300, deadline=None)
@given(
    lock_lives,
    st.one_of(st.just([report(), ASK, vote()]), decision_lives),
    *(numbers, modes, moments, moments, calendars, hotfixes),
)
def test_it_is_allowed_exactly_when_the_lock_would_be_granted(
    lock_life: list[Any],
    told: list[Any],
    number: int,
    mode: str,
    minutes: float,
    at: float,
    calendar: Calendar,
    hotfix: str,
) -> None:
    asked = build(number, mode, minutes, at=iso(later(minutes=at)), calendar=plain(calendar), hotfix=hotfix)
    state, decided = lived(lock_life), decide(decisions.empty(), BEGIN, *told)
    case = a_case(
        replace(PROD, on_newer_build=mode, calendar=calendar),
        hotfix=hotfix,
        **{key: asked[key] for key in ("promotion", "version", "finished_at", "received_at", "at")},
        lock=state,
        decisions=decided,
    )
    answer = may_promote(case)
    if case.is_under_way:
        assert answer.allowed == (
            not any(decided[end] for end in ("aborted", "ended")) and codes(case) == ["UNDER_WAY"]
        )
    elif stands_at_the_lock(decided, case):
        _, granted = lock.apply(state, "acquire", asked)
        assert answer.allowed == (granted["lock"] == "granted"), (answer, granted)
        blocking = [each.code for each in answer.reasons if each.blocks]
        told = {"broken": "LOCK_BROKEN", "rejected": "VERSION_REJECTED"}
        first = {**told, "queued": blocking[0], "held": granted.get("code", "")} if blocking else {}
        assert blocking[:1] == [first.get(granted["lock"], granted["lock"].upper())] * bool(blocking)
    else:
        assert not answer.allowed
    assert may_promote(case) == answer
    assert len(set(answer.reasons)) == len(answer.reasons), "none is said twice"


def test_a_stage_that_asks_for_its_switch_says_so_while_it_has_the_lock() -> None:
    asked = {**ASK[1], "waiter": "switch", "gate": "switch"}
    state = at_the_lock(("ask_approval", asked))
    held, _ = lock.apply(with_release("1"), "acquire", {**a_case().build, "waiter": "w", "stage": "prod"})
    found = may_promote(a_case(decisions=state, lock=held))
    assert [each.code for each in found.reasons] == ["APPROVAL_MISSING", "UNDER_WAY"] and not found.allowed
    assert found.reasons[0].ended_by == f"slipway approve {MINE} prod"


def test_an_approval_says_who_is_missing_and_that_others_have_joined_by_now() -> None:
    policy = a_policy(at_least=2, escalation=Escalation(("role:director",), 3600))
    asked = (ASK[0], {**ASK[1], "policy": asdict(policy)})
    state, stage = decide(decisions.empty(), BEGIN, report(), asked, vote()), replace(PROD, approval=policy)
    told = only(a_case(stage, decisions=state))
    assert (told.code, told.until) == ("APPROVAL_MISSING", iso(later(hours=8)))
    assert told.words.endswith("1 approved so far, missing 1 of role:release-manager")
    escalated = only(a_case(stage, decisions=state, at=iso(later(hours=8, minutes=1))))
    assert (escalated.code, escalated.until) == ("APPROVAL_MISSING", iso(later(hours=9)))
    assert "role:director may, too, by now" in escalated.words
    assert only(a_case(stage, decisions=state, at=iso(later(hours=9, minutes=1)))).code == "APPROVAL_EXPIRED"


def test_an_approval_that_is_too_old_by_now_is_a_reason() -> None:
    stage = replace(PROD, approval=a_policy(max_age_s=3600))
    assert may_promote(a_case(stage, at=iso(later(hours=1)))).allowed
    aged = only(a_case(stage, at=iso(later(hours=1, minutes=1))))
    assert (aged.code, aged.blocks, aged.since) == ("APPROVAL_AGED", True, iso(NOON))
