import random
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from slipway.promotion import decisions, lock
from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import APPROVE, REJECT, TAKE_BACK
from slipway.promotion.approval_policy import OPTIONAL, REQUIRED, Escalation, Quota
from slipway.promotion.machine import Machine
from slipway.promotion.outcomes import iso
from slipway.promotion.seal import Seal
from slipway.promotion.stage_run import StageRun
from slipway.promotion.transition_page import PAGE, page
from slipway.promotion.transitions import APPROVAL, LOCK, MACHINES, PROMOTION, STAGE
from tests.promotion.builders import ALICE, BOB, CAROL, NOON, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.model import DAVE
from tests.workflow.observing import Seen, lock_transition, nothing_seen, of_decisions

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_and_event_has_an_answer(machine: Machine) -> None:
    events = {each.event for each in machine.transitions}
    for state in machine.states:
        for event in events:
            assert machine.answer(state, event), f"{machine.name}: what is {event} in {state}?"
    assert set(machine.elsewhere) <= events
    for event in machine.elsewhere:
        assert any(isinstance(machine.answer(state, event), str) for state in machine.states), f"{event} is everywhere"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_is_reached_and_leads_on(machine: Machine) -> None:
    reached, last = {machine.states[0], phase.SWEEP}, machine.states[-1]  # a sweep begins in another's place
    for _ in machine.states:
        reached |= {each.to for each in machine.transitions if each.state in reached}
    assert reached | {phase.SWEEP} == {*machine.states, phase.SWEEP}
    if machine.name in ("promotion", "stage"):
        leading = {each.state for each in machine.transitions if each.to != each.state}
        assert leading == set(machine.states) - {last}, "only the end is an end"


def test_the_page_of_states_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m slipway.promotion.transition_page"


@pytest.mark.parametrize("state", STAGE.states)
def test_an_error_that_nobody_foresaw_leads_where_the_table_says(state: str) -> None:
    held = state not in (phase.NEEDS, phase.GATES, phase.APPROVAL, phase.LOCK)
    run = StageRun("p", "p:dev", a_stage(), a_build(), "", phase=state, fence=int(held))
    expected = STAGE.answer(state, "error")
    if isinstance(expected, str):
        assert state == phase.OVER
    else:
        assert [run.after_error("ValueError: ?").phase] == [each.to for each in expected]


def test_a_lock_asked_anything_at_any_time_answers_as_its_table_says() -> None:
    draw, state = random.Random(1), lock.empty()
    seen = set()
    for _ in range(80_000):
        name, given = _anything(draw, state)
        after, answer = lock.apply(state, name, given)
        seen.add(lock_transition(state, after, name, given, answer))
        state = lock.empty() if draw.random() < 0.02 else after
    assert seen == LOCK.transitions


def test_decisions_in_any_order_come_to_what_the_tables_say() -> None:
    """Two stages that ask their decisions as the orchestrations do, and people who say anything at any time."""
    draw, seen = random.Random(4), nothing_seen()
    for _ in range(20_000):
        _one_promotion(draw, seen)
        if seen["promotion"] == PROMOTION.transitions and seen["approval"] == APPROVAL.transitions:
            break
    assert seen["promotion"] == PROMOTION.transitions
    assert seen["approval"] == APPROVAL.transitions


def _one_promotion(draw: random.Random, seen: Seen) -> None:
    state, doing = decisions.empty(), dict.fromkeys(("dev", "test"), "approve")
    attempts = dict.fromkeys(doing, 1)

    def ask(name: str, given: dict[str, Any]) -> dict[str, Any]:
        nonlocal state
        before = state
        state, answer = decisions.apply(state, name, given)
        of_decisions(seen, before, state, name, given, answer)
        return answer

    times_begun = draw.choice([1, 2])  # a second time when its record was not taken
    for n in range(60):
        if draw.random() < 0.5:
            ask(*_what_a_person_says(draw, n))
        elif times_begun:
            ask("begin", {"stages": list(doing)})
            times_begun -= 1
        elif draw.random() < 0.03:
            abort = draw.choice([None, {"by": "slipway", "at": iso(NOON), "reason": "lost"}])
            ask("close_promotion", {"waiter": "p", "abort": abort})
        elif draw.random() < 0.06:
            stage = draw.choice(list(doing))
            _a_stage_is_lost(draw, ask, stage, doing[stage], attempts[stage])
            doing[stage] = "over"
        elif all(each == "over" for each in doing.values()):
            ask("end", {"outcome": "passed"})
            if draw.random() < 0.5:
                return
        else:
            stage = draw.choice([name for name, each in doing.items() if each != "over"])
            if doing[stage].startswith("retry") and draw.random() < 0.7:
                continue  # a person has time to say something
            doing[stage], attempts[stage] = _what_a_stage_asks(draw, ask, stage, doing[stage], attempts[stage])


