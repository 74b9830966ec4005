"""What a policy wants of a stage, against what the stage is planned to do: by values, in the right direction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.approval_policy import REQUIRED, Escalation
from slipway.promotion.calendar.windows import Calendar, Freeze, Hours, Rate
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.groups import GroupPlan
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.policies import Policies, Policy, holding, read_policies, unmet_by
from slipway.promotion.policies.policy import ApprovalWanted, Exemption, Wanted
from slipway.promotion.policies.settings_of_gates import weaker
from slipway.promotion.policies.shortfalls import shortfalls
from slipway.promotion.policies.times import hours_are_kept, rate_is_kept
from slipway.promotion.rings import RingPlan
from tests.promotion.builders import NOON, a_policy, a_stage, later

FREEZE = Freeze("black-friday", "2026-11-25T18:00", "2026-12-03T00:00", "Europe/Berlin")
HOURS = Hours((0, 1, 2, 3), "09:00", "16:00", "Europe/Berlin")


def short(wanted: Wanted, at: datetime = NOON, **stage: Any) -> list[str]:
    return [each.key for each in shortfalls(wanted, a_stage("production", **stage), at)]


def test_an_approval_may_be_stricter_and_never_weaker() -> None:
    wanted = Wanted(approval=ApprovalWanted(2, not_author=True))
    assert short(wanted) == ["approval"]
    assert short(wanted, approval=a_policy(at_least=1)) == ["approval"]
    assert short(wanted, approval=a_policy(at_least=2, not_author=False)) == ["approval"]
    assert short(wanted, approval=a_policy(at_least=2)) == [] == short(wanted, approval=a_policy(at_least=3))
    assert short(wanted, approval=a_policy(at_least=1), switch_approval=a_policy(at_least=2)) == []


def test_nobody_but_who_the_policy_names_may_be_asked_not_even_after_an_escalation() -> None:
    wanted = Wanted(approval=ApprovalWanted(1, ("role:release-manager", "role:qa")))
    assert short(wanted, approval=a_policy()) == []
    assert short(wanted, approval=a_policy(approvers=("role:release-manager", "role:everybody"))) == ["approval"]
    assert short(wanted, approval=a_policy(escalation=Escalation(("group:all",), 60.0))) == ["approval"]


def test_an_approval_that_holds_longer_or_says_no_reason_is_weaker() -> None:
    aged, says_why = Wanted(approval=ApprovalWanted(max_age_s=3600)), Wanted(approval=ApprovalWanted(comment=True))
    assert short(aged, approval=a_policy()) == ["approval"] == short(aged, approval=a_policy(max_age_s=3601.0))
    assert short(aged, approval=a_policy(max_age_s=60.0)) == []
    assert short(says_why, approval=a_policy(comment="on-approve")) == ["approval"]
    assert short(says_why, approval=a_policy(comment=REQUIRED)) == []


def test_the_yes_before_the_first_ring_is_that_to_all_of_them() -> None:
    wanted = Wanted(approval=ApprovalWanted())
    ring = RingPlan("production", "production", "west", 1, 2, (), "stop", None)
    assert short(wanted, ring=ring) == ["approval"] and short(wanted, ring=replace(ring, number=2)) == []


@pytest.mark.parametrize(
    ("kind", "wanted", "weak", "strict"),
    [
        ("coverage", {"line": 0.7}, [{}, {"line": 0.69}, {"branch": 0.9}], [{"line": 0.7}, {"line": 0.9}]),
        ("coverage", {"not_lower": True}, [{"line": 0.9}], [{"not_lower": True}]),
        ("sarif", {"max": {"error": 0}}, [{"new": 0}, {"max": {"error": 1}}, {"max": {"note": 0}}],
         [{"max": {"error": 0, "note": 3}}]),
        ("sarif", {"new": 2, "tools": ["CodeQL"]}, [{"new": 2}, {"new": 3, "tools": ["CodeQL"]}],
         [{"new": 0, "tools": ["CodeQL", "semgrep"]}]),
        ("tests", {"failed": 0, "at_least": 100}, [{"failed": 0, "at_least": 1}, {"failed": 1, "at_least": 100}],
         [{"failed": 0, "at_least": 100, "skipped": 0}]),
        ("sbom", {"max": {"critical": 0}, "ignore": ["CVE-2026-1"]},
         [{"max": {"critical": 0}, "ignore": [{"id": "CVE-2026-2"}]}, {"denied_licences": ["AGPL"]}],
         [{"max": {"critical": 0}}, {"max": {"critical": 0}, "ignore": [{"id": "CVE-2026-1"}]}]),
        ("provenance", {"builders": ["a", "b"], "keys": ["k"], "sigstore": {}},
         [{"builders": ["c"], "keys": ["k"]}, {"builders": ["a"], "keys": ["k", "other"]},
          {"builders": ["a"], "sigstore": {"identity": "me", "issuer": "us"}}],
         [{"builders": ["a"], "keys": ["k"], "source": "https://x"}]),
        ("provenance", {"source": "https://x"}, [{"source": "https://y"}], [{"source": "https://x"}]),
        ("kql", {"query": "Incidents", "over": 3600.0}, [{"query": "print 1", "over": 3600.0},
         {"query": "Incidents", "over": 60.0}], [{"query": "Incidents", "over": 7200.0}]),
        ("webhook", {"url": "https://a"}, [{"url": "https://b"}], [{"url": "https://a", "secret": "s"}]),
        ("defender", {"max": {"high": 3}}, [{"max": {"critical": 0}}, {"max": {"high": 4}}], [{"max": {"high": 0}}]),
    ],
)  # fmt: skip
def test_each_setting_of_a_gate_has_its_direction(
    kind: str, wanted: dict[str, Any], weak: list[dict[str, Any]], strict: list[dict[str, Any]]
) -> None:
    asked = GatePlan(kind, kind, wanted)
    assert all(weaker(asked, GatePlan("x", kind, each)) for each in weak)
    assert not any(weaker(asked, GatePlan("x", kind, each)) for each in strict)


def test_a_gate_before_the_switch_will_do_and_old_evidence_will_not() -> None:
    wanted = Wanted(gates=(GatePlan("coverage", "coverage", {"line": 0.7}, max_age_s=60.0),))
    good = GatePlan("unit", "coverage", {"line": 0.8}, "coverage", 60.0)
    assert short(wanted) == ["gates"] and short(wanted, gates=(good,)) == [] == short(wanted, switch_gates=(good,))
    assert short(wanted, gates=(replace(good, max_age_s=0.0),)) == ["gates"]
    assert short(wanted, gates=(GatePlan("s", "sarif", {"new": 0}),)) == ["gates"]
    assert short(wanted, gates=(replace(good, settings={"line": 0.1}), good)) == [], "the stricter of two is enough"


def test_rollout_bake_and_the_time_for_a_way_back() -> None:
    wanted = Wanted(rollouts=("canary", "blue-green"), bake_s=1800.0, retain_previous_s=86400.0)
    assert short(wanted) == ["rollout", "bake", "retain_previous"]
    assert short(wanted, rollout="blue-green", bake_s=1800.0, watch_s=86400.0) == []


def test_a_freeze_must_be_covered_until_it_is_over() -> None:
    wanted = Wanted(freezes=(FREEZE,))
    longer = replace(FREEZE, name="xmas", begins="2026-11-20T00:00", ends="2027-01-02T00:00", time_zone="UTC")
    assert short(wanted) == ["freeze"]
    assert short(wanted, calendar=Calendar((FREEZE,))) == [] == short(wanted, calendar=Calendar((longer,)))
    for weak in (
        replace(FREEZE, ends="2026-12-02T00:00"),
        replace(FREEZE, time_zone="America/New_York"),
        replace(FREEZE, but=("hotfix",)),
        replace(FREEZE, begins="2026-11-26T00:00"),
    ):
        assert short(wanted, calendar=Calendar((weak,))) == ["freeze"], weak
    assert short(wanted, at=datetime(2026, 12, 4, tzinfo=UTC)) == []
    assert short(Wanted(freezes=(replace(FREEZE, on_begin="pause"),)), calendar=Calendar((FREEZE,))) == ["freeze"]


def test_business_hours_in_another_time_zone_are_compared_as_moments() -> None:
    assert hours_are_kept(HOURS, replace(HOURS, days=(1,), begins="10:00"), NOON)
    assert not hours_are_kept(HOURS, None, NOON)
    assert not hours_are_kept(HOURS, replace(HOURS, days=(4,)), NOON)
    in_utc = replace(HOURS, time_zone="UTC", begins="08:00", ends="14:00")
    assert hours_are_kept(HOURS, in_utc, NOON), "09 to 15 in Berlin's winter, 10 to 16 in its summer"
    assert not hours_are_kept(HOURS, replace(in_utc, ends="15:00"), NOON), "until 17 in Berlin's summer"


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_rate_that_is_kept_lets_no_more_in_however_releases_come(asked: int, per: int, most: int, each: int) -> None:
    """The worst there is: as many as the stage's rate lets in, at once, whenever it lets them in."""
    if not rate_is_kept(Rate(asked, float(per)), Rate(most, float(each))):
        return
    moments = [burst * each for burst in range(20) for _ in range(most)]
    for begin in range(0, 20 * each):
        assert sum(begin <= moment < begin + per for moment in moments) <= asked


