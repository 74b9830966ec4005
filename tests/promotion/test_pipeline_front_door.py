"""A canary whose traffic a Front Door divides: read, checked, compiled, and frozen in plans."""

from dataclasses import replace

import pytest

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.front_door import NEVER, FrontDoor, Testers, drop_within_s
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan, load_stage
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target, an_app_target, of_images

PROFILE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Cdn/profiles/edge"
)
PLACE = f'kind: front-door, profile: "{PROFILE}", origin_group: checkout, endpoint: "https://shop.azurefd.net"'
SIDES = ", live: weu, idle: weu-staging"
TESTERS = "header: x-canary, value: me, rule_set: testers, origin_group: checkout-idle"


BEHIND = f'kind: front-door, profile: "{PROFILE}"'
WHOM = ", testers: {header: x-canary, value: me}"


def origins(region: str, **changed: str) -> str:
    """A ring's place, each part of it after its region."""
    place = {"origin_group": f"shop-{region}", "live": region, "idle": f"{region}-staging"}
    place |= {"endpoint": f'"https://{region}.azurefd.net"', **changed}
    return ", origins: {" + ", ".join(f"{key}: {value}" for key, value in place.items()) + "}"


def sent(region: str, **changed: str) -> str:
    rules = {"rule_set": f"testers{region}", "origin_group": f"{region}-idle", **changed}
    return "{" + ", ".join(f"{key}: {value}" for key, value in rules.items()) + "}"


def ramped(router: str = PLACE + SIDES, canary: str = "", more: str = "", target: str = "") -> str:
    return a_pipeline(
        a_stage("dev", f"    rollout: {{canary: {{router: {{{router}}}{canary}}}}}\n{more}", target=target)
    )


def ringed(router: str, *rings: str) -> str:
    lines = "".join(
        f"      - {{name: r{n}, role: r{n}, targets: [{a_target(f't{n}')}]{more}}}\n" for n, more in enumerate(rings)
    )
    text = ramped(router)
    start, rest = text.split("    targets: ", 1)
    return f"{start}    rings:\n{lines}{rest.split(chr(10), 1)[1]}"


def compiled(text: str) -> tuple[StagePlan, ...]:
    assert lint(text, "p.yaml") == []
    return compile_plan(read_pipeline(text, "p.yaml"), "d").stages


def plan_of(stage: StagePlan) -> CanaryPlan:
    assert stage.canary is not None
    return stage.canary


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_a_front_door_is_compiled_with_its_place_and_settles_in_twenty_minutes() -> None:
    (stage,) = compiled(ramped())
    canary = plan_of(stage)
    assert canary.front_door == FrontDoor(PROFILE, "checkout", "weu", "weu-staging", "https://shop.azurefd.net")
    assert canary.settle_s == 1200
    assert canary.front_door.resource == f"{PROFILE}/originGroups/checkout/origins/weu-staging"


@pytest.mark.parametrize(
    ("written", "sent"),
    [(TESTERS, ("x-canary", "me")), (TESTERS.replace("header: x-canary", "cookie: canary"), ("cookie", "canary=me"))],
)
def test_testers_send_a_header_or_a_cookie(written: str, sent: tuple[str, str]) -> None:
    (stage,) = compiled(ramped(f"{PLACE}{SIDES}, testers: {{{written}}}, stop_on_harm: never, settle: 45m"))
    front_door = plan_of(stage).front_door
    assert front_door is not None and front_door.testers is not None
    assert front_door.testers.sends == sent and front_door.stop_on_harm == NEVER
    assert plan_of(stage).settle_s == 2700


def test_a_tick_may_be_shorter_than_front_door_takes_to_settle() -> None:
    assert compiled(ramped(canary=", tick: 1m"))


