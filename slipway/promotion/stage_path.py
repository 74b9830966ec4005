"""Where a stage on its way goes next: which targets change, in which parts, and the phase that follows."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, Self

from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import Target
from slipway.promotion.stage_members import OfServices
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_phases import (
    APPROVAL,
    BAKE,
    DEPLOY,
    GATES,
    GATES_AT_LOCK,
    GATES_AT_SWITCH,
    LOCK,
    MIGRATE,
    RAMP,
    REGION,
    ROLL_OUT,
    SWITCH_APPROVAL,
    SWITCH_GATES,
    VERIFY_AGAIN,
)


class OnItsWay(OfServices):
    """A part of `StageRun`."""

    instance: str
    attempt: int
    part: int
    approved: bool
    switched: bool
    steps: tuple[Step, ...]

    @abstractmethod
    def to(self, phase: str, **changes: Any) -> Self:
        """The same stage, in another phase."""

    @property
    def after_needs(self) -> str:
        return GATES if self.plan.gates else self.after_gates

    @property
    def after_gates(self) -> str:
        """What people approved stays approved."""
        return APPROVAL if self.plan.approval and not self.approved else LOCK

    @property
    def after_lock(self) -> str:
        return GATES_AT_LOCK if self.plan.gates else self.to_work

    @property
    def to_work(self) -> str:
        """The phase that changes something first."""
        return MIGRATE if self.plan.migration else DEPLOY

    @property
    def changing(self) -> tuple[Target, ...]:
        """The targets that do not answer this build's version already."""
        return tuple(each for each in self.plan.targets if self.sites[each.name].previous != self.version_of(each.name))

    @property
    def may_still_come(self) -> tuple[Target, ...]:
        """The targets whose deployment was given up and may have its effect yet: their platform lets it come late."""
        given_up = {step.target for step in self.steps if step.name == "deploy" and step.state != Outcome.PASSED}
        return tuple(each for each in self.plan.targets if each.of_kind.comes_late and each.name in given_up)

    @property
    def parts(self) -> tuple[tuple[Target, ...], ...]:
        """The targets that change, in the parts that are switched one after the other: level by level, and of each at
        most `max_parallel` at a time. One part, perhaps empty, where neither says anything else."""
        changing, parts = self.changing, []
        for level in self.plan.levels:
            left = tuple(target for target in level if target in changing)
            size = self.plan.max_parallel or len(left)
            parts += [left[begin : begin + size] for begin in range(0, len(left), size or 1)]
        return tuple(parts) or ((),)

    @property
    def live_now(self) -> tuple[Target, ...]:
        """The targets to verify after the present part is switched; with the last one those that did not change."""
        parts = self.parts
        if len(parts) == 1:
            return self.plan.targets
        rest = [target for target in self.plan.targets if target not in self.changing]
        return (*parts[self.part], *(rest if self.part + 1 == len(parts) else ()))

    def next_part(self) -> Self:
        """Verified live: on to the targets that are left, or to what follows when the release serves everybody."""
        if self.part + 1 == len(self.parts):
            return self.to(self.after_live)
        return replace(self.to(self._before_users or ROLL_OUT), part=self.part + 1)  # type: ignore[type-var]

    @property
    def _before_users(self) -> str:
        """The phase that asks whether users may be moved now; empty where nothing has to be asked."""
        return REGION if self.plan.ring and self.plan.ring.gate else ""

    @property
    def after_verify(self) -> str:
        """The phase that looks at the gates once more where there are any, else what follows them."""
        return SWITCH_GATES if self.plan.all_gates and self.changing else self.after_switch_gates

    @property
    def after_switch_gates(self) -> str:
        """The phase in which people are asked before the switch, else the one towards users."""
        return SWITCH_APPROVAL if self.plan.switch_approval and self.changing else self.to_users

    @property
    def after_switch_approval(self) -> str:
        """People may have taken hours: what was proven before is looked at again."""
        return GATES_AT_SWITCH if self.plan.all_gates else VERIFY_AGAIN

    @property
    def to_users(self) -> str:
        """The phase in which the release first meets users, or what is asked of the platform before that."""
        return self._before_users or self.after_region

    @property
    def after_region(self) -> str:
        """The phase in which the release meets users, or more of them."""
        ramps = self.plan.canary and not self.flag_plan and not self.switched
        return RAMP if ramps and not self._has_ramped else ROLL_OUT

    @property
    def _has_ramped(self) -> bool:
        """Whether this attempt's ramp has come to its end."""
        ramp = child_id(self.instance, "ramp", str(self.attempt))
        return any(step.operation == ramp and step.state == Outcome.PASSED for step in self.steps)

    @property
    def after_live(self) -> str:
        """The phase that follows when the release serves everybody: what is new in it may be behind a flag."""
        return RAMP if self.flag_plan else BAKE

    @property
    def flag_plan(self) -> FlagPlan | None:
        return self.plan.canary.flag if self.plan.canary else None
