"""`slipway ask` where there is nobody to ask; what it is answered, tests/end_to_end/test_alerts.py tries."""

from pathlib import Path

import pytest

from tests.cli.conftest import Slipway


def test_where_nothing_runs_it_says_where_else_to_ask(slipway: Slipway) -> None:
    result = slipway("ask", "AppTraces | take 1")
    assert result.exit_code == 5
    assert "NOT_RUNNING" in result.stderr and "portal" in result.stderr


def test_a_file_that_is_not_there_is_named(slipway: Slipway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STATE", str(tmp_path))
    run = '{"url": "u", "issuer": "i", "ca": "c", "tenant": "t", "servicebus": "s", "pids": {}, "ports": {}}'
    (tmp_path / "run.json").write_text(run)
    result = slipway("ask", "@nowhere.kql")
    assert result.exit_code == 2
    assert "nowhere.kql cannot be read" in result.stderr
