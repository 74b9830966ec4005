"""The demo for auditors on the whole laptop system in virtual time: what its scenes claim they have seen, and what
docs/compliance.md sends a reader to look for is in the trail that they leave."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from slipway.cli.laptop.audited.demo import tell
from slipway.cli.laptop.layout import checkout

PAGE = checkout() / "docs" / "compliance.md"
COMMAND = re.compile(r"\| `((?:grep|slipway audit) [^`]+)` \|$", re.MULTILINE)
SLIPWAY = f'"{sys.executable}" -c "from slipway.cli.main import app; app()"'


@pytest.mark.timeout(300)
def test_what_an_auditor_asks_is_answered_by_the_trail_of_a_day(tmp_path: Path) -> None:
    said, files = io.StringIO(), tmp_path / "audit"
    audited = tell(Console(file=said, width=200), tmp_path / "state", files)
    assert audited.environments[0].after == "1.7.0"
    assert "Alice Adams" in (files / "report.html").read_text("utf-8")

    commands = COMMAND.findall(PAGE.read_text("utf-8"))
    assert len(commands) > 15
    here = {**os.environ, "PYTHONPATH": str(checkout())}
    for command in commands:
        line = command.replace("slipway", SLIPWAY, 1) if command.startswith("slipway") else command
        answer = subprocess.run(line, shell=True, cwd=files, env=here, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0 and (answer.stdout or " -o " in command), (command, answer.stderr)
