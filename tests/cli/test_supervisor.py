"""`slipway run` with its real processes: what it says, and that it leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.cli.failure import Failure
from slipway.cli.laptop.layout import ANY_PORTS, Layout, Ports, checkout, refuse_busy
from tests import plain_http

RUN = [sys.executable, "-c", "from slipway.cli.main import app; app()", "run"]
SLIPWAY = RUN[:-1]


@contextmanager
def running(state: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """`slipway run --json` until the block ends: its process, and the document it printed when ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    process = subprocess.Popen(
        [*RUN, "--json", "--state", str(state), "--any-ports", *more],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        yield process, json.loads("".join(lines))
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def processes_of(state: Path) -> list[int]:
    """Every process on this machine that was started with something in that state folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(state).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def eventually(true: Callable[[], bool], within_s: float = 30) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def slipway(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SLIPWAY, *arguments], capture_output=True, text=True, timeout=60, check=False)


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at /proc")


@needs_proc
def test_it_runs_once_a_state_folder_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as (process, run):
        assert plain_http.get(f"{run['url']}/api/health").status_code == 200
        assert json.loads((tmp_path / "run.json").read_text()) == run
        assert len(processes_of(tmp_path)) >= 4
        assert run["people"] == ["alice", "bob", "carol", "dave", "erin", "cora", "finn"]

        second = slipway("run", "--state", str(tmp_path), "--any-ports")
        assert second.returncode == 1
        assert "RUNS_ALREADY" in second.stderr

        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "run.json").exists()


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="relies on PR_SET_PDEATHSIG")
def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as (process, _):
        process.kill()
        process.wait()
        assert eventually(lambda: processes_of(tmp_path) == [])


@needs_proc
def test_a_process_that_dies_is_named_and_the_others_are_stopped(tmp_path: Path) -> None:
    with running(tmp_path) as (process, run):
        pids = run["pids"]
        assert isinstance(pids, dict)
        os.kill(pids["servicebus"], signal.SIGKILL)
        assert process.wait(15) == 1
        assert process.stdout is not None
        problem = json.loads(process.stdout.read())
    assert "servicebus was ended by SIGKILL" in problem["detail"]
    assert "listening on 127.0.0.1" in problem["detail"]
    assert processes_of(tmp_path) == []


@contextmanager
def busy(port: int) -> Iterator[None]:
    """Somebody listens there; whoever did so before is as good."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            pass
        yield


def test_a_port_in_use_is_named_with_a_way_on(tmp_path: Path) -> None:
    with busy(7071):
        result = slipway("run", "--state", str(tmp_path), "--json")
    assert result.returncode == 1
    problem = json.loads(result.stdout)
    assert problem["code"] == "PORT_IN_USE"
    assert "port 7071" in problem["detail"]
    assert "--any-ports" in problem["detail"]


def test_a_sites_port_in_use_is_found_before_anything_starts(tmp_path: Path) -> None:
    layout = Layout(checkout(), tmp_path, Ports())
    ports = dict(layout.fixed_ports())
    assert (ports["the site checkout-dev"], ports["the site checkout-neu(staging)"]) == (8101, 8205)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failure, match=f"port {port}, for the site checkout-test, is in use") as refused:
            refuse_busy([("the API", 0), ("the site checkout-test", port)])
    assert refused.value.code == "PORT_IN_USE"
    assert list(Layout(checkout(), tmp_path, ANY_PORTS).fixed_ports()) == []