def policy(**changes: Any) -> Policy:
    return replace(Policy("p", "Because.", "team-risk", Wanted(bake_s=60.0), written={"bake": "60s"}), **changes)


def concerned(rule: Policy, stage: StagePlan | None = None, service: str = "checkout", owner: str = "team-a") -> bool:
    return rule.concerns(stage or a_stage("production"), service, owner, NOON)


def test_whom_a_policy_is_for() -> None:
    assert concerned(policy())
    assert concerned(policy(environments=("prod*",))) and not concerned(policy(environments=("staging",)))
    assert not concerned(policy(not_environments=("prod*",)))
    assert concerned(policy(services=("check*",))) and not concerned(policy(services=("shop-*",)))
    assert concerned(policy(owners=("team-a",))) and not concerned(policy(owners=("team-b",)))
    assert concerned(policy(kinds=("app-service",))) and not concerned(policy(kinds=("aks",)))
    ring = RingPlan("production", "production", "west", 1, 2, (), "stop", None)
    west = a_stage("production-west", ring=ring)
    assert concerned(policy(environments=("production",)), west)
    assert not concerned(policy(not_environments=("production",)), west)
    assert concerned(policy(not_environments=("production-west",)), west), "a name of a ring steps around no rule"
    suite = a_stage("production", group=GroupPlan(members={"weu": "orders"}))
    assert concerned(policy(services=("orders",)), suite, service="suite")


