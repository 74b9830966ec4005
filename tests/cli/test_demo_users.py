"""The users of the demo come, are counted, and are never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from slipway.cli.laptop.users import Users

NOWHERE = "http://127.0.0.1:9"  # discard: nobody listens there
PARENT = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it
from slipway.cli.laptop.users import Users
with Users([sys.argv[1]], 20, Path(sys.argv[2])) as users:
    print(users._process.pid, flush=True)
    time.sleep(60)
"""


def until(true: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_nobody_answers_is_counted_as_bad_and_between_two_moments(tmp_path: Path) -> None:
    with Users([NOWHERE], 100, tmp_path / "users.log") as users:
        began = datetime.now(UTC)
        until(lambda: users.met.total >= 50)
        users.check()
    met = users.met
    assert met.total == met.total_bad == met.requests[""]
    assert 0 < users.between(began, datetime.now(UTC)).total <= met.total


def test_users_end_with_a_parent_that_is_killed_and_with_one_that_is_interrupted(tmp_path: Path) -> None:
    for number in (signal.SIGKILL, signal.SIGINT):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, NOWHERE, str(tmp_path / "users.log")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert parent.stdout is not None
        with parent.stdout:
            users = int(parent.stdout.readline())
            os.kill(parent.pid, number)
            parent.wait(20)
        until(partial(gone, users))


def test_fewer_come_when_many_go_unanswered_and_what_was_met_stays_counted(tmp_path: Path) -> None:
    with Users([NOWHERE], 200, tmp_path / "users.log") as users:
        until(users.slow_down)
        assert users.per_second == 100
        before = users.met.total
        assert before > 0
        until(lambda: users.met.total > before)