def test_each_ring_has_its_own_group_origins_endpoint_and_testers() -> None:
    rings = (origins(region, testers=sent(region)) for region in ("weu", "neu"))
    doors = [plan_of(stage).front_door for stage in compiled(ringed(BEHIND + WHOM, *rings))]
    assert doors == [
        FrontDoor(
            PROFILE,
            f"shop-{region}",
            region,
            f"{region}-staging",
            f"https://{region}.azurefd.net",
            testers=Testers(f"testers{region}", f"{region}-idle", "me", header="x-canary"),
        )
        for region in ("weu", "neu")
    ]


def test_one_ring_may_stand_where_its_stage_says() -> None:
    (stage,) = compiled(ringed(PLACE + SIDES, ""))
    assert plan_of(stage).front_door == FrontDoor(PROFILE, "checkout", "weu", "weu-staging", "https://shop.azurefd.net")


def test_a_frozen_plan_keeps_its_front_door_and_one_of_before_there_were_any_has_none() -> None:
    (stage,) = compiled(ramped(f"{PLACE}{SIDES}, testers: {{{TESTERS}}}"))
    assert load_stage(plain(stage)) == stage
    data = plain(stage)
    del data["canary"]["front_door"]
    assert load_stage(data) == replace(stage, canary=replace(plan_of(stage), front_door=None))


@pytest.mark.parametrize(
    ("router", "code", "words"),
    [
        ("kind: front-door", "MISSING_KEY", 'a router of the kind front-door needs "profile"'),
        (PLACE.partition(", endpoint")[0], "MISSING_KEY", 'needs "endpoint"'),
        (PLACE, "MISSING_KEY", 'needs "live" and "idle"'),
        (PLACE + ", live: weu", "MISSING_KEY", "has both origins, live and idle"),
        (PLACE + ", live: weu, idle: weu", "CONFLICTING_KEYS", "the live and the idle side are two origins"),
        (PLACE + ", live: weu, idle: WEU", "CONFLICTING_KEYS", "the live and the idle side are two origins"),
        (f"{PLACE}{SIDES}{WHOM}", "MISSING_KEY", 'testers need "rule_set"'),
        ("live: weu, idle: weu-staging", "CONFLICTING_KEYS", '"live" is of a router of the kind front-door'),
        (PLACE + SIDES + ", settle: 5m", "SETTLE_TOO_SHORT", "up to 20 minutes until all its edges have a change"),
        (
            PLACE.replace("Microsoft.Cdn", "Microsoft.Web") + SIDES,
            "INVALID_RESOURCE",
            "is not the resource id of a Front",
        ),
        (PLACE.replace("azurefd.net", "azurefd.net/shop") + SIDES, "INVALID_VALUE", "is not an endpoint"),
        (PLACE.replace("https:", "http:") + SIDES, "INVALID_VALUE", "write https://<host>, without a path"),
        (f"{PLACE}{SIDES}, testers: {{{TESTERS}, cookie: c}}", "CONFLICTING_KEYS", 'either "header" or "cookie"'),
        (f"{PLACE}{SIDES}, testers: {{{TESTERS.replace('header: x-canary, ', '')}}}", "CONFLICTING_KEYS", "either"),
    ],
)
def test_a_front_door_that_is_not_whole_is_named_at_its_place(router: str, code: str, words: str) -> None:
    finding = only(ramped(router))
    assert finding.code == code
    assert words in finding.words
    assert finding.line == 9


def test_the_value_of_a_cookie_is_one_that_a_cookie_can_have() -> None:
    testers = TESTERS.replace("header: x-canary, value: me", "cookie: canary, value: 'a;b'")
    assert only(ramped(f"{PLACE}{SIDES}, testers: {{{testers}}}")).code == "INVALID_VALUE"


def test_several_targets_at_once_are_refused_because_changes_queue() -> None:
    finding = only(ramped(target=f"{a_target('weu')}, {a_target('neu')}"))
    assert finding.code == "TOO_MANY" and "make each a ring" in finding.words


