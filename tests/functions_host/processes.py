"""Starts the laptop's parts as processes of their own and waits for what they do."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]


def eventually(condition: Callable[[], T], within: float = 30.0) -> T:
    """What the condition answers once that is true; fails after so many seconds."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return answer


class Process:
    """A part that prints one line of JSON when it is ready; its stderr is kept in a file."""

    def __init__(self, module: str, arguments: list[str], log: Path, settings: Mapping[str, str] | None = None):
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **(settings or {})}
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self, within: float = 60.0) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(within), f"not ready after {within} s:\n{self.log}"
        line = self._process.stdout.readline()
        assert line, f"ended with {self._process.wait()}:\n{self.log}"
        self.ready = json.loads(line)

    def send(self, number: int = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        """Waits for the end; returns the exit code and what more there was on stdout."""
        assert self._process is not None
        rest, _ = self._process.communicate(timeout=60)
        return self._process.returncode, rest

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.send(number)
        return self.ended()

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def end(self) -> None:
        """Whatever became of it, it is gone afterwards."""
        if self._process is not None and self._process.poll() is None:
            self.stop()


def a_host(app: str, folder: Path, settings: Mapping[str, str] | None = None, *options: str) -> Process:
    """A Functions host for one of the apps beside this file; its state is in `folder`."""
    arguments = ["start", "--app", str(APPS / app), "--state", str(folder / "state.sqlite"), *options]
    return Process("slipway.local.functions", arguments, folder / "host.log", settings)


def a_broker(folder: Path, config: Mapping[str, Any], *options: str) -> Process:
    """A Service Bus broker with the entities of an emulator's configuration."""
    (folder / "config.json").write_text(json.dumps(config))
    arguments = ["--config", str(folder / "config.json"), "--state", str(folder / "broker.sqlite"), *options]
    return Process("slipway.local.servicebus", arguments, folder / "broker.log")
