"""Gates that two people let a stage skip: they count as passed while the override holds, and say for ever that nobody
asked them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, now
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.gates.rounds import passes
from slipway.promotion.outcomes import Outcome
from slipway.promotion.overrides import OVERRIDDEN
from slipway.promotion.stage_run import StageRun


def skipped(context: Context, run: StageRun, gates: Sequence[GatePlan], going: dict[str, Any]) -> Durable:
    """The run with what is skipped now; `going` is the answer of `ask_gates`. One that was skipped by an override that
    is over is asked like any other. Each is put on record once."""
    skips = going.get("skips", {})
    for gate in gates:
        before = run.gate_answers.get(gate.name)
        was = before is not None and before["code"] == OVERRIDDEN
        if gate.name not in skips:
            left = {name: answer for name, answer in run.gate_answers.items() if name != gate.name}
            run = replace(run, gate_answers=left) if was else run
        elif was or not passes(before):
            words = skips[gate.name]["words"][:500]
            number = going["evidence"].get(gate.evidence, {}).get("n", 0)
            said = {"outcome": str(Outcome.PASSED), "code": OVERRIDDEN, "words": words, "digest": "", "produced_at": ""}
            said |= {"asked_at": now(context), "n": number}
            run = replace(run, gate_answers={**run.gate_answers, gate.name: said})
            if not was:
                told = {"gate": gate.name, "kind": gate.kind, "code": OVERRIDDEN, "override": skips[gate.name]["id"]}
                run = yield from record_stage(context, run, "gate-overridden", f"gate {gate.name}: {words}", told)
    return run
