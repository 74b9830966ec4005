"""Users as a process: they keep their rate, count what they met by release, and end with their parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "slipway.local.traffic"]


def a_worker(folder: Path, version: str, **faults: float) -> "tuple[subprocess.Popen[str], str]":
    folder.mkdir()
    (folder / "release.json").write_text(json.dumps({"service": "checkout", "version": version, "faults": faults}))
    command = [sys.executable, "-m", "slipway.local.azure.worker", "--package", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/"


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of a good release and of one that fails all requests."""
    folder = tmp_path_factory.mktemp("releases")
    good, good_url = a_worker(folder / "good", "1.0.0")
    bad, bad_url = a_worker(folder / "bad", "2.0.0", error_rate=1.0)
    yield good_url, bad_url
    for process in (good, bad):
        process.kill()
        process.wait()


def told_by(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_requests_and_failures_by_release(releases: tuple[str, str]) -> None:
    good, bad = releases
    told = told_by("--to", good, "--to", bad, "--rate", "200", "--for", "1", "--seed", "7")
    assert 140 < told["requests"] < 260
    assert told["failures"] == told["versions"]["2.0.0"]["failures"] == told["versions"]["2.0.0"]["requests"]
    assert told["versions"]["1.0.0"]["failures"] == 0 and told["versions"]["1.0.0"]["requests"] > 60
    assert (told["unanswered"], told["unsent"]) == (0, 0)


def test_nobody_there_counts_as_unanswered() -> None:
    told = told_by("--to", "http://127.0.0.1:9/", "--rate", "50", "--for", "0.4")
    assert told["requests"] == told["failures"] == told["unanswered"] > 0


def test_usr1_tells_and_term_ends(releases: tuple[str, str]) -> None:
    process = subprocess.Popen([*COMMAND, "--to", releases[0], "--every", "0.2"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["failures"] == 0, "it runs"
    process.send_signal(signal.SIGUSR1)
    assert "requests" in json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    *_, last = process.stdout.read().splitlines()
    assert json.loads(last)["requests"] > 0 and process.wait(60) == 0


def test_it_ends_with_its_parent(releases: tuple[str, str]) -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE); p.stdout.readline();"
        "print(p.pid, flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *COMMAND, "--to", releases[0], "--every", "0.2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 30
    while _runs(child):
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "ftp://localhost/"])
def test_nobody_else_is_sent_traffic(url: str) -> None:
    done = subprocess.run([*COMMAND, "--to", url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "loopback only" in done.stderr


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
