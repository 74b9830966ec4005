"""Rings of a stage: each a stage of its own once compiled, and what lint has against them."""

import pytest

from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.rings import RegionGate, RingPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target, site

ACCOUNT = site("x").replace("Microsoft.Web/sites/x", "Microsoft.DocumentDB/databaseAccounts/shop-db")
APPROVAL = "approval: {approvers: [group:contoso-ops], within: 3d}"
COSMOS = f"    cosmos: {{account: {ACCOUNT}"


def ringed(*rings: str, more: str = "", name: str = "production", needs: str = "") -> str:
    head = f"  - name: {name}\n    environment: {name}\n    needs: [{needs}]\n{more}    rings:\n"
    return head + "".join(f"      - {{{ring}}}\n" for ring in rings)


def ring(name: str, more: str = "", target: str = "") -> str:
    return f"name: {name}, targets: [{target or a_target(name)}]{', ' if more else ''}{more}"


CANARY = "    rollout: {canary: {}}\n"
SWITCH = "    rollout: {blue-green: {approval: {approvers: [role:qa]}, telemetry: {}}}\n"


def planned(*stages: str) -> PromotionPlan:
    return compile_plan(read_pipeline(a_pipeline(*stages), "shop.yaml"), "sha256:0")


def found(text: str) -> list[Finding]:
    return lint(text, "shop.yaml")


TWO = ringed(ring("canary", "bake: 30m"), ring("eu", "max_parallel: 2"), needs="dev", more="    bake: 2m\n")


def test_a_ring_is_a_stage_after_the_ring_before_it_and_who_needs_the_stage_needs_its_last_ring() -> None:
    plan = planned(a_stage("dev"), TWO, a_stage("after", needs="production"))
    assert [(each.name, each.environment, each.needs) for each in plan.stages] == [
        ("dev", "dev", ()),
        ("production-canary", "production-canary", ("dev",)),
        ("production-eu", "production-eu", ("production-canary",)),
        ("after", "after", ("production-eu",)),
    ]
    canary, eu = plan.stages[1:3]
    assert (canary.bake_s, eu.bake_s, canary.max_parallel, eu.max_parallel) == (1800, 120, 0, 2)
    assert canary.ring == RingPlan("production", "production", "canary", 1, 2)
    assert eu.ring == RingPlan("production", "production", "eu", 2, 2, ("production-canary",))
    assert eu.ring.words == "ring 2 of 2 of production"


def test_the_stages_approval_is_asked_before_the_first_ring_and_a_rings_own_before_that_ring() -> None:
    stage = "    approval: {approvers: [role:qa]}\n"
    plan = planned(ringed(ring("one"), ring("two"), ring("contoso", APPROVAL), more=stage))
    asked = [each.approval.approvers if each.approval else () for each in plan.stages]
    assert asked == [("role:qa",), (), ("group:contoso-ops",)]


def test_a_plan_with_rings_and_their_regions_travels() -> None:
    rings = (ring("weu", "region: westeurope"), ring("neu", "region: northeurope"), ring("contoso"))
    text = ringed(*rings, more=f"{COSMOS}, order: write-region-last, within: 2h}}\n    on_bad_ring: roll-back-all\n")
    plan = planned(text)
    told = plan.stages[1].ring
    assert told is not None
    assert told.gate == RegionGate(ACCOUNT, "northeurope", ("westeurope", "northeurope"), True, 7200)
    assert told.gate.name == "shop-db"
    assert (told.on_bad, told.before) == ("roll-back-all", "production-weu")
    assert PromotionPlan.load(plan.dump()) == plan


