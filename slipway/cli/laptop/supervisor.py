"""The laptop system: Azure stand-in, broker and Functions host, started in that order, stopped in reverse."""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.child import Child
from slipway.cli.laptop.layout import Layout, host_settings, people_of, plain_environment, refuse_busy
from slipway.cli.state_folder import RunFile, write_private
from slipway.local.azure.config import StandinConfig, read

READY_WITHIN_S = 40.0
STOP_WITHIN_S = 10.0
LOOK_EVERY_S = 0.25
CONNECTION = (
    "Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
    "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
)
AZURE, SERVICEBUS, FUNCTIONS = "azure", "servicebus", "functions"


class Laptop:
    """A context in which the three processes run. One state folder has one of them at a time.

    SIGTERM and SIGHUP end it as Ctrl-C does: by KeyboardInterrupt. Use it in the main thread.
    """

    def __init__(self, layout: Layout, say: Callable[[str], None]) -> None:
        self._layout = layout
        self._say = say
        self._children: dict[str, Child] = {}
        self._lock: IO[str] | None = None
        self._settings: dict[str, str] = {}
        self.azure: dict[str, Any] = {}  # the stand-in's ready line
        self.run: RunFile | None = None

    def __enter__(self) -> "Laptop":
        """Start everything. Raises Failure: runs already, a port is in use, a process does not come up."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a script's background job ignores SIGINT
            if name != signal.SIGHUP or signal.getsignal(name) is not signal.SIG_IGN:  # as under nohup
                signal.signal(name, signal.default_int_handler)
        self._lock = _lock(self._layout.state)
        try:
            refuse_busy(self._layout.fixed_ports())
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self._say(f"Azure stand-in   {self.start(AZURE)['url']}")
        broker = self.start(SERVICEBUS)
        self._say(f"Service Bus      localhost:{broker['port']}, TLS {broker['tls_port']}")
        self._settings = host_settings(self._layout, self.azure, broker["tls_port"])
        host = self.start(FUNCTIONS)["url"]
        self._say(f"Functions host   {host}")
        msi_port = int(self.azure["msi_endpoint"].split(":")[2].split("/")[0])
        self.run = RunFile(
            url=host,
            issuer=self.azure["issuer"],
            ca=self.azure["ca"],
            tenant=self.azure["tenant"],
            servicebus=CONNECTION.format(port=broker["port"]),
            people=[person.id for person in people_of(self._layout.people)],
            pids={name: child.pid for name, child in self._children.items()},
            ports={
                "host": int(host.rsplit(":", 1)[1]),
                "azure": int(self.azure["url"].rsplit(":", 1)[1]),
                "msi": msi_port,
                "servicebus": broker["port"],
                "servicebus_tls": broker["tls_port"],
            },
        )
        write_private(self._layout.state / "run.json", self.run)

    def start(self, name: str) -> dict[str, Any]:
        """Start one of the three processes, on the ports that it had before if it ran before: its ready line.

        Raises ChildDied.
        """
        layout = self._layout
        match name:
            case "azure":
                self.azure = ready = self._child(name, layout.azure(), {})
            case "servicebus":
                ready = self._child(name, layout.servicebus(self.azure["cert"]), {})
                had = {"servicebus": ready["port"], "servicebus_tls": ready["tls_port"]}
                self._layout = replace(layout, ports=replace(layout.ports, **had))
            case _:
                ready = self._child(name, layout.functions(layout.ports.host, self.azure), self._settings)
                port = int(ready["url"].rsplit(":", 1)[1])
                self._layout = replace(layout, ports=replace(layout.ports, host=port))
        return ready

    def kill(self, name: str) -> int:
        """SIGKILL to one of the three processes: the process id that it had."""
        child = self._children.pop(name)
        child.kill()
        return child.pid

    def alive(self, name: str) -> bool:
        """Whether that process runs."""
        return name in self._children and self._children[name].alive

    def pid(self, name: str) -> int | None:
        """Its process id; None when it was killed and not started again."""
        return self._children[name].pid if name in self._children else None

    def start_host(self) -> str:
        """Start the Functions host again: its address."""
        url: str = self.start(FUNCTIONS)["url"]
        return url

    def kill_host(self) -> int:
        """SIGKILL to the Functions host: the process id that it had."""
        return self.kill(FUNCTIONS)

    @property
    def usual_error_rate(self) -> float:
        """What fails (0..1) of the requests to any release, however good."""
        return read(StandinConfig, self._layout.sites).usual_error_rate

    def check(self) -> None:
        """Raises ChildDied when one of the processes has ended by itself."""
        for child in self._children.values():
            if not child.alive:
                raise child.died()

    def until_interrupted(self) -> None:
        """Wait for Ctrl-C. Raises ChildDied; nothing is started again in silence."""
        while True:
            self.check()
            time.sleep(LOOK_EVERY_S)

    def tail(self, name: str) -> list[str]:
        """The last lines of a process's log."""
        return self._children[name].tail() if name in self._children else []

    def stop(self) -> None:
        """Stop host, broker, stand-in within ten seconds; a second Ctrl-C kills what is left at once."""
        deadline = time.monotonic() + STOP_WITHIN_S
        try:
            for reserve_s, name in ((3.0, FUNCTIONS), (1.5, SERVICEBUS), (0.0, AZURE)):
                if child := self._children.get(name):
                    child.stop(deadline - reserve_s - time.monotonic())
        finally:
            for child in self._children.values():
                child.kill()
            self._children.clear()
            if self._lock:
                (self._layout.state / "run.json").unlink(missing_ok=True)
                self._lock.close()
                self._lock = None

    def _child(self, name: str, arguments: list[str], settings: dict[str, str]) -> dict[str, Any]:
        environment = plain_environment(os.environ) | settings
        child = Child(name, arguments, environment, self._layout.log(name), READY_WITHIN_S)
        self._children[name] = child
        return child.ready


def _lock(state: Path) -> IO[str]:
    """Hold the state folder for as long as this process lives. Raises Failure when another one does."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        words = f"a system runs on {state} already; use it, or start another with --state DIR --any-ports"
        raise Failure("RUNS_ALREADY", words, ExitCode.REFUSED) from error
    return lock
