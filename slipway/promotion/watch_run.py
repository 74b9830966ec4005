"""A release on watch after its stage: what travels from one generation of its orchestration to the next."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.outcomes import moment
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known
from slipway.promotion.telemetry import last_tick

SOONEST, LATEST = timedelta(seconds=30), timedelta(minutes=15)
AGE_BY = 20  # a look every twentieth of the release's age: what is old changes slowly, and looks cost


@dataclass(frozen=True)
class WatchRun:
    """`began_at` and `until` are moments. `watched` is what the judge knows, as in a bake; empty where no ramp was, and
    then the probe alone looks. `looks` counts them, `told` is what a person was called for last, `rev` counts records.
    """

    stage: StageRun
    instance: str
    began_at: str
    until: str
    watched: dict[str, Any] = field(default_factory=dict)
    looks: int = 0
    told: str = ""
    rev: int = 0

    def due(self, at: datetime) -> int:
        """The number of the judge's tick that ended last; 0 where nothing is judged."""
        judged = self.stage.plan.judged
        if not self.watched or judged is None:
            return 0
        return last_tick(self.watched["began_at"], judged.policy.tick_s, at)

    def wakes_at(self, at: datetime) -> datetime:
        """When to look again: later with age. One that is to end and cannot see looks on."""
        pause = (at - moment(self.began_at)) / AGE_BY
        ends = moment(self.until)
        return min(at + min(max(pause, SOONEST), LATEST), ends) if at < ends else at + LATEST

    def judged(self, tick: int, state: dict[str, Any]) -> "WatchRun":
        return replace(self, watched={**self.watched, "tick": tick, "state": state})

    def going_back(self, words: str) -> StageRun:
        """The run that takes the release back, under the lock like any other."""
        stage = self.stage
        instance = child_id(stage_id(stage.promotion, stage.plan.name), "back", "watch")
        run = StageRun(stage.promotion, instance, stage.plan, stage.build, "", stage.received_at, phase=LOCK)
        run = replace(run, trace=stage.trace, flag=stage.flag)
        return replace(run, goes_back=True, asked_by="slipway", reason=words, harm=True)

    def dump(self) -> dict[str, Any]:
        return {**vars(self), "stage": self.stage.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "WatchRun":
        return cls(**{**known(cls, data), "stage": StageRun.load(data["stage"])})
