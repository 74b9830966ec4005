"""What people and calendars say, on the real orchestrators: freezes, a thaw, a stop within a tick, order."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from slipway.promotion import lock
from slipway.promotion.after import After
from slipway.promotion.calendar.windows import Calendar, Freeze, Hours, Rate
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan
from tests.promotion.builders import ALICE, NOON, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

pytestmark = pytest.mark.filterwarnings("ignore")
DAY_S = 86_400.0
DEV = "dev--checkout"


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({"checkout-dev": Sides(), "orders-dev": Sides()})) as workflow:
        yield workflow


def wall(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="minutes")


def frozen(begins: float, ends: float, **more: Any) -> Calendar:
    """A freeze, in hours after the promotion begins."""
    return Calendar((Freeze("launch", wall(later(hours=begins)), wall(later(hours=ends)), **more),))


def a_frozen_stage(calendar: Calendar, **more: Any) -> StagePlan:
    return a_stage("dev", **{"calendar": calendar, "lock_within_s": 7 * DAY_S, **more})


async def say(flow: Workflow, kind: str, hours: float = 9, **more: Any) -> None:
    at = flow.clock.now()
    given = {"id": f"dev.checkout.{kind}", "by": "Dave", "oid": "dave", "reason": "incident", "at": iso(at)}
    await flow.signal("environment", DEV, kind, {**given, "expires_at": iso(at + timedelta(hours=hours)), **more})


async def lift(flow: Workflow, kind: str) -> None:
    given = {"id": f"dev.checkout.{kind}", "by": "Erin", "oid": "erin", "at": iso(flow.clock.now())}
    await flow.signal("environment", DEV, "lift", given)


def state(flow: Workflow, promotion: str) -> str:
    return str(flow.world.of(promotion).rows["stage:dev"]["doc"]["state"])


def waits_for(flow: Workflow, promotion: str) -> str:
    return str(flow.world.of(promotion).rows["stage:dev"]["doc"]["waits_for"])


async def test_a_freeze_keeps_a_build_out_without_a_lock_and_its_end_lets_it_in(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), a_frozen_stage(frozen(-1, 5)))
    await flow.until(lambda: flow.clock.now() > later(hours=3))
    assert (await flow.lock("dev"))["holder"] is None
    assert waits_for(flow, id).startswith("frozen by the freeze launch, ")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert later(hours=5) <= flow.clock.now() < later(hours=5, minutes=5)


async def test_a_hotfix_passes_the_builds_that_a_freeze_keeps_waiting(flow: Workflow) -> None:
    stage = a_frozen_stage(frozen(-1, 50, but=("hotfix",)))
    older = await flow.promote(a_build("1.1.0", finished_at=NOON), stage)
    fix = replace(a_build("1.1.1", finished_at=later(minutes=30)), hotfix="the till is down")
    hotfix = await flow.promote(fix, stage, token="t2")
    assert (await flow.until_ended(hotfix))["outcome"] == "passed"
    assert flow.clock.now() < later(hours=1)
    output = await flow.until_ended(older)
    assert output["code"] == "BEHIND", (output, await flow.lock("dev"), flow.clock.now())
    row = flow.world.of(hotfix).rows["promotion"]["doc"]
    assert row["build"]["hotfix"] == "the till is down", "shown for ever"


async def test_business_hours_and_a_rate_let_one_in_after_the_other(flow: Workflow) -> None:
    hours = Hours((0, 1, 2, 3), "09:00", "16:00")
    stage = a_frozen_stage(Calendar((), hours, Rate(1, DAY_S)), on_newer_build="each")
    ids = [
        await flow.promote(a_build(f"1.{n}.0", finished_at=later(minutes=n)), stage, token=f"t{n}") for n in (1, 2, 3)
    ]
    ended = []
    for id in ids:
        assert (await flow.until_ended(id))["outcome"] == "passed"
        ended.append(flow.clock.now())
    assert NOON.weekday() == 1, "a Tuesday"
    assert [each.day - NOON.day for each in ended] == [0, 1, 2]
    assert waits_for(flow, ids[2]) == "" and "RATE" not in flow.world.actions()


@pytest.mark.parametrize(
    ("on_begin", "outcome", "live"),
    [("finish", "passed", "1.1.0"), ("pause", "passed", "1.1.0"), ("roll-back", "cancelled", "1.0.0")],
)
async def test_a_freeze_that_begins_in_mid_rollout_does_as_its_policy_says(
    flow: Workflow, on_begin: str, outcome: str, live: str
) -> None:
    flow.world.put_off["deploy"] = 60.0  # a deployment that takes until the freeze has begun
    id = await flow.promote(a_build("1.1.0"), a_frozen_stage(frozen(0.05, 5, on_begin=on_begin), deploy_within_s=7200))
    await flow.until(lambda: flow.clock.now() > later(minutes=10))
    flow.world.put_off.clear()
    output = await flow.until_ended(id)
    assert (output["outcome"], flow.world.sites["checkout-dev"].live) == (outcome, live)
    if on_begin == "pause":
        assert flow.clock.now() >= later(hours=5)
        assert "dev/kept-back" in flow.world.actions()
    if on_begin == "roll-back":
        assert output["code"] == "FROZEN" and flow.clock.now() < later(hours=1)
    assert (await flow.lock("dev"))["holder"] is None


async def test_a_stop_keeps_the_switch_back_until_another_person_lifts_it(flow: Workflow) -> None:
    flow.world.put_off["deploy"] = 60.0
    id = await flow.promote(a_build("1.1.0"), a_stage("dev", deploy_within_s=7200, lock_within_s=DAY_S))
    await flow.until(lambda: state(flow, id) == "deploying")
    await say(flow, "stop")
    flow.world.put_off.clear()
    await flow.until(lambda: waits_for(flow, id) == "stopped by Dave: incident")
    assert flow.world.sites["checkout-dev"].live == "1.0.0"
    own = {"id": "dev.checkout.stop", "by": "Dave", "oid": "dave", "at": iso(flow.clock.now())}
    await flow.signal("environment", DEV, "lift", own)
    await flow.until(lambda: flow.clock.now() > later(hours=2))
    assert flow.world.sites["checkout-dev"].live == "1.0.0", "nobody lifts a stop of their own"
    await lift(flow, "stop")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_nothing_is_proven_while_everything_is_stopped_and_bad_releases_still_go_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: state(flow, id) == "baking")
    await say(flow, "stop")
    await flow.until(lambda: flow.clock.now() > later(hours=1))
    assert state(flow, id) == "baking"
    flow.world.sick_live = {"1.1.0"}
    output = await flow.until_ended(id)
    assert (output["outcome"], flow.world.sites["checkout-dev"].live) == ("failed", "1.0.0")
    assert [each["kind"] for each in (await flow.lock("dev"))["intents"] if not each["ended_at"]] == ["stop"]


async def test_a_version_that_a_person_rejects_goes_back_and_does_not_come_again(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=3600, retry_within_s=DAY_S, lock_within_s=DAY_S))
    await flow.until(lambda: state(flow, id) == "baking")
    await say(flow, "reject", version="1.1.0")
    await flow.until(lambda: state(flow, id) == "cancelled")
    assert flow.world.sites["checkout-dev"].live == "1.0.0"
    assert "1.1.0 was rejected here by Dave: incident" in flow.world.of(id).rows["stage:dev"]["doc"]["words"]
    await flow.command(id, "retry")
    await flow.until(lambda: flow.world.of(id).rows["stage:dev"]["doc"]["attempt"] == 2)
    assert flow.world.sites["checkout-dev"].live == "1.0.0", "not again"


async def test_each_waits_for_older_builds_that_people_have_not_approved_yet(flow: Workflow) -> None:
    asking = a_stage("dev", on_newer_build="each", approval=a_policy(), lock_within_s=7 * DAY_S)
    older = await flow.promote(a_build("1.1.0"), asking)
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), asking, token="t2")
    await flow.vote(newer, "dev", a_vote(ALICE, at=flow.clock.now()))
    await flow.until(lambda: flow.clock.now() > later(hours=1))
    assert flow.world.sites["checkout-dev"].live == "1.0.0"
    await flow.vote(older, "dev", a_vote(ALICE, at=flow.clock.now()))
    for id in (older, newer):
        assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_latest_takes_the_place_of_builds_that_wait_for_people_and_for_a_freeze(flow: Workflow) -> None:
    asking = a_frozen_stage(frozen(-1, 5), on_newer_build="latest", approval=a_policy())
    asked = await flow.promote(a_build("1.1.0"), asking)
    waiting = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), asking, token="t2")
    assert (await flow.until_ended(asked))["code"] == "SUPERSEDED", "while people were asked"
    await flow.vote(waiting, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert state(flow, waiting) == "waiting for the lock"
    newest = await flow.promote(a_build("1.3.0", finished_at=later(minutes=2)), asking, token="t3")
    assert (await flow.until_ended(waiting))["code"] == "SUPERSEDED", "while it waited for the freeze"
    assert flow.clock.now() < later(minutes=1), "at once"
    await flow.vote(newest, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.until_ended(newest))["outcome"] == "passed"


async def test_a_build_waits_until_another_service_is_live_and_is_woken_by_it(flow: Workflow) -> None:
    stage = a_stage("dev", lock_within_s=DAY_S, after=(After("orders", "4.2", "dev"),))
    id = await flow.promote(a_build("1.1.0"), stage)
    assert waits_for(flow, id) == "orders 4.2 or later to be live in dev: nothing is yet"
    target = a_stage("dev", targets=(replace(a_stage("dev").targets[0], name="orders-dev"),))
    for n, version in enumerate(("4.1.9", "4.10.0")):
        other = a_build(version, service="orders", finished_at=later(minutes=n))
        assert (await flow.until_ended(await flow.promote(other, target, token=f"o{n}")))["outcome"] == "passed"
        await flow.engine.until_idle()
        waits = waits_for(flow, id)
        assert waits == ("" if n else "orders 4.2 or later to be live in dev: 4.1.9 is"), waits
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.clock.now() < later(minutes=10), "woken, not by its timer"


@pytest.mark.parametrize(
    ("mode", "builds", "goes"), [("latest", 120, ["119"]), ("each", 25, [str(n) for n in range(25)])]
)
async def test_when_it_thaws_exactly_the_right_ones_go_and_none_is_asked_without_end(
    flow: Workflow, monkeypatch: pytest.MonkeyPatch, mode: str, builds: int, goes: list[str]
) -> None:
    asked, apply = Counter[str](), lock.apply

    def counted(state: dict[str, Any], operation: str, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        asked[operation] += 1
        return apply(state, operation, given)

    monkeypatch.setattr(lock, "apply", counted)
    stage = a_frozen_stage(frozen(-1, 1), on_newer_build=mode)
    ids = []
    for n in range(builds):
        build = a_build(f"2.{n}", finished_at=later(seconds=n))
        ids.append(await flow.begin(build, stage, token=f"t{n}", received_at=NOON))
    await flow.engine.until_idle()
    assert (await flow.lock("dev"))["holder"] is None and flow.world.sites["checkout-dev"].live == "1.0.0"
    for id in ids:
        await flow.until_ended(id)
    went = [each["words"].split()[0] for each in flow.world.records if each["action"] == "stage.passed"]
    assert went == [f"2.{n}" for n in goes]
    assert asked["acquire"] + asked["leave"] < 12 * builds, asked


def test_a_thousand_builds_wake_each_other_a_thousand_times_and_not_a_million() -> None:
    state, woken = lock.empty(), 0
    for n in range(1000):
        asked = {"holder": f"h{n}", "waiter": f"h{n}", "promotion": f"p{n}", "stage": "dev", "version": f"{n}"}
        moments = {"finished_at": iso(later(seconds=n)), "received_at": iso(NOON), "at": iso(later(hours=1))}
        asked |= {**moments, "on_newer_build": "latest", "calendar": plain(frozen(-1, 5))}
        state, answer = lock.apply(state, "acquire", asked)
        for older in answer["nudge"]:
            woken += 1
            before = {**asked, "finished_at": iso(later(seconds=int(older[1:])))}
            before |= {"holder": older, "waiter": older, "promotion": f"p{older[1:]}", "version": older[1:]}
            state, answer = lock.apply(state, "acquire", before)
            assert answer["lock"] == "superseded"
    assert woken == 999
    assert [each["version"] for each in state["queue"]] == ["999"], "who goes when it thaws"
