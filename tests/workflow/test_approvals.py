"""Approvals as stages live through them: sealed to what they approve, void when that changes, reminded, escalated."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from slipway.local.functions.durable.history import Kind
from slipway.promotion.approval import APPROVE, REJECT, SWITCH, TAKE_BACK, Person
from slipway.promotion.approval_policy import Escalation, Quota
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from tests.promotion.builders import ALICE, BOB, CAROL, NOON, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

HOUR_S, DAY_S = 3600, 24 * 3600
WAITS, AT_THE_LOCK = "waiting for approval", "waiting for the lock"
DORA = Person("oid-dora", "Dora", roles=("approver", "director"))
SETTINGS = ConfigurationPlan("{version}")
FLAG = FlagWish("banner", "", True, "team-checkout", "checkout")


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({"checkout-dev": Sides(), "checkout-test": Sides()})) as workflow:
        yield workflow


async def approve(flow: Workflow, promotion: str, person: Person = ALICE, command: str = "c1", **changes: Any) -> None:
    await flow.vote(promotion, "dev", a_vote(person, at=flow.clock.now(), **changes), command)


async def said(flow: Workflow, promotion: str, command: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await flow.entity("decisions", promotion))["answers"][command]
    return answer


def voids(flow: Workflow) -> list[tuple[str, list[str]]]:
    """Which approvals were void, and for what."""
    found = [each["evidence"] for each in flow.world.records if each["action"] == "approval.void"]
    return [(each["gate"], each["parts"]) for each in found]


async def behind_a_hold(flow: Workflow, hours: int = 4, **stage: Any) -> str:
    """A stage that is approved and waits behind a hold for some hours."""
    hold = {"id": "h1", "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": iso(later(hours=hours))}
    await flow.signal("environment", "dev--checkout", "hold", hold)
    plan = a_stage("dev", **{"approval": a_policy(), "lock_within_s": 7 * DAY_S, "retry_within_s": DAY_S, **stage})
    id = await flow.promote(a_build("1.2.0"), plan)
    await approve(flow, id)
    await flow.until(lambda: stage_state(flow.world, "dev") == AT_THE_LOCK)
    return id


# void, and asked anew


def other_settings(world: World) -> None:
    world.settings = "somebody wrote them anew"


def another_flag(world: World) -> None:
    world.flags = "somebody switched it"


def a_role_less(world: World) -> None:
    world.taken = {ALICE.oid: ["role:release-manager"]}


@pytest.mark.parametrize(
    ("what", "stage", "part"),
    [
        (other_settings, {"configuration": SETTINGS}, "configuration"),
        (another_flag, {"flags": (FLAG,)}, "flags"),
        (a_role_less, {}, "approvers"),
        (lambda world: None, {"approval": a_policy(max_age_s=HOUR_S)}, "age"),
    ],
    ids=["configuration", "flags", "approvers", "age"],
)
async def test_what_changed_while_an_approval_waited_makes_it_void_and_people_are_asked_anew(
    flow: Workflow, what: Callable[[World], None], stage: dict[str, Any], part: str
) -> None:
    id = await behind_a_hold(flow, **stage)
    what(flow.world)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    assert voids(flow) == [("start", [part])]
    assert flow.world.sites["checkout-dev"].live == "1.0.0", "nothing was deployed on the strength of it"
    lock = await flow.lock("dev")
    assert (lock["holder"], lock["queue"]) == (None, []), "who asks people keeps nobody waiting"
    told = (await flow.entity("decisions", id))["stages"]["dev"]
    assert (told["votes"], told["decision"]) == ([], None), "no vote of before counts"
    flow.world.taken = {}
    await flow.abort(id)
    await flow.until_ended(id)


async def test_an_approval_that_was_asked_anew_leads_on(flow: Workflow) -> None:
    id = await behind_a_hold(flow)
    flow.world.taken = {ALICE.oid: ["role:release-manager"]}
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    await approve(flow, id, BOB, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert [each["evidence"]["votes"][0]["person"]["name"] for each in flow.world.records if
            each["action"] == "stage.approved"] == ["Alice", "Bob"], "both are on record for ever"  # fmt: skip


async def test_what_holds_is_not_asked_twice(flow: Workflow) -> None:
    id = await behind_a_hold(flow, approval=a_policy(max_age_s=8 * HOUR_S))
    flow.world.taken = {BOB.oid: ["role:release-manager"], ALICE.oid: ["group:team-checkout"]}
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert voids(flow) == []


async def test_one_of_two_who_lost_the_role_leaves_too_few(flow: Workflow) -> None:
    hold = {"id": "h1", "by": "Dave", "reason": "so", "at": iso(NOON), "expires_at": iso(later(hours=4))}
    await flow.signal("environment", "dev--checkout", "hold", hold)
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy(at_least=2), lock_within_s=DAY_S))
    await approve(flow, id)
    await approve(flow, id, BOB, "c2")
    a_role_less(flow.world)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    assert voids(flow) == [("start", ["approvers"])]


async def test_where_nobody_can_tell_who_lost_a_role_it_stays_closed(flow: Workflow) -> None:
    id = await behind_a_hold(flow, configuration=SETTINGS)
    flow.world.people_broken = True
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    assert voids(flow) == [("start", ["approvers"])], "and nothing is said of the settings"
    await flow.abort(id)


async def test_a_retry_asks_whether_what_was_approved_still_is_that(flow: Workflow) -> None:
    flow.world.crashing = {"1.2.0"}
    plan = a_stage("dev", approval=a_policy(), retry_within_s=DAY_S)
    id = await flow.promote(a_build("1.2.0"), plan)
    await approve(flow, id)
    await flow.until(lambda: stage_state(flow.world, "dev") == "failed")
    a_role_less(flow.world)
    await flow.command(id, "retry", stage="dev")
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    assert voids(flow) == [("start", ["approvers"])]
    flow.world.crashing = set()
    await approve(flow, id, BOB, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_who_lost_the_role_while_the_release_was_verified_lets_no_user_meet_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy(), retry_within_s=DAY_S))

    async def takes_it_away(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health":
            a_role_less(flow.world)

    flow.world.meanwhile = takes_it_away
    await approve(flow, id)
    await flow.until(lambda: stage_state(flow.world, "dev") == "cancelled")
    row = flow.world.rows["stage:dev"]["doc"]
    assert (row["code"], flow.world.sites["checkout-dev"].live) == ("APPROVAL_VOID", "1.0.0")
    assert "may not approve this any more" in row["words"]
    flow.world.meanwhile = None
    await flow.command(id, "retry", stage="dev")
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    await approve(flow, id, BOB, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_the_approval_of_a_switch_is_void_on_its_own(flow: Workflow) -> None:
    switch = a_stage("dev", rollout="blue-green", blue_green=BlueGreenPlan(), switch_approval=a_policy())
    id = await flow.promote(a_build("1.2.0"), switch)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)

    async def takes_it_away(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health":
            a_role_less(flow.world)

    flow.world.meanwhile = takes_it_away
    await approve(flow, id)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    assert voids(flow) == [(SWITCH, ["approvers"])]
    assert (await flow.lock("dev"))["holder"], "the idle side stays taken"
    await approve(flow, id, BOB, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


# what a vote was given for


async def test_a_vote_for_what_is_not_asked_any_more_is_refused_and_names_the_parts(flow: Workflow) -> None:
    id = await behind_a_hold(flow, configuration=SETTINGS)
    seen = (await flow.entity("decisions", id))["stages"]["dev"]["seal"]["digest"]
    other_settings(flow.world)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    given = {"stage": "dev", "vote": a_vote(BOB, at=flow.clock.now()).dump()}
    await flow.signal("decisions", id, "vote", {**given, "command": "c2", "seal": seen})
    refused = await said(flow, id, "c2")
    assert (refused["status"], refused["code"]) == (409, "SEAL_CHANGED")
    assert "configuration changed since" in refused["words"]
    await flow.signal("decisions", id, "vote", {**given, "command": "c3", "seal": "0" * 64})
    assert (await said(flow, id, "c3"))["code"] == "SEAL_CHANGED", "another build's, say"
    now = (await flow.entity("decisions", id))["stages"]["dev"]["seal"]["digest"]
    await flow.signal("decisions", id, "vote", {**given, "command": "c4", "seal": now})
    kept = (await flow.entity("decisions", id))["stages"]["dev"]["votes"]
    assert [vote["seal"] for vote in kept] == [now]


async def test_two_builds_have_two_seals(flow: Workflow) -> None:
    stage = a_stage("dev", approval=a_policy())
    ids = [await flow.promote(a_build(version), stage, token=version) for version in ("1.1.0", "1.2.0")]
    seals = [(await flow.entity("decisions", id))["stages"]["dev"]["seal"] for id in ids]
    assert seals[0]["parts"]["build"] != seals[1]["parts"]["build"]
    assert seals[0]["parts"]["pipeline"] == seals[1]["parts"]["pipeline"]


async def test_a_yes_that_was_taken_back_does_not_count(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy(at_least=2)))
    await approve(flow, id)
    await approve(flow, id, ALICE, "c2", decision=TAKE_BACK)
    await approve(flow, id, BOB, "c3")
    assert (await said(flow, id, "c3"))["votes"] == 1
    await approve(flow, id, CAROL, "c4", decision=TAKE_BACK)
    assert (await said(flow, id, "c4"))["code"] == "NOT_VOTED"
    await approve(flow, id, ALICE, "c5")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_each_role_that_is_asked_for_must_say_yes(flow: Workflow) -> None:
    policy = a_policy(approvers=(), each=(Quota("role:qa"), Quota("role:release-manager")))
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=policy))
    await approve(flow, id)
    await approve(flow, id, BOB, "c2")
    assert (await said(flow, id, "c2"))["code"] == "SLOTS_FILLED"
    assert stage_state(flow.world, "dev") == WAITS
    await approve(flow, id, CAROL, "c3")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_who_approved_one_stage_does_not_approve_the_next(flow: Workflow) -> None:
    test = a_stage("test", ("dev",), approval=a_policy(not_approvers_of=("dev",)))
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy()), test)
    await approve(flow, id)
    await flow.until(lambda: stage_state(flow.world, "test") == WAITS)
    await flow.vote(id, "test", a_vote(ALICE, at=flow.clock.now()), "c2")
    assert (await said(flow, id, "c2"))["code"] == "APPROVED_BEFORE"
    await flow.vote(id, "test", a_vote(BOB, at=flow.clock.now()), "c3")
    assert (await flow.until_ended(id))["outcome"] == "passed"


# time


async def test_nobody_in_time_brings_others_in_once_and_then_it_expires(flow: Workflow) -> None:
    policy = a_policy(within_s=HOUR_S, escalation=Escalation(("role:director",), 2 * HOUR_S))
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=policy))
    await approve(flow, id, DORA)
    assert (await said(flow, id, "c1"))["code"] == "NOT_AN_APPROVER"
    await flow.until(lambda: "dev/approval.escalated" in flow.world.actions())
    assert later(hours=1) <= flow.clock.now() < later(hours=1, minutes=1)
    output = await flow.until_ended(id)
    assert (output["code"], flow.world.actions().count("dev/approval.escalated")) == ("APPROVAL_EXPIRED", 1)
    assert later(hours=3) <= flow.clock.now() < later(hours=3, minutes=1)


async def test_who_has_joined_may_approve_and_who_was_asked_first_still_may(flow: Workflow) -> None:
    policy = a_policy(at_least=2, within_s=HOUR_S, escalation=Escalation(("role:director",), 2 * HOUR_S))
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=policy))
    await approve(flow, id)
    await flow.until(lambda: "dev/approval.escalated" in flow.world.actions())
    await approve(flow, id, DORA, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_reminders_name_who_is_missing_and_cost_no_timer_of_their_own(flow: Workflow) -> None:
    """One timer a quarter of an hour, each in a generation of its own; an approval without reminders has as many."""
    fired: list[int] = []
    for version, every in (("1.1.0", 0.0), ("1.2.0", 20 * 60.0)):
        start = flow.clock.now()
        plan = a_stage("dev", approval=a_policy(at_least=2, within_s=2 * HOUR_S, remind_every_s=every))
        id = await flow.promote(a_build(version), plan, token=version)
        await approve(flow, id, command=version)
        steps: list[Any] = []
        while not flow.world.of(id).ended:
            due = flow.engine.next_due()
            assert due is not None
            steps.append(due)
            flow.clock.advance_to(due)
            await flow.engine.until_idle()
        fired.append(len(steps))
        assert round((steps[-1] - start).total_seconds()) == 2 * HOUR_S
    assert fired == [8, 8]
    told = [each for each in flow.world.records if each["action"] == "approval.reminder"]
    assert {each["evidence"]["votes"] for each in told} == {1}
    assert all("still waits for 1 of role:release-manager" in each["words"] for each in told)
    at = [round((moment(each["at"]) - later(hours=2)).total_seconds() / 60) for each in told]
    assert at == [30, 45, 60, 90, 105], "every 20 minutes, at the next quarter of an hour"


async def test_many_that_wait_have_one_timer_a_quarter_of_an_hour_each(flow: Workflow) -> None:
    """What 1,000 cost is 1,000 times what each of these does: there is nothing that they share."""
    policy, many = a_policy(within_s=DAY_S, remind_every_s=HOUR_S), 50
    for n in range(many):
        build = a_build(f"1.{n}.0", finished_at=later(seconds=n))
        await flow.promote(build, a_stage("dev", approval=policy), token=f"{n}")
    for quarter in range(1, 5):
        timers = [_timers_of(flow, f"checkout--1.{n}.0:dev:approval:1") for n in range(many)]
        assert timers == [1] * many
        end = later(minutes=15 * quarter, seconds=1)
        while (due := flow.engine.next_due()) is not None and due < end:
            flow.clock.advance_to(due)
            await flow.engine.until_idle()
    assert len([each for each in flow.world.records if each["action"] == "approval.reminder"]) == many


def _timers_of(flow: Workflow, instance: str) -> int:
    """The timers of the present generation, since the last one was fired."""
    return sum(event.kind == Kind.TIMER_CREATED for episode in flow.history(instance) for event in episode)


# newer builds


@pytest.mark.parametrize("before", ["start", "switch"])
async def test_a_newer_build_supersedes_one_that_waits_for_people(flow: Workflow, before: str) -> None:
    switch = {"rollout": "blue-green", "blue_green": BlueGreenPlan(), "switch_approval": a_policy()}
    asks = {"approval": a_policy()} if before == "start" else switch
    stage = a_stage("dev", on_newer_build="supersede", **asks)
    older = await flow.promote(a_build("1.1.0"), stage)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.until(lambda: flow.world.of(older).ended)
    assert (await flow.status(older))["output"]["code"] == "SUPERSEDED"
    assert flow.clock.now() < later(minutes=5), "at once, not at the next timer"
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    await approve(flow, newer)
    assert (await flow.until_ended(newer))["outcome"] == "passed"


async def test_where_each_build_goes_both_are_asked_for_until_the_newer_one_is_live(
    flow: Workflow,
) -> None:
    stage = a_stage("dev", approval=a_policy())
    older = await flow.promote(a_build("1.1.0"), stage)
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.until(lambda: flow.clock.now() > later(minutes=20))
    assert not flow.world.of(older).ended
    await approve(flow, newer)
    await flow.until(lambda: flow.world.of(older).ended)
    output = (await flow.status(older))["output"]
    assert (output["outcome"], output["code"]) == ("cancelled", "BEHIND"), "nobody is asked about what could not go"
    assert flow.clock.now() < later(minutes=40)


async def test_where_newer_builds_are_ignored_the_one_that_waits_for_people_stays(flow: Workflow) -> None:
    stage = a_stage("dev", approval=a_policy(), on_newer_build="ignore")
    older = await flow.promote(a_build("1.1.0"), stage)
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.until(lambda: flow.world.of(newer).ended)
    assert (await flow.status(newer))["output"]["code"] == "IGNORED"
    await approve(flow, older)
    assert (await flow.until_ended(older))["outcome"] == "passed"


async def test_one_that_is_asked_anew_is_superseded_like_any_other(flow: Workflow) -> None:
    older = await behind_a_hold(flow, on_newer_build="supersede")
    a_role_less(flow.world)
    await flow.until(lambda: stage_state(flow.world, "dev") == WAITS)
    stage = a_stage("dev", approval=a_policy(), on_newer_build="supersede")
    await flow.promote(a_build("1.3.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.until(lambda: flow.world.of(older).ended)
    assert (await flow.status(older))["output"]["code"] == "SUPERSEDED"


async def test_a_no_needs_its_reason_where_the_policy_says_so(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=replace(a_policy(), comment="on-reject")))
    await approve(flow, id, decision=REJECT)
    assert (await said(flow, id, "c1"))["code"] == "COMMENT_REQUIRED"
    await approve(flow, id, BOB, "c2", decision=REJECT, reason="the migration is not reviewed")
    assert (await flow.until_ended(id))["code"] == "REJECTED"
    assert APPROVE not in (await said(flow, id, "c2"))["words"]
