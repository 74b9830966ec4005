"""Writes `docs/states.md` from the table of transitions: `python -m slipway.promotion.transition_page`."""

from itertools import groupby
from pathlib import Path

from slipway.promotion.machine import Machine, Transition
from slipway.promotion.transitions import MACHINES

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
INTRODUCTION = """# States and transitions

Every state × event of a promotion, its stages, their approvals and the locks has an answer: a row, or a reason below
its table why there is none. Written from `slipway/promotion/transitions.py` by
`python -m slipway.promotion.transition_page`; `tests/workflow/` drives promotions through random orders of builds,
clicks, faults and crashes and holds what it sees against it (`test_model.py`, `test_states.py`).

An answer in capitals refuses what a person asked for. *waits* also stands for a phase that begins anew because a
service which it cannot do without (audit, read model, targets) was away. *close_stage* and *close_promotion* say that
an orchestration was ended from outside; *sweep* is where the stage begins that stands in the place of such a one.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([INTRODUCTION, *(_of(machine) for machine in MACHINES)])


def _of(machine: Machine) -> str:
    lines = [f"## {machine.name.capitalize()}", "", "| state | event | answer | next |", "|---|---|---|---|"]
    for state in machine.states:
        rows = sorted(each for each in machine.transitions if each.state == state)
        for event, ways in groupby(rows, key=lambda each: each.event):
            lines += [_row(each, event) for each in ways]
    if machine.elsewhere:
        lines += ["", "Elsewhere there is none, because", ""]
        lines += [f"- *{event}*: {why}" for event, why in machine.elsewhere.items()]
    return "\n".join([*lines, ""])


def _row(each: Transition, event: str) -> str:
    to = "stays" if each.to == each.state else each.to
    return f"| {each.state} | {event} | {each.answer or '·'} | {to} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
