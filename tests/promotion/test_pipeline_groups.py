"""Groups of services in a pipeline: whose targets they are, in which order they are switched, what lint has against
them."""

from typing import Any

import pytest
import yaml

from slipway.promotion.errors import BuildRejected
from slipway.promotion.matching import check_members
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan, StagePlan
from tests.promotion.builders import a_build
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target, an_app_target

MEMBERS = {
    "api": {"artifact": {"image": "registry.example/{service}:{version}"}, "version": "1.*"},
    "web": {"artifact": {"zip": "https://feed.example/{service}-{version}.zip"}, "after": ["api"]},
    "worker": {"artifact": {"image": "registry.example/{service}:{version}"}, "after": ["web"]},
}
TARGETS = [
    an_app_target("worker-weu", ", member: worker"),
    a_target("web-weu").replace("}", ", member: web}"),
    an_app_target("api-weu", ", member: api"),
]


def a_suite(*stages: str, members: Any = None, top: str = "") -> str:
    written = yaml.safe_dump(MEMBERS if members is None else members, default_flow_style=True, width=10_000).strip()
    head = f"service: suite\nowner: team-shop\nmembers: {written}\n{top}stages:\n"
    return head + "".join(stages or (a_group_stage(),))


def a_group_stage(targets: list[str] | None = None, more: str = "", name: str = "production") -> str:
    return a_stage(name, more, target=", ".join(TARGETS if targets is None else targets))


def planned(text: str) -> StagePlan:
    return compile_plan(read_pipeline(text, "suite.yaml"), "sha256:0").stages[0]


def found(text: str) -> list[Finding]:
    return lint(text, "suite.yaml")


def more(name: str, keys: str) -> str:
    """A target with more keys."""
    return a_target(name).replace("}", f", {keys}}}")


def changed(member: str, **more: Any) -> dict[str, Any]:
    return {**MEMBERS, member: {**MEMBERS[member], **more}}


def test_each_target_is_of_a_member_with_its_own_package_and_place_in_the_order() -> None:
    group = planned(a_suite()).group
    assert group is not None
    assert group.members == {"worker-weu": "worker", "web-weu": "web", "api-weu": "api"}
    assert group.levels == (("api-weu",), ("web-weu",), ("worker-weu",))
    assert group.packages["api-weu"] == "registry.example/{service}:{version}"
    assert group.packages["web-weu"] == "https://feed.example/{service}-{version}.zip"


def test_the_order_of_members_holds_across_one_that_has_no_target_in_the_stage() -> None:
    test = [TARGETS[0].replace("/worker-weu", "/worker-test"), TARGETS[2].replace("/api-weu", "/api-test")]
    stage = planned(a_suite(a_group_stage(test, name="test"), a_group_stage()))
    assert stage.group is not None and stage.group.levels == (("api-weu",), ("worker-weu",))
    assert stage.members == ("api", "worker")


def test_without_an_order_all_are_switched_at_once() -> None:
    members = {name: {"artifact": member["artifact"]} for name, member in MEMBERS.items()}
    stage = planned(a_suite(members=members))
    assert len(stage.levels) == 1 and stage.members == ("api", "web", "worker")


def test_targets_of_one_service_may_come_in_an_order_too() -> None:
    two = f"{a_target('one').replace('}', ', after: [two]}')}, {a_target('two')}"
    stage = planned(a_pipeline(a_stage("dev", target=two)))
    assert [[target.name for target in level] for level in stage.levels] == [["two"], ["one"]]
    assert stage.members == ()


def test_unlike_targets_of_one_service_have_each_their_artifact() -> None:
    two = f"{a_target('site')}, {an_app_target('app', ', after: [site]')}"
    text = a_pipeline(a_stage("dev", target=two)).replace(
        "{zip: 'https://feed.example/{version}.zip'}",
        "{zip: 'https://feed.example/{version}.zip', image: 'registry.example/shop:{version}'}",
    )
    stage = planned(text)
    assert stage.group is not None
    assert stage.group.packages == {"app": "registry.example/shop:{version}"}
    assert stage.group.levels == (("site",), ("app",))


def test_a_pipeline_without_members_and_order_has_no_group() -> None:
    assert planned(a_pipeline()).group is None


def test_a_plan_with_a_group_travels() -> None:
    plan = compile_plan(read_pipeline(a_suite(), "suite.yaml"), "sha256:0")
    assert PromotionPlan.load(plan.dump()) == plan


