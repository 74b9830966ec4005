"""`docs/faults.md` is true: every test that it names exists, and every code stands in the sources."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    line
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| what happens |", "| trap |"))
]
SOURCES = ("slipway", "activities", "orchestrators", "entities", "triggers")
STATUS = {f"AZURE_{kind}" for kind in ("DENIED", "MISSING")}  # made of the kind of fault


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def sources() -> str:
    return "\n".join(path.read_text() for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))


def test_there_are_rows_to_look_at() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0][2:50])
def test_a_row_names_tests_that_exist_and_codes_that_are_said(row: str) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", row.rsplit(" | ", 1)[1])
    assert named, "no test"
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []
    codes = set(re.findall(r"`([A-Z][A-Z0-9_]{4,})`", row)) - STATUS
    assert {code for code in codes if f'"{code}"' not in sources()} == set()
