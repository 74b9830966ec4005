"""`docs/security.md` is true: every threat names a test, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_THREATS = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## Threats")[2].partition("\n## ")[0]
ROWS = [line for line in _THREATS.splitlines() if line.startswith("| ") and not line.startswith("| threat |")]


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_there_are_threats_to_look_at() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0][2:50])
def test_a_threat_names_tests_that_exist(row: str) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", row.rsplit(" | ", 1)[1])
    assert named, "no test"
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []
