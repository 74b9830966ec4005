"""The users of the demo: a process that sends their requests, and what they met, moment by moment."""

import json
import os
import subprocess
import sys
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from slipway.cli.laptop.child import ChildDied, dying_with
from slipway.cli.laptop.layout import plain_environment

TELL_EVERY_S = 0.5
STOP_WITHIN_S = 5.0
LOOK_BACK = timedelta(seconds=5)
TOO_MANY_UNANSWERED = 0.02  # of the requests: the machine cannot carry so many users
FEWEST_PER_S = 75
BUSY_PER_CORE = 2.0  # processes that want to run


@dataclass(frozen=True)
class Met:
    """Requests, and those of them that went wrong, by the version that answered; `""` is nobody."""

    requests: Mapping[str, int] = field(default_factory=dict)
    bad: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    @property
    def total_bad(self) -> int:
        return sum(self.bad.values())

    def share(self, version: str) -> float:
        """The part (0..1) of the requests that the version answered; 0 of none."""
        return self.requests.get(version, 0) / self.total if self.total else 0.0

    def plus(self, other: "Met") -> "Met":
        """Both together."""
        requests, bad = Counter(self.requests), Counter(self.bad)
        requests.update(other.requests)
        bad.update(other.bad)
        return Met(dict(requests), dict(bad))

    def since(self, earlier: "Met") -> "Met":
        """What was met after `earlier`."""
        requests = {version: count - earlier.requests.get(version, 0) for version, count in self.requests.items()}
        return Met(requests, {version: count - earlier.bad.get(version, 0) for version, count in self.bad.items()})

    @classmethod
    def load(cls, told: Mapping[str, Mapping[str, int]]) -> "Met":
        """From the `versions` that `python -m slipway.local.traffic` prints."""
        return cls(
            {version: counts["requests"] for version, counts in told.items()},
            {version: counts["failures"] for version, counts in told.items()},
        )


def bearable(per_second: int) -> int:
    """Half as many where the machine has other work already."""
    busy = os.getloadavg()[0] > BUSY_PER_CORE * (os.cpu_count() or 1)
    return per_second // 2 if busy else per_second


class Users:
    """A context in which `per_second` requests go to `sites`. Enter it in the main thread: on Linux the kernel ends
    its process with us (see Child); elsewhere the process sees by itself that its parent is gone."""

    def __init__(self, sites: Sequence[str], per_second: int, log: Path) -> None:
        self.per_second = per_second
        self._sites, self._log = sites, log
        self._told: list[tuple[datetime, Met]] = [(datetime.now(UTC), Met())]
        self._slowed_at = datetime.now(UTC)

    def __enter__(self) -> "Users":
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def met(self) -> Met:
        """So far, as it was told last."""
        return self._told[-1][1]

    def between(self, begin: datetime, end: datetime) -> Met:
        """What they met from `begin` to `end`, both half a second fine."""
        return self._at(end).since(self._at(begin))

    def check(self) -> None:
        """Raises ChildDied when the process has ended by itself."""
        if (code := self._process.poll()) is not None:
            tail = self._log.read_text(errors="replace").splitlines()[-20:]
            raise ChildDied("users", f"ended with exit code {code}", tail)

    def stop(self) -> Met:
        """No further request; what is out is waited for. All that they met."""
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            pass
        finally:  # after a second Ctrl-C too it must not be left behind
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_WITHIN_S)
        return self.met

    def slow_down(self) -> bool:
        """Whether so many went unanswered of late that half as many come from now on. An open loop would drown a busy
        machine, and the demo with it."""
        now = datetime.now(UTC)
        if now - self._slowed_at < LOOK_BACK or self.per_second <= FEWEST_PER_S:
            return False
        late = self.between(now - LOOK_BACK, now)
        if late.share("") <= TOO_MANY_UNANSWERED:
            return False
        self.stop()
        self.per_second = max(FEWEST_PER_S, self.per_second // 2)
        self._start()
        self._slowed_at = datetime.now(UTC) + LOOK_BACK
        return True

    def _start(self) -> None:
        where = [argument for site in self._sites for argument in ("--to", site)]
        often = ["--rate", str(self.per_second), "--every", str(TELL_EVERY_S)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "slipway.local.traffic", *where, *often],
                env=plain_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,
                preexec_fn=dying_with(os.getpid()),
            )
        self._reader = threading.Thread(target=self._read, args=(self._process, self.met), daemon=True)
        self._reader.start()

    def _at(self, moment: datetime) -> Met:
        told = self._told[:]  # the reader goes on
        return told[min(bisect_left(told, moment, key=lambda each: each[0]), len(told) - 1)][1]

    def _read(self, process: "subprocess.Popen[bytes]", before: Met) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._told.append((datetime.now(UTC), before.plus(Met.load(json.loads(line)["versions"]))))