CANARY = "    rollout: {canary: {}}\n"
JOB = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/s/providers/Microsoft.App/jobs/migrate"
MIGRATE = f"    migrate: {{job: {JOB}, expand: [up]}}\n"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (a_suite(a_group_stage([TARGETS[0], TARGETS[1], an_app_target("api-weu")])), "MISSING_KEY", '"member"'),
        (a_suite(a_group_stage([*TARGETS, an_app_target("wep-neu", ", member: wep")])), "UNKNOWN_MEMBER", '"wep"'),
        (a_suite(a_group_stage(TARGETS[:2])), "UNUSED_MEMBER", '"api"'),
        (a_suite(members={**MEMBERS, "suite": MEMBERS["api"]}), "DUPLICATE_NAME", "the group itself"),
        (a_suite(members=changed("web", after=["apy"])), "UNKNOWN_MEMBER", '"apy"'),
        (a_suite(members=changed("api", after=["worker"])), "CYCLE", "api → worker → web → api"),
        (a_suite(members=changed("api", after=["api"])), "CYCLE", "api → api"),
        (a_suite(members=changed("api", version="1 *")), "INVALID_VALUE", "matches no version"),
        (a_suite(members={}), "TOO_FEW", '"members"'),
        (a_suite(top="artifact: {zip: 'https://feed.example/{version}.zip'}\n"), "CONFLICTING_KEYS", "of its own"),
        (a_suite(a_group_stage(more=CANARY)), "NOT_FOR_GROUPS", "any mixture"),
        (a_suite(a_group_stage(more="    rollout: {flag: {name: dark}}\n")), "NOT_FOR_GROUPS", "any mixture"),
        (
            a_suite(a_group_stage(more="    rollout: {blue-green: {telemetry: {}}}\n    bake: 30m\n")),
            "NOT_FOR_GROUPS",
            "each member has its own",
        ),
        (a_suite(top="configuration: {label: '{version}'}\n"), "NOT_FOR_GROUPS", "would be the version of the group"),
        (
            a_suite(a_group_stage(more="    configuration: {label: '{version}'}\n")),
            "NOT_FOR_GROUPS",
            "would be the version of the group",
        ),
        (a_suite(a_group_stage(more=MIGRATE)), "NOT_FOR_GROUPS", "pipeline of the member that the database belongs to"),
        (a_suite(members=changed("web", artifact=MEMBERS["api"]["artifact"])), "ARTIFACT_MISMATCH", "web's is `image`"),
        (
            a_pipeline(a_stage("dev", target=a_target("a").replace("}", ", member: api}"))),
            "CONFLICTING_KEYS",
            "no members",
        ),
        (a_pipeline(a_stage("dev", target=a_target("a").replace("}", ", after: [b]}"))), "UNKNOWN_TARGET", '"b"'),
        (a_pipeline(a_stage("dev", target=a_target("a").replace("}", ", after: [a]}"))), "CYCLE", "a → a"),
        (
            a_pipeline(
                a_stage("dev", CANARY, target=f"{a_target('a').replace('}', ', after: [b]}')}, {a_target('b')}")
            ),
            "CONFLICTING_KEYS",
            "knows no order",
        ),
    ],
)
def test_each_mistake_has_its_code(text: str, code: str, words: str) -> None:
    wrong = [finding for finding in found(text) if finding.code == code]
    assert wrong and words in wrong[0].words, found(text)
    assert {finding.code for finding in found(text)} == {code}, found(text)


def test_one_member_too_many_is_counted() -> None:
    members = {f"m{number}": {"artifact": {"image": "registry.example/{service}:{version}"}} for number in range(11)}
    targets = [an_app_target(name, f", member: {name}") for name in members]
    (finding,) = found(a_suite(a_group_stage(targets), members=members))
    assert (finding.code, finding.words) == ("TOO_MANY", '"members" has 11; the limit is 10')


def test_a_target_may_only_come_after_those_that_are_released_with_it() -> None:
    rings = "".join(
        f"      - {{name: {name}, targets: [{target}]}}\n"
        for name, target in (("one", a_target("a")), ("two", more("b", "after: [a]")))
    )
    text = a_pipeline(f"  - name: production\n    environment: production\n    rings:\n{rings}")
    assert [finding.code for finding in found(text)] == ["UNKNOWN_TARGET"], (
        "what is in an earlier ring is there already"
    )


def test_a_ring_of_a_group_has_a_group_of_its_own() -> None:
    targets = ", ".join(TARGETS)
    rings = "".join(
        f"      - {{name: {name}, max_parallel: 1, targets: [{targets.replace('-weu', f'-{name}')}]}}\n"
        for name in ("neu", "weu")
    )
    text = a_suite(f"  - name: production\n    environment: production\n    rings:\n{rings}")
    plan = compile_plan(read_pipeline(text, "suite.yaml"), "sha256:0")
    assert [stage.group.levels[0] for stage in plan.stages if stage.group] == [("api-neu",), ("api-weu",)]


# -- builds of groups

AFTER = {"api": "1.4.2", "web": "3.0.1", "worker": "2.0.0"}


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"api": "1.4.2", "web": "3.0.1"}, "MEMBER_MISSING", "names no version of worker"),
        ({**AFTER, "wep": "1.0.0"}, "MEMBER_UNKNOWN", "wep; its members are api, web, worker"),
        ({**AFTER, "api": "2.0.0"}, "MEMBER_VERSION", "api 2.0.0; the group takes 1.*"),
        ({}, "MEMBER_MISSING", "api, web, worker"),
    ],
)
def test_a_build_names_a_version_of_each_member_and_of_no_other(members: dict[str, str], code: str, words: str) -> None:
    pipeline = read_pipeline(a_suite(), "suite.yaml")
    check_members(a_build("2026.48", service="suite", members=AFTER), pipeline)
    with pytest.raises(BuildRejected) as rejected:
        check_members(a_build("2026.48", service="suite", members=members), pipeline)
    assert rejected.value.code == code and words in rejected.value.words


def test_a_build_of_a_group_declares_no_schema() -> None:
    declaring = a_build("2026.48", service="suite", members=AFTER, schema={"from": 1, "to": 2})
    with pytest.raises(BuildRejected, match="no database of its own") as rejected:
        check_members(declaring, read_pipeline(a_suite(), "suite.yaml"))
    assert rejected.value.code == "NOT_FOR_GROUPS"


def test_a_build_of_a_service_that_is_no_group_names_none() -> None:
    with pytest.raises(BuildRejected, match="its pipeline has no members") as rejected:
        check_members(a_build(service="shop", members={"api": "1"}), read_pipeline(a_pipeline(), "shop.yaml"))
    assert rejected.value.code == "MEMBER_UNKNOWN"
