"""That an abort stops in the world of the workflow tests what it stops in the real one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.workflow.world import STOPPABLE

ACTIVITIES = Path(__file__).parents[2] / "activities"


def unless_aborted() -> Iterator[str]:
    for file in ACTIVITIES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
            if any(isinstance(each, ast.Name) and each.id == "unless_aborted" for each in decorators):
                assert isinstance(node, ast.FunctionDef)
                yield node.name


def test_an_abort_stops_here_what_it_stops_there() -> None:
    assert sorted(STOPPABLE) == sorted(unless_aborted())
