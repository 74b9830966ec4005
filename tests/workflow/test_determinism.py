import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"os", "io", "time", "random", "uuid", "secrets", "logging", "threading", "asyncio", "socket", "subprocess"}
DETERMINISTIC = [*ROOT.glob("orchestrators/*.py"), *ROOT.glob("entities/*.py")]


@pytest.mark.parametrize("file", DETERMINISTIC, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_orchestrators_and_entities_read_no_clock_no_chance_and_no_environment(file: Path) -> None:
    """What replays must give the same again: time, ids and waits come from the orchestration's context only."""
    tree = ast.parse(file.read_text())
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported = {name.partition(".")[0] for name in plain}
    imported |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not imported & FORBIDDEN
    assert not {"datetime.now", "datetime.utcnow", "open", "print", "input"} & calls
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Global) for node in ast.walk(tree))


def test_there_is_something_to_look_at() -> None:
    assert len(DETERMINISTIC) > 10