@pytest.mark.parametrize(
    ("stages", "code", "words", "at"),
    [
        (
            (ringed(ring("a")) + f"    targets: [{a_target('b')}]\n",),
            "CONFLICTING_KEYS",
            "targets or rings",
            "targets: [{name: b",
        ),
        ((ringed("name: a, targets: []"),), "TOO_FEW", '"targets" is empty', "[]}"),
        (
            ("  - name: production\n    environment: production\n    rings: []\n",),
            "TOO_FEW",
            '"rings" is empty',
            "[]\n",
        ),
        (
            (ringed(ring("a"), ring("a", target=a_target("b"))),),
            "DUPLICATE_NAME",
            "already a ring of this name",
            "a, targets: [{name: b",
        ),
        ((ringed(ring("a"), ring("b", target=a_target("a"))),), "DUPLICATE_NAME", "a target of this name", "a, kind"),
        (
            (ringed(ring("a"), ring("b", target=a_target("b", resource=site("a")))),),
            "DUPLICATE_TARGET",
            "already a target with this resource",
            None,
        ),
        ((ringed(ring("a")), ringed(ring("b"), name="other")), "TOO_MANY", "those of one stage", None),
        ((ringed(ring("a", "colour: red")),), "UNKNOWN_KEY", '"colour" is not a key of a ring', "colour"),
        ((ringed(ring("a", "max_parallel: 0")),), "OUT_OF_RANGE", "at least 1", "0}"),
        ((a_stage("dev", "    max_parallel: 2\n"),), "UNKNOWN_KEY", 'it belongs into "rings"', "max_parallel"),
        ((a_stage("dev", "    on_bad_ring: stop\n"),), "CONFLICTING_KEYS", "this stage has none", "on_bad_ring"),
        (
            (ringed(ring("a"), more="    on_bad_ring: rollback-all\n"),),
            "UNKNOWN_VALUE",
            "it can be stop, roll-back-all",
            "rollback-all",
        ),
        ((ringed(ring("a", APPROVAL), more=f"    {APPROVAL}\n"),), "CONFLICTING_KEYS", "not both", None),
        (
            (ringed(ring("a", "max_parallel: 1"), more="    rollout: {canary: {}}\n"),),
            "CONFLICTING_KEYS",
            "together",
            "max_parallel",
        ),
        ((ringed(ring("a", "region: westeurope")),), "CONFLICTING_KEYS", "names none", "region"),
        (
            (ringed(ring("a", "region: West Europe"), more=f"{COSMOS}}}\n"),),
            "INVALID_NAME",
            "small letters",
            "West Europe",
        ),
        ((ringed(ring("a"), more=f"{COSMOS}}}\n"),), "MISSING_KEY", "no ring has a region", None),
        (
            (ringed(ring("a", "region: westeurope"), more=f"{COSMOS}, order: write-region-last}}\n"),),
            "CONFLICTING_KEYS",
            "two of them",
            "write-region-last",
        ),
        (
            (
                ringed(
                    *(
                        ring(f"r{n}", f"region: {name}")
                        for n, name in enumerate(("northeurope", "eastus", "northeurope"))
                    ),
                    more=f"{COSMOS}, order: write-region-last}}\n",
                ),
            ),
            "CONFLICTING_KEYS",
            "rings elsewhere follow",
            "northeurope",
        ),
        (
            (
                ringed(
                    *(ring(f"r{n}", "region: northeurope") for n in range(2)),
                    more=f"{COSMOS}, order: write-region-last}}\n",
                ),
            ),
            "CONFLICTING_KEYS",
            "no other comes before it",
            None,
        ),
        (
            (ringed(ring("a", "region: norteurope"), more=f"{COSMOS}}}\n"),),
            "UNKNOWN_VALUE",
            "is none of Azure's regions",
            "norteurope",
        ),
        (
            (ringed(ring("a"), more="    cosmos: {account: shop-db}\n"),),
            "INVALID_RESOURCE",
            "Cosmos DB account",
            "shop-db",
        ),
        (
            (a_stage("production-eu"), ringed(ring("eu"))),
            "DUPLICATE_NAME",
            "already a stage of this name",
            "eu, targets",
        ),
        ((ringed(ring("a" * 60)),), "NAME_TOO_LONG", "63 characters are the most", None),
        (
            ("  - name: production\n    environment: production\n",),
            "MISSING_KEY",
            '"targets" or "rings"',
            "name: production",
        ),
        ((*(a_stage(f"s{n}") for n in range(19)), ringed(ring("a"), ring("b"))), "TOO_MANY", "that makes 21", "rings:"),
        (
            (ringed(ring("a", "bake: 30s"), more="    rollout: {canary: {}}\n"),),
            "BAKE_TOO_SHORT",
            "before one tick",
            "30s",
        ),
        ((ringed(ring("a", "bake: 30s"), more=SWITCH),), "BAKE_TOO_SHORT", "before one tick", "30s"),
        ((ringed(ring("a"), ring("b"), more=SWITCH),), "SHARED_TELEMETRY", "that of the ring on line", None),
        (
            (ringed(ring("a", "role: x"), more="    rollout: {blue-green: {}}\n"),),
            "CONFLICTING_KEYS",
            "where a judge's numbers come from",
            "role",
        ),
        (
            (ringed(ring("a"), more="    rollout: {flag: {name: new-checkout}}\n"),),
            "CONFLICTING_KEYS",
            "users of all rings together",
            "flag",
        ),
    ],
)
def test_each_mistake_is_named_at_its_line(stages: tuple[str, ...], code: str, words: str, at: str | None) -> None:
    text = a_pipeline(*stages)
    finding = next((each for each in found(text) if each.code == code and words in each.words), None)
    assert finding is not None, found(text)
    if at is not None:
        assert text.splitlines()[finding.line - 1][finding.column - 1 :].startswith(at.rstrip("\n")), finding


