"""What needs a real terminal: lines that are drawn again, and that a pipe never sees."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.api_server import ApiServer
from tests.cli.builders import a_promotion, a_stage, a_step

PROMOTION = "GET /api/promotions/checkout--1.1.0"
WATCH = ["-c", "from slipway.cli.main import app; app()", "status", "checkout--1.1.0", "--watch"]


@pytest.fixture
def environment(server: ApiServer) -> dict[str, str]:
    load = a_step("load peak", "running")
    server.on(
        PROMOTION,
        (200, a_promotion(a_stage("test", "verifying", steps=[load]))),
        (200, a_promotion(a_stage("test"), state="passed")),
    )
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    own = {"SLIPWAY_URL": server.url, "SLIPWAY_TOKEN": "opaque", "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    return plain | own


def in_a_terminal(environment: dict[str, str], folder: Path) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, *WATCH], stdout=theirs, env=environment, cwd=folder)
    os.close(theirs)
    seen = b""
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    assert process.wait(60) == 0
    return seen.decode()


def _read(terminal: int) -> bytes:
    """What was printed; nothing once the other side is closed (Linux says so by an error)."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_a_watch_in_a_terminal_draws_the_tree_again(environment: dict[str, str], tmp_path: Path) -> None:
    seen = in_a_terminal(environment, tmp_path)
    assert "load peak" in seen
    assert "\x1b[1A" in seen
    assert "passed" in seen.rpartition("\x1b[1A")[2]


def test_no_color_leaves_the_words(environment: dict[str, str], tmp_path: Path) -> None:
    seen = in_a_terminal(environment | {"NO_COLOR": "1"}, tmp_path)
    assert "\x1b[32m" not in seen
    assert "passed" in seen


def test_a_dumb_terminal_gets_a_line_a_change(environment: dict[str, str], tmp_path: Path) -> None:
    seen = in_a_terminal(environment | {"TERM": "dumb"}, tmp_path)
    assert "\x1b" not in seen
    assert "» test        verifying" in seen


def test_forced_colour_in_a_pipe_moves_no_cursor(environment: dict[str, str], tmp_path: Path) -> None:
    page = subprocess.run(
        [sys.executable, *WATCH],
        env=environment | {"FORCE_COLOR": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "\x1b[1A" not in page
    assert "\x1b[2K" not in page
    assert "checkout 1.1.0 passed" in page
