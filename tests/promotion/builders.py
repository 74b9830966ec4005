"""Domain values for tests, in the domain's words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.promotion.approval import APPROVE, Person, Vote
from slipway.promotion.build import Build
from slipway.promotion.plan import ApprovalPolicy, HealthCheck, StagePlan, Target

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

ALICE = Person("oid-alice", "Alice", roles=("approver", "release-manager"), groups=("team-checkout",))
BOB = Person("oid-bob", "Bob", roles=("approver", "release-manager"))
CAROL = Person("oid-carol", "Carol", roles=("approver", "qa"))


def a_build(version: str = "1.1.0", **changes: Any) -> Build:
    build = Build("checkout", version, commit="c0ffee", branch="main", author="bob", finished_at=NOON)
    return replace(build, **changes)


def a_policy(**changes: Any) -> ApprovalPolicy:
    policy = ApprovalPolicy(("role:release-manager",), at_least=1, not_author=True, within_s=8 * 3600)
    return replace(policy, **changes)


def a_vote(person: Person = ALICE, decision: str = APPROVE, **changes: Any) -> Vote:
    return replace(Vote(person, decision, NOON, author_oid="oid-somebody-else"), **changes)


def a_stage(name: str = "dev", needs: tuple[str, ...] = (), **changes: Any) -> StagePlan:
    plan = StagePlan(
        name=name,
        environment=name,
        needs=needs,
        approval=None,
        targets=(Target(f"checkout-{name}", "app-service", f"/sites/checkout-{name}", "staging"),),
        health=HealthCheck(),
        loads=(),
        rollout="all-at-once",
        bake_s=0,
        deploy_within_s=600,
        lock_within_s=3600,
        retry_within_s=0,
    )
    return replace(plan, **changes)


def later(**amount: float) -> datetime:
    return NOON + timedelta(**amount)