def test_a_front_door_is_no_router_of_a_container_app() -> None:
    finding = only(of_images(ramped(target=an_app_target("weu"))))
    assert finding.code == "ROUTER_MISMATCH" and "is divided by container-apps, not by front-door" in finding.words


def test_a_ramp_that_could_not_settle_in_its_time_is_too_slow() -> None:
    finding = only(ramped(canary=", within: 90m"))
    assert finding.code == "RAMP_TOO_SLOW" and "4 steps below 100% of 20m to settle" in finding.words


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (origins("neu", origin_group="SHOP-weu"), 'the origin group "SHOP-weu" is that of the canary on line'),
        (origins("neu", endpoint='"https://WEU.azurefd.net"'), "the endpoint https://WEU.azurefd.net is that of"),
    ],
)
def test_rings_behind_one_front_door_share_neither_group_nor_endpoint(second: str, words: str) -> None:
    finding = only(ringed(BEHIND, origins("weu"), second))
    assert finding.code == "DUPLICATE_TARGET" and words in finding.words


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (sent("neu", origin_group="weu-idle"), 'the testers\' origin group "weu-idle" is that of the canary'),
        (sent("neu", origin_group="Shop-Neu"), "testers go to a group of the idle side alone"),
        (sent("neu", rule_set="testersweu"), "a rule for header x-canary: me in"),
    ],
)
def test_testers_of_a_ring_are_sent_where_nobody_elses_are(second: str, words: str) -> None:
    finding = only(ringed(BEHIND + WHOM, origins("weu", testers=sent("weu")), origins("neu", testers=second)))
    assert finding.code == "DUPLICATE_TARGET" and words in finding.words


@pytest.mark.parametrize(
    ("router", "rings", "code", "words"),
    [
        (PLACE + SIDES, (origins("weu"), ""), "MISSING_KEY", 'each ring behind front-door needs its own "origins"'),
        (BEHIND + WHOM, (origins("weu", testers=sent("weu")), origins("neu")), "MISSING_KEY", '"testers" is missing'),
        (BEHIND, (origins("weu", testers=sent("weu")),), "CONFLICTING_KEYS", "the stage's router has no testers"),
        (BEHIND, (origins("weu", idle="WEU"),), "CONFLICTING_KEYS", "the live and the idle side are two origins"),
        (
            BEHIND,
            (', origins: {live: weu, idle: weu-staging, endpoint: "https://a.b"}',),
            "MISSING_KEY",
            "origin_group",
        ),
    ],
)
def test_a_place_of_a_ring_that_is_not_whole_is_named(
    router: str, rings: tuple[str, ...], code: str, words: str
) -> None:
    finding = only(ringed(router, *rings))
    assert finding.code == code and words in finding.words


def test_neither_ring_may_leave_its_origins_to_the_stage() -> None:
    assert [finding.code for finding in lint(ringed(PLACE + SIDES, "", ""), "p.yaml")] == ["MISSING_KEY"] * 2


def test_two_stages_do_not_stand_at_one_front_doors_group() -> None:
    rollout = f"    rollout: {{canary: {{router: {{{PLACE}{SIDES}}}}}}}\n"
    text = a_pipeline(a_stage("one", rollout), a_stage("two", rollout, target=a_target("two")))
    assert "DUPLICATE_TARGET" in [finding.code for finding in lint(text, "p.yaml")]


def test_origins_of_a_ring_are_refused_where_no_front_door_reads_them() -> None:
    finding = only(ringed("unmet: wait", origins("weu"), ""))
    assert (
        finding.code == "CONFLICTING_KEYS" and "origins are those of a router of the kind front-door" in finding.words
    )


def test_edges_drop_a_side_after_so_many_probes_that_failed() -> None:
    assert drop_within_s(30, 4, 3) == 60


def test_testers_are_told_in_words() -> None:
    assert Testers("r", "g", "me", cookie="canary").words == "cookie canary=me"
