"""A performance gate knows by its plan which loads it compares: those of the stage that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan

KIND = "performance"


def with_loads(stages: Sequence[StagePlan], compiled: Mapping[str, str]) -> tuple[StagePlan, ...]:
    """The stages, with the loads that their gates compare. `compiled`: as what a written stage is known in the plan."""
    by_name = {stage.name: stage for stage in stages}

    def told(gate: GatePlan) -> GatePlan:
        if gate.kind != KIND:
            return gate
        stage = by_name[compiled[gate.settings["stage"]]]
        where = {"stage": stage.name, "environment": stage.environment}
        loads = [plain(load) for load in stage.loads]
        targets = [target.name for target in stage.targets]
        return replace(gate, settings={**gate.settings, **where, "targets": targets, "loads": loads})

    return tuple(
        replace(stage, gates=tuple(map(told, stage.gates)), switch_gates=tuple(map(told, stage.switch_gates)))
        for stage in stages
    )
