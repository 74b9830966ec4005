"""What a gate is asked about: the build, with the evidence that is there for it, and where it would go."""

from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.gates.plan import GatePlan


@dataclass(frozen=True)
class Question:
    """`build` has of its evidence what the gate reads, or what was supplied in its place. `operation` is the id of this
    asking, `digests` are those of the images that the stage deploys, `subscription` is one of its targets',
    and `until` is when nobody waits for the answer any more.
    """

    gate: GatePlan
    build: Build
    promotion: str
    environment: str
    stage: str
    operation: str
    rev: int = 0
    digests: tuple[str, ...] = ()
    subscription: str = ""
    until: str = ""
    handle: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.build.service

    @classmethod
    def of(cls, order: dict[str, Any]) -> "Question":
        """The question in an activity's order."""
        told = {key: order[key] for key in ("promotion", "environment", "stage", "operation", "rev")}
        return cls(
            GatePlan.load(order["gate"]),
            Build.load(order["build"]),
            **told,
            digests=tuple(order.get("digests", ())),
            subscription=order.get("subscription", ""),
            until=order.get("until", ""),
            handle=order.get("handle") or {},
        )