def _a_stage_is_lost(draw: random.Random, ask: Ask, stage: str, doing: str, attempt: int) -> None:
    """What stands in its place closes it and reports; whoever still waits for its approval hears of that."""
    left = {"stage": stage, "attempt": attempt, "waiter": f"p:{stage}"}
    if ask("close_stage", left)["do"] == "go":
        if doing in ("approve", "close") and attempt == 1 and draw.random() < 0.5:
            ask(*_asked(draw, left))
        if doing == "close":
            ask("close", {**left, "as": "expired"})
        ask("report", {**left, "outcome": "broken", "over": True})


def _asked(draw: random.Random, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    waiter = f"{given['waiter']}:approval:{given['attempt']}"
    each, escalation = (Quota("role:qa"),), Escalation(("role:qa",), 3600)
    policy = a_policy(at_least=draw.choice([1, 2]), comment=draw.choice([OPTIONAL, OPTIONAL, REQUIRED]))
    policy = replace(policy, each=each if draw.random() < 0.2 else (), not_approvers_of=draw.choice([(), ("dev",)]))
    policy = replace(policy, escalation=escalation if draw.random() < 0.2 else None)
    asked = {**given, "waiter": waiter, "policy": asdict(policy), "deadline": iso(later(hours=1))}
    asked["seal"] = Seal(build=draw.choice("ab")).dump()
    twice: dict[str, Any] = {"gate": "switch", "asks_twice": True} if draw.random() < 0.1 else {}
    judged = {"judged": {"coverage": 0}} if given["stage"] == "dev" else {}
    return "ask_approval", {**asked, **twice, **judged}


def _what_a_stage_asks(draw: random.Random, ask: Ask, stage: str, doing: str, attempt: int) -> tuple[str, int]:
    """One thing that a stage asks; what it does next, in which attempt."""
    given = {"stage": stage, "attempt": attempt, "waiter": f"p:{stage}"}
    match doing:
        case "approve":
            if draw.random() < 0.2:
                return "work", attempt
            answer = ask(*_asked(draw, given))
            if answer["do"] == "wait" and draw.random() < 0.5:
                return "close", attempt
            decided = "work" if answer.get("decision") == "approved" else "stop"
            anew = {"wait": "approve", "evidence": "approve"}  # whose gates pass on what came
            return {**anew, "cancel": "stop", "end": decided}[answer["do"]], attempt
        case "close":
            decision = ask("close", {**given, "as": draw.choice(["expired", "withdrawn"])})["decision"]
            if decision is None:
                return "close", attempt  # others have joined, and it waits for them
            lost = draw.choice(["stop", "expire"])  # overtaken; or its orchestration was terminated
            return {"approved": "work", "expired": "expire", "withdrawn": lost}.get(decision, "stop"), attempt
        case "work":
            if draw.random() < 0.7:
                ramps = {
                    "share": draw.random(),
                    "harm": draw.random() < 0.2,
                    "edited": draw.choice(["", "", "?"]),
                    "at": iso(NOON),
                }
                ask("ask_ramp", {**given, "waiter": f"p:{stage}:ramp", **ramps})
                return "work", attempt
            going = ask("settle", given)["do"] if draw.random() < 0.5 else "cancel"
            if going == "go" and draw.random() < 0.2:
                return "settle again", attempt  # the read model was away
            return ("pass" if going == "go" else draw.choice(["fail", "stop"])), attempt
        case "settle again":
            return {"go": "pass"}[ask("settle", given)["do"]], attempt
        case "pass" | "stop":
            ask("report", {**given, "outcome": "passed" if doing == "pass" else "cancelled", "over": True})
            return "over", attempt
        case "fail" | "expire":
            ask("report", {**given, "outcome": "failed", "over": False})
            return f"retry after {doing}", attempt
    again = ask("close_retry", given)["do"] == "retry"
    if not again and draw.random() < 0.5:
        return doing, attempt  # its record was not taken, and the generation begins again
    if not again:
        ask("report", {**given, "outcome": "failed", "over": True})
    anew = "approve" if doing == "retry after expire" else "work"  # what was approved stays approved
    return (anew if again else "over"), attempt + again


def _what_a_person_says(draw: random.Random, n: int) -> tuple[str, dict[str, Any]]:
    names = ["vote", "retry", "pause", "resume", "advance", "promote", "rollback", "abort", "supply"]
    name = draw.choices(names, [20, 8, 3, 3, 5, 5, 5, 1, 2])[0]
    stage = draw.choice(["dev", "test"] if name == "vote" else ["", "dev", "test"])
    given = {"command": f"k{n}", "stage": stage, "by": "Alice", "at": iso(NOON), "reason": ""}
    if name == "vote":
        author = draw.choice([BOB.oid, BOB.oid, None])
        at = later(hours=draw.choice([0, 0, 0, 2]))
        decision = draw.choice([APPROVE, APPROVE, APPROVE, REJECT, TAKE_BACK])
        cast = a_vote(draw.choice([ALICE, DAVE, BOB, CAROL]), decision, reason=draw.choice(["", "so"]))
        given["vote"] = replace(cast, at=at, author_oid=author).dump()
        given["seal"] = draw.choice(["", Seal(build="a").digest])
    if name == "supply":
        entry = {"inline": "x" * draw.choice([10, 10, 40_000])}
        given |= {"name": "coverage", "digest": str(n), "entry": entry}
    return name, given


def _anything(draw: random.Random, state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """An operation by one of four builds, often by the holder and under its fence."""
    n, holder = draw.randrange(4), state["holder"]
    if holder and draw.random() < 0.5:
        n = int(holder["version"])
    name = draw.choice(sorted(lock.OPERATIONS))
    results = ["unchanged", "broken", *(["proven", "undone"] if state["live"] else [])]
    doubted = state["previous"][0]["promotion"] if name == "doubt" and state["previous"] else f"checkout--{n}"
    release = {"version": str(n), "promotion": f"checkout--{n}", "finished_at": iso(later(minutes=n)), "at": iso(NOON)}
    return name, {
        "holder": f"checkout--{n}:prod",
        "by": f"checkout--{n}:prod" if name == "take_over" else "Dave",
        "waiter": f"checkout--{n}:prod",
        "promotion": doubted,
        "stage": "prod",
        "version": n + 1 if name == "migrated" else str(n),
        "finished_at": iso(later(minutes=n)),
        "received_at": iso(NOON),
        "on_newer_build": draw.choice(["queue", "each", "supersede", "latest", "ignore"]),
        "at": iso(NOON),
        "fence": holder["fence"] if holder and draw.random() < 0.8 else draw.randrange(9),
        "release": {**release, "received_at": iso(NOON)},
        "result": draw.choice(results),
        **{"as": "undone", "code": "?", "words": "?"},
        "rejects": draw.random() < 0.2,
        "watch": {"id": "h1", "until": iso(later(hours=1))} if draw.random() < 0.7 else None,
        "id": draw.choice(["broken", "h1", f"rejected-{n}"]) if name == "lift" else "h1",
        "schema": {"from": 1, "to": draw.randrange(1, 4)} if draw.random() < 0.3 else {},
        "towards": draw.randrange(1, 9),
        "by_watch": draw.choice(["", "h1"]),
        "until": iso(later(hours=1) if draw.random() < 0.2 else NOON),
        "reason": "?",
        "expires_at": iso(later(hours=1) if draw.random() < 0.2 else NOON),
        "oid": draw.choice(["dave", "alice"]),
        "on_begin": draw.choice(["finish", "pause", "roll-back"]),
        **(
            {"service": "checkout", "environment": "prod", "at_least": draw.choice(["0", "3"])}
            if name == "ask_at_least"
            else {}
        ),
    }