def test_a_ring_is_judged_by_its_own_telemetry() -> None:
    workspace = "8F1D6A1E-6F0B-4A5E-9D55-2A7F6F6A9C11"
    plan = planned(ringed(ring("a", "role: shop-a"), ring("b", f"workspace: {workspace}"), more=CANARY))
    sources = [each.canary.source for each in plan.stages if each.canary]
    assert [(each.workspace, each.role) for each in sources] == [("", "shop-a"), (workspace.lower(), "shop")]


@pytest.mark.parametrize("regions", [("eastus", "northeurope", "northeurope"), ("eastus3", "moonbase")])
def test_an_order_that_can_come_to_its_end_and_a_region_that_may_be_new_are_taken(regions: tuple[str, ...]) -> None:
    rings = (ring(f"r{n}", f"region: {region}") for n, region in enumerate(regions))
    assert found(a_pipeline(ringed(*rings, more=f"{COSMOS}, order: write-region-last}}\n"))) == []


def test_two_rings_that_ramp_have_not_one_telemetry() -> None:
    (finding,) = found(a_pipeline(ringed(ring("a", "role: x"), ring("b", "role: x"), more=CANARY)))
    assert (finding.code, finding.line) == ("SHARED_TELEMETRY", 11)
    assert "that of the ring on line 10" in finding.words
    (no_canary,) = found(a_pipeline(ringed(ring("a", "role: x"))))
    assert no_canary.code == "CONFLICTING_KEYS"


def test_rings_may_be_blue_green_each_with_its_own_switch() -> None:
    first, second = planned(
        ringed(ring("a", "role: shop-a, max_parallel: 1"), ring("b", "role: shop-b"), more=SWITCH)
    ).stages
    assert [
        each.blue_green.judged.source.role for each in (first, second) if each.blue_green and each.blue_green.judged
    ] == [
        "shop-a",
        "shop-b",
    ]
    assert first.switch_approval == second.switch_approval
    assert (first.rollout, first.max_parallel, first.watch_s) == ("blue-green", 1, 86_400)


def test_sound_rings_have_no_findings() -> None:
    sound = a_pipeline(a_stage("dev"), TWO)
    assert found(sound) == []
