"""What people are told of a group: whether it may go there, how far the way back reaches, what the page says."""

import re
from pathlib import Path
from typing import Any

from slipway.promotion import lock
from slipway.promotion.groups import GroupPlan
from slipway.promotion.ids import stage_id
from slipway.promotion.may_promote import Case, MemberAt, may_promote
from slipway.promotion.outcomes import iso
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.reach import reach_among
from slipway.promotion.views import environments
from tests.promotion.builders import NOON, a_stage, later

PAGE = Path(__file__).parents[2] / "docs" / "groups.md"
SUITE, OWN = "suite--2026.48", "api--1.5.0"
MEMBERS = {"api": "1.4.2", "web": "3.0.1"}


def test_the_pipeline_of_the_page_is_sound() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert lint(text, "groups.md") == []
    [stage] = compile_plan(read_pipeline(text, "groups.md"), "sha256:0").stages
    assert stage.members == ("api", "web", "worker")
    assert [[target.name for target in level] for level in stage.levels] == [["api-weu"], ["web-weu", "worker-weu"]]


# -- may it go there now?


def asking(version: str, promotion: str = SUITE) -> dict[str, Any]:
    holder = stage_id(promotion, "production")
    return {
        "holder": holder,
        "waiter": holder,
        "promotion": promotion,
        "stage": "production",
        "version": version,
        "finished_at": iso(NOON),
        "received_at": iso(NOON),
        "at": iso(NOON),
        "on_newer_build": "queue",
    }


def taken(*asked: dict[str, Any]) -> dict[str, Any]:
    state = lock.empty()
    for each in asked:
        state, _ = lock.apply(state, "acquire", each)
    return state


def a_case(**members: dict[str, Any]) -> Case:
    stage = a_stage("production", group=GroupPlan(members={name: name for name in MEMBERS}))
    at_locks = {name: MemberAt(version, members.get(name) or lock.empty()) for name, version in MEMBERS.items()}
    at = iso(later(minutes=1))
    own = taken(asking("2026.48"))
    return Case(stage, "suite", SUITE, "2026.48", iso(NOON), iso(NOON), own, None, at, members=at_locks)


def test_a_group_that_waits_for_a_members_lock_is_told_whose_it_is() -> None:
    case = a_case(api=taken(asking("1.4.2")), web=taken(asking("3.0.0", "web--3.0.0"), asking("3.0.1")))
    reasons = [reason for reason in may_promote(case).reasons if reason.blocks]
    assert [(reason.code, reason.words) for reason in reasons] == [
        ("LOCK_TAKEN", "web: web--3.0.0 has the lock, in its stage production")
    ]


def test_a_version_that_was_rejected_at_a_members_lock_is_lifted_there() -> None:
    refused = {**lock.empty(), "rejected": [{"version": "3.0.1", "words": "harm", "at": iso(NOON)}]}
    [reason] = [reason for reason in may_promote(a_case(web=refused)).reasons if reason.code == "VERSION_REJECTED"]
    assert reason.ended_by == "slipway lift production.web.rejected-3.0.1"


def at_the_lock_of_api(**state: Any) -> list[str]:
    found = may_promote(a_case(api={**lock.empty(), **state})).reasons
    return [reason.words for reason in found if reason.code == "SCHEMA_OUT_OF_RANGE"]


def test_a_members_version_is_judged_by_what_its_own_release_there_has_declared() -> None:
    contracted = {"schema": {"version": 14}, "live": live("2.0.0", "api--2.0.0", finished_at=iso(NOON))["live"]}
    [unknown] = at_the_lock_of_api(**contracted)
    assert unknown.startswith("api: its builds say") and unknown.endswith("release it by its own pipeline")
    known = {"version": "1.4.2", "schema": {"from": 12, "to": 13}, "until": iso(NOON)}
    assert at_the_lock_of_api(**contracted, releases=[known]) == [
        "api: the database is at 14, and 1.4.2 runs on 12 to 13"
    ]
    fits = {**known, "schema": {"from": 13, "to": 14}}
    assert at_the_lock_of_api(**contracted, releases=[fits]) == []
    assert at_the_lock_of_api() == at_the_lock_of_api(live=contracted["live"]) == [], "who says nothing has no limits"


def test_it_is_under_way_once_it_has_all_locks_and_not_before() -> None:
    part, whole = (
        a_case(api=taken(asking("1.4.2"))),
        a_case(api=taken(asking("1.4.2")), web=taken(asking("3.0.1"))),
    )
    assert (part.is_under_way, whole.is_under_way) == (False, True)
    assert [reason.code for reason in may_promote(whole).reasons] == ["UNDER_WAY"]


# -- the way back


def live(version: str, promotion: str = SUITE, **more: Any) -> dict[str, Any]:
    release = {"version": version, "promotion": promotion, "proven": True, "replaced": {"x": "0.9"}, **more}
    return {**lock.empty(), "live": release, "previous": []}


def there(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    states = {name: live(version, group="suite") for name, version in MEMBERS.items()}
    return {"suite": live("2026.48", members=MEMBERS), **states, **changes}


def test_the_reach_of_a_group_is_the_shortest_of_its_members() -> None:
    found = there()
    assert reach_among(found["suite"], found).how == "seconds"
    stopped = there(web=live("3.0.1", group="suite", old_side_stopped=iso(NOON)))
    reach = reach_among(stopped["suite"], stopped)
    assert (reach.how, reach.words[:4]) == ("minutes", "web:")
    gone = there(web=live("3.0.1", group="suite", old_side_gone=iso(NOON)))
    assert reach_among(gone["suite"], gone).how == "none"


def test_a_member_goes_back_with_its_group_and_no_faster() -> None:
    found = there(web=live("3.0.1", group="suite", old_side_stopped=iso(NOON)))
    reach = reach_among(found["api"], found)
    assert reach.how == "minutes" and reach.version == "0.9" and reach.words.startswith("with suite, as one: ")


def test_a_member_that_moved_on_ends_the_way_back_of_the_group_and_has_its_own() -> None:
    found = there(api=live("1.5.0", OWN))
    assert reach_among(found["suite"], found).how == "none"
    assert "api serves 1.5.0 by itself" in reach_among(found["suite"], found).words
    assert reach_among(found["api"], found).how == "seconds"


def test_a_member_that_the_group_left_alone_does_not_count() -> None:
    found = there(api=live("1.4.2", "api--1.4.2", old_side_gone=iso(NOON)))
    assert reach_among(found["suite"], found).how == "seconds"


def test_the_list_of_environments_tells_a_groups_reach_at_each_of_its_members() -> None:
    found = there(web=live("3.0.1", group="suite", old_side_stopped=iso(NOON)))
    rows = [("production", service, replaced) for service, replaced in found.items()]
    [production] = environments(rows, [], iso(NOON))
    assert {each["service"]: each["reach"]["how"] for each in production["services"]} == dict.fromkeys(found, "minutes")


def test_a_lift_wakes_who_is_announced_beside_the_queue_too() -> None:
    state, _ = lock.apply(lock.empty(), "announce", asking("3.0.1"))
    _, answer = lock.apply(state, "lift", {"id": "h1"})
    assert answer["nudge"] == [stage_id(SUITE, "production")]
