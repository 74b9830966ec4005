"""What a build has proven on its way to an approval, and what not, as lines of the card. Pure, from the read model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.promotion.outcomes import Outcome
from slipway.promotion.overrides import OVERRIDDEN
from slipway.promotion.plan import StagePlan

Rows = Mapping[str, dict[str, Any]]


def proofs(asked: StagePlan, plans: Sequence[StagePlan], rows: Rows) -> Iterator[str]:
    """The gates that passed with their figures and the age of their evidence, the stages before with their loads, and
    what this stage itself has shown on its idle side."""
    for gate in _gates(asked, rows):
        if _has_passed(gate):
            made = f"; evidence of {gate['produced_at']}" if gate["produced_at"] else ""
            yield f"gate {gate['name']}: {gate['words'] or 'passed'}{made}"
    for plan in (*_before(asked, plans), asked):
        row = rows.get(f"stage:{plan.name}", {})
        if plan is not asked and row.get("state") == Outcome.PASSED:
            yield f"stage {plan.name} passed" + (f" at {row['ended_at']}" if row["ended_at"] else "")
        for step in row.get("steps", ()):
            if step["state"] == Outcome.PASSED and step["words"] and step["name"].startswith(("load", "test")):
                yield f"{plan.name}, {step['name']}: {step['words']}"


def unproven(asked: StagePlan, plans: Sequence[StagePlan], rows: Rows) -> Iterator[str]:
    """The gates that have not passed, the stages before that have not, and that no load was ever run."""
    for gate in _gates(asked, rows):
        if not _has_passed(gate):
            yield f"gate {gate['name']}: {gate['words'] or 'not asked yet'}"
    before = _before(asked, plans)
    for plan in before:
        state = rows.get(f"stage:{plan.name}", {}).get("state", "pending")
        if state != Outcome.PASSED:
            yield f"stage {plan.name} is {state}"
    if not any(plan.loads for plan in (*before, asked)):
        yield "no load test is run on the way here"


def _has_passed(gate: Mapping[str, Any]) -> bool:
    """What people let it skip is not proven."""
    return bool(gate["outcome"] == Outcome.PASSED and gate["code"] != OVERRIDDEN)


def _before(asked: StagePlan, plans: Sequence[StagePlan]) -> list[StagePlan]:
    """The stages that it needs, and those that these need, in the order of the pipeline."""
    by_name = {plan.name: plan for plan in plans}
    found, open_names = set[str](), list(asked.needs)
    while open_names:
        name = open_names.pop()
        if name in by_name and name not in found:
            found.add(name)
            open_names += by_name[name].needs
    return [plan for plan in plans if plan.name in found]


def _gates(asked: StagePlan, rows: Rows) -> Sequence[dict[str, Any]]:
    told: Sequence[dict[str, Any]] = rows.get(f"stage:{asked.name}", {}).get("gates", ())
    return told
