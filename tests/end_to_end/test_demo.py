import subprocess
import sys

import pytest

SLIPWAY = [sys.executable, "-c", "from slipway.cli.main import app; app()"]


@pytest.mark.timeout(180)
def test_the_demo_shows_what_it_promises_and_leaves_nothing_behind() -> None:
    told = subprocess.run([*SLIPWAY, "demo"], capture_output=True, text=True, timeout=150)
    assert told.returncode == 0, told.stdout + told.stderr
    for claim in (
        "5 web sites in 4 environments answer 1.0.0",
        "nothing was lost: production still asks",
        "alice approves over HTTP",
        "answered 1.0.0, answers 1.1.0 now",
        "1.2.0-errors is stopped in test",
        "their hash chain intact",
    ):
        assert claim in " ".join(told.stdout.split()), told.stdout
    assert "\x1b" not in told.stdout, "plain in a pipe"