def test_a_policy_holds_to_the_end_of_its_last_day_and_an_exception_too() -> None:
    today = NOON.date().isoformat()
    assert concerned(policy(until=today))
    assert not policy(until=today).concerns(a_stage(), "checkout", "team-a", later(hours=12))
    exempt = Exemption("p", "checkout", today, "A demo.", "Ann", "exceptions.yaml", 7)
    rules = Policies((policy(),), (exempt,))
    now = holding(rules, a_stage(), "checkout", "team-a", NOON)
    assert now.exempt == (exempt,) and not now.unmet and now.names == ["p"]
    after = holding(rules, a_stage(), "checkout", "team-a", NOON + timedelta(days=1))
    assert not after.exempt and f"its exception ended with {today} (exceptions.yaml:7)" in after.words
    assert holding(rules, a_stage(), "orders", "team-a", NOON).unmet, "the exception is another's"
    assert now.digest != after.digest


def test_the_digest_of_what_holds_is_of_the_rules_and_not_of_where_they_are_written() -> None:
    def digest(*rules: Policy) -> str:
        return holding(Policies(rules), a_stage(), "checkout", "team-a", NOON).digest

    assert digest() == "" and digest(policy()) == digest(policy(file="other.yaml", line=9, why="So."))
    assert digest(policy()) != digest(policy(wanted=Wanted(bake_s=61.0)))
    elsewhere = policy(name="q", environments=("elsewhere",))
    assert digest(policy()) == digest(policy(), elsewhere)


PERCENT = st.integers(0, 100)


@given(PERCENT, PERCENT, st.integers(1, 5), st.integers(1, 5), st.integers(0, 90), st.integers(0, 90), st.booleans())
def test_no_stage_that_passes_is_weaker_than_what_is_written(
    line: int, has_line: int, people: int, has_people: int, bake: int, has_bake: int, author: bool
) -> None:
    """From the text of a policy to the yes: what it says is what counts, and nothing that meets it is refused."""
    text = f"""
policies:
  - name: all
    why: Because.
    owner: us
    requires:
      approval: {{at_least: {people}, not: [author]}}
      gates: {{coverage: {{line: {line}%}}}}
      bake: {bake}m
"""
    plan = a_stage(
        approval=a_policy(at_least=has_people, not_author=author),
        gates=(GatePlan("coverage", "coverage", {"line": has_line / 100}, "coverage"),),
        bake_s=has_bake * 60.0,
    )
    rules = read_policies([("o.yaml", text)])
    found = {each.shortfall.key for each in holding(rules, plan, "checkout", "us", NOON).unmet}
    weak = {"approval": has_people < people or not author, "gates": has_line < line, "bake": has_bake < bake}
    assert found == {key for key, is_weak in weak.items() if is_weak}
    whole = PromotionPlan("checkout", "us", "sha256:0", "", (plan,))
    assert bool(list(unmet_by(rules, whole, NOON))) == bool(found)
