"""A stage as people see it: its row in the read model, made from its run."""

from typing import Any

from slipway.promotion.outcomes import Outcome
from slipway.promotion.plain import plain
from slipway.promotion.stage_parts import Ending, Step
from slipway.promotion.stage_phases import REGION, ROLL_OUT, VERIFY_LIVE
from slipway.promotion.stage_run import StageRun


def stage_row(run: StageRun) -> dict[str, Any]:
    """The stage's row in the read model."""
    ending = run.ending or Ending("")
    return {
        "name": run.plan.name,
        "environment": run.plan.environment,
        "needs": list(run.plan.needs),
        "instance": run.instance,
        "attempt": run.attempt,
        "state": run.state,
        "waits_for": run.waits_for,
        "since": run.since,
        "deadline": run.deadline,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "code": ending.code,
        "words": ending.words,
        "targets": [
            {
                "name": target.name,
                "address": run.sites[target.name].production if target.name in run.sites else "",
                **_versions(run, target.name),
                **({"member": run.service_of(target.name)} if run.plan.members else {}),
                **({"preview": run.previews[target.name]} if target.name in run.previews else {}),
                **_changes(run, target.name),
            }
            for target in run.plan.targets
        ],
        "steps": [_step(step) for step in run.steps],
        **({"gates": _gates(run)} if run.plan.all_gates else {}),
    }


def _gates(run: StageRun) -> list[dict[str, Any]]:
    """What each gate has said so far; empty where it has not been asked."""
    said = ("outcome", "code", "words", "digest", "produced_at", "asked_at")
    shown = []
    for gate in run.plan.all_gates:
        answer = run.gate_answers.get(gate.name, {})
        before = "switch" if gate in run.plan.switch_gates else "start"
        told = {"name": gate.name, "kind": gate.kind, "before": before, "evidence": gate.evidence}
        shown.append({**told, **{key: answer.get(key, "") for key in said}})
    return shown


def _changes(run: StageRun, target: str) -> dict[str, str]:
    site = run.sites.get(target)
    return {"changes": site.changes} if site and site.changes else {}


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = plain(step)
    return shown if step.log else {key: value for key, value in shown.items() if key != "log"}


def _versions(run: StageRun, target: str) -> dict[str, str]:
    site = run.sites.get(target)
    if site is None:
        return {"live": "", "idle": ""}
    deployed = any(step.name == "deploy" and step.state == Outcome.PASSED for step in run.steps)
    version = run.version_of(target)
    if run.switched and not _waits_for_its_part(run, target):
        return {"live": version, "idle": site.previous}
    if run.goes_back:
        return {"live": site.previous, "idle": version}
    return {"live": site.previous, "idle": version if deployed else site.idle_was}


def _waits_for_its_part(run: StageRun, target: str) -> bool:
    """Whether others are switched first."""
    left = [each.name for part in run.parts[run.part + 1 :] for each in part]
    return run.phase in (REGION, ROLL_OUT, VERIFY_LIVE) and target in left
