"""One process of the laptop system: started, known to be ready, stopped, and never left behind."""

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.cli.failure import ExitCode, Failure

LAST_LINES = 20
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildDied(Failure):
    """A process of the laptop system ended by itself, or never became ready."""

    def __init__(self, name: str, how: str, tail: Sequence[str]) -> None:
        said = "\n".join(tail) or "(it said nothing)"
        super().__init__("CHILD_DIED", f"{name} {how}; its last lines:\n{said}", ExitCode.REFUSED, status=500)


class Child:
    """A started process. `ready` is the JSON line that it printed when it was ready."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, within_s: float
    ) -> None:
        """Start `python -m arguments…` and wait for its ready line. Raises ChildDied.

        It leads its own process group, so that a Ctrl-C in the terminal is ours alone to pass on. On Linux
        the kernel kills it when we die without a chance to (PR_SET_PDEATHSIG goes by the thread that
        starts it: call from the main thread). Elsewhere that case is untried.
        """
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log_begins = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                process_group=0,
                preexec_fn=dying_with(os.getpid()),
            )
        self._first_line: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read_output, daemon=True).start()
        try:
            self.ready = self._until_ready(within_s)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def died(self) -> ChildDied:
        """That it ended, how, and the last lines of its log."""
        code = self._process.wait()
        how = f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return ChildDied(self.name, how, self.tail())

    def tail(self) -> list[str]:
        """The last lines that it logged since it was started."""
        with self.log.open("rb") as lines:
            lines.seek(self._log_begins)
            return lines.read().decode(errors="replace").splitlines()[-LAST_LINES:]

    def stop(self, within_s: float) -> None:
        """Ask it to end; after `within_s` it is killed with all that it started."""
        if self.alive:
            self._process.terminate()
        try:
            self._process.wait(max(within_s, 0.0))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to it and its group, and wait for its end."""
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _until_ready(self, within_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                line = self._first_line.get(timeout=0.05)
            except queue.Empty:
                if not self.alive:
                    raise self.died() from None
                continue
            document = json.loads(line)
            assert isinstance(document, dict)
            return document
        raise ChildDied(self.name, f"was not ready within {within_s:.0f} s", self.tail())

    def _read_output(self) -> None:
        """The first JSON line is the ready line; whatever else it prints goes to its log."""
        assert self._process.stdout is not None
        waiting = True
        with self._process.stdout as lines, self.log.open("ab", buffering=0) as log:
            for line in lines:
                if waiting and line.startswith(b'{"ready"'):
                    waiting = False
                    self._first_line.put(line.decode())
                else:
                    log.write(line)


def dying_with(parent: int) -> Any:
    """What a new process does first, so that the kernel kills it when `parent` dies; None where that cannot be had."""
    if _LIBC is None:
        return None
    libc = _LIBC

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return die_with_parent
