"""The laptop system as real processes that may be killed at any moment, and come back by themselves."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import httpx

from slipway.cli.laptop.child import ChildDied
from slipway.cli.laptop.supervisor import AZURE, FUNCTIONS, SERVICEBUS, Laptop
from slipway.cli.state_folder import RunFile
from tests.chaos.chronicle import Chronicle
from tests.chaos.evidence import records
from tests.chaos.shop import ShopLayout

PARTS = (FUNCTIONS, SERVICEBUS, AZURE)
STARTS_WITHIN_S = 20.0


class _Keeper:
    """Starts one part again after each of its deaths.

    A thread of its own, because the kernel ends a child with the thread that started it.
    """

    def __init__(self, part: str, world: "World") -> None:
        self.part, self._world = part, world
        self.up = threading.Event()
        self.up.set()
        self.turn = threading.Lock()  # whoever is about to kill it
        self._deaths: SimpleQueue[float | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"keeper of {part}")
        self._thread.start()

    def died(self, down_s: float) -> None:
        """It is dead; start it again after `down_s`."""
        self._deaths.put(down_s)

    def end(self) -> None:
        self._deaths.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while (down_s := self._deaths.get()) is not None:
            time.sleep(down_s)
            self._world.start_again(self.part)
            if self._world.lost.is_set():
                break
            self.up.set()
        self._world.stopped.wait()


class World:
    """A context in which the system runs. `run` says where everything is."""

    def __init__(self, layout: ShopLayout, chronicle: Chronicle) -> None:
        self.layout, self.chronicle = layout, chronicle
        self.laptop = Laptop(layout, lambda _: None)
        self.stopped = threading.Event()
        self.lost = threading.Event()  # a part that cannot be started again: the run is over
        self._seen_enough = threading.Event()
        self.pids: set[int] = set()
        self.broken: list[str] = []
        self._may_end: set[str] = set()

    def __enter__(self) -> "World":
        self.laptop.__enter__()
        assert self.laptop.run is not None
        self.run: RunFile = self.laptop.run
        self.azure: dict[str, Any] = self.laptop.azure
        self.pids.update(self.run.pids.values())
        self._http = httpx.Client(verify=ssl.create_default_context(cafile=self.run.ca), timeout=5, trust_env=False)
        self._keepers = {part: _Keeper(part, self) for part in PARTS}
        self._pulse = threading.Thread(target=self._feel_pulse, name="pulse")
        self._pulse.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for keeper in self._keepers.values():
            keeper.end()
        for keeper in self._keepers.values():
            keeper.up.wait(0 if self.lost.is_set() else 60)
        self._seen_enough.set()
        self._pulse.join()
        self.laptop.stop()
        self._http.close()
        self.stopped.set()
        for keeper in self._keepers.values():
            keeper.join()

    def kill(self, parts: tuple[str, ...], down_s: float, why: str) -> tuple[str, ...]:
        """SIGKILL to those of `parts` that run, all at once. They come back after `down_s`. Which they were."""
        return tuple(part for part in parts if self._kill(part, down_s, why))

    def _kill(self, part: str, down_s: float, why: str) -> bool:
        keeper = self._keepers[part]
        with keeper.turn:
            if not keeper.up.is_set():
                return False
            keeper.up.clear()
        pid = self.laptop.kill(part)
        self.chronicle.killed(part, f"{part} ({pid}): {why}")
        keeper.died(down_s)
        return True

    @contextmanager
    def may_end(self, part: str) -> Iterator[None]:
        """Within it, nobody wonders when the part ends by itself."""
        self._may_end.add(part)
        try:
            yield
        finally:
            self._may_end.discard(part)

    def bury(self, part: str, down_s: float) -> bool:
        """Start a part that ended by itself again after `down_s`; whether there was one."""
        keeper = self._keepers[part]
        with keeper.turn:
            if not keeper.up.is_set() or self.laptop.alive(part):
                return False
            keeper.up.clear()
        self.laptop.kill(part)
        keeper.died(down_s)
        return True

    def pid(self, part: str) -> int | None:
        return self.laptop.pid(part)

    def alive(self, part: str) -> bool:
        return self.laptop.alive(part)

    def up(self, part: str, within_s: float = 0.0) -> bool:
        """Whether it runs, or runs again within that time."""
        return self._keepers[part].up.wait(within_s)

    def all_up(self, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        return all(self.up(part, max(deadline - time.monotonic(), 0)) for part in PARTS)

    def start_again(self, part: str) -> None:
        """In the part's own keeper only."""
        at_s = self.chronicle.now_s()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                self.laptop.start(part)
                break
            except ChildDied as died:
                self.chronicle.note("trouble", f"{part} did not start: {died}")
                if time.monotonic() > deadline:
                    self.broken.append(f"{part} could not be started again: {died}")
                    self.lost.set()
                    return
            time.sleep(0.5)
        if pid := self.laptop.pid(part):
            self.pids.add(pid)
        self.chronicle.note("start", f"{part} is back after {self.chronicle.now_s() - at_s:.1f} s")
        if part == SERVICEBUS:
            self.chronicle.well(self.chronicle.now_s(), SERVICEBUS)

    def gets_on(self, records_more: int, within_s: float) -> None:
        """Wait until that many records were added, or the time is over: work, not seconds, is what a kill destroys,
        and a slow machine needs longer for it."""
        before = records(self.layout.state)
        until(lambda: records(self.layout.state) >= before + records_more, within_s, every_s=0.05)

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """A request to the stand-in; None when it cannot be reached."""
        try:
            return self._http.request(method, self.azure["url"] + path, **request)
        except httpx.TransportError:
            return None

    def _feel_pulse(self) -> None:
        """Ask the host how it is, all the time: a good answer ends the recovery from kills before it."""
        with httpx.Client(timeout=3, trust_env=False) as http:
            while not self._seen_enough.wait(0.2):
                self._miss_nobody()
                asked_at = self.chronicle.now_s()
                try:
                    well = http.get(f"{self.run.url}/api/health").status_code == 200
                except httpx.TransportError:
                    continue
                if well:
                    self.chronicle.well(asked_at, FUNCTIONS, AZURE)

    def _miss_nobody(self) -> None:
        """A part that ended by itself broke a promise. It is started again, so that the rest can be seen."""
        for part in PARTS:
            said = self.laptop.tail(part)[-3:]
            if part not in self._may_end and self.bury(part, 0.0):
                self.broken.append(f"{part} ended by itself: {' / '.join(said)}")


def until(holds: Callable[[], bool], within_s: float, every_s: float = 0.02) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
