"""A promotion on its way: the frozen input of its orchestration, and its row in the read model."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known

PROMOTION_LOST = "PROMOTION_LOST"


@dataclass(frozen=True)
class PromotionRun:
    """Build and plan as they were when the message came in; later edits of the pipeline do not reach it.

    `token` is new with every start call: the first activity claims the promotion with it. It comes from
    the starter because an id made inside differs when a first episode runs twice.
    `trace` is the W3C traceparent of all that is done for it.
    `pins` are the addresses at which its artifacts are deployed, by those that the plan names, once it is `pinned`;
    `pinning` is what is known until then.
    `closing` is how the promotion is to end because an orchestration of it was lost, once all its stages are over.
    """

    id: str
    token: str
    build: Build
    plan: PromotionPlan
    received_at: str
    submitted_by: str = ""
    trace: str = ""
    pins: dict[str, str] = field(default_factory=dict)
    pinned: bool = False
    pinning: dict[str, Any] = field(default_factory=dict)
    started_at: str = ""
    ended_at: str = ""
    closing: Ending | None = None
    ending: Ending | None = None

    def stage_input(self, stage: StagePlan, instance: str) -> dict[str, Any]:
        """What the orchestration of `stage` starts with."""
        return self._stage(stage, instance).dump()

    def _stage(self, stage: StagePlan, instance: str) -> StageRun:
        given = (self.id, instance, stage, self.build, self.artifact, self.received_at)
        return StageRun(*given, trace=self.trace, pins=self.pins)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The addresses of all that its stages deploy, and of the images that their jobs run, each once, as the plan
        names them."""
        unpinned = replace(self, pins={})
        packages = [package for stage in self.plan.stages for package in unpinned._stage(stage, "").packages]
        return tuple(dict.fromkeys(address for package in packages for address in package.split()))

    @property
    def digest_to_find(self) -> str:
        """What CI says of the artifact; of a group its digest is that of the members' versions, and says nothing."""
        return "" if self.build.members else self.build.digest

    @property
    def artifact(self) -> str:
        """The address of this build's package."""
        return self.plan.artifact_of(self.build.version)

    def row(self) -> dict[str, Any]:
        """The promotion's row in the read model."""
        ending = self.ending or Ending("running")
        return {
            "id": self.id,
            "service": self.build.service,
            "version": self.build.version,
            "state": ending.outcome,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "code": ending.code,
            "words": ending.words,
            "author": self.build.author,
            "branch": self.build.branch,
            "commit": self.build.commit,
            "build": self.build.dump(),
            "received_at": self.received_at,
            "submitted_by": self.submitted_by,
            "trace": self.trace,
            "pins": self.pins,
            "pipeline_digest": self.plan.pipeline_digest,
            "frozen_plan": self.plan.dump(),
            "plan": [
                {
                    "name": stage.name,
                    "environment": stage.environment,
                    "ring": stage.ring.words if stage.ring else "",
                    "needs": list(stage.needs),
                    "targets": [target.name for target in stage.targets],
                    "approval": stage.approval is not None,
                }
                for stage in self.plan.stages
            ],
        }

    def dump(self) -> dict[str, Any]:
        ends = {key: asdict(end) if end else None for key, end in (("closing", self.closing), ("ending", self.ending))}
        return {**vars(self), "build": self.build.dump(), "plan": self.plan.dump(), **ends}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "PromotionRun":
        ends = {key: Ending(**known(Ending, data[key])) if data.get(key) else None for key in ("closing", "ending")}
        build, plan = Build.load(data["build"]), PromotionPlan.load(data["plan"])
        return cls(**{**known(cls, data), "build": build, "plan": plan, **ends})
