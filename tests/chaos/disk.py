"""A full disk for one process: the kernel lets none of its files grow (RLIMIT_FSIZE, set from outside; Linux).

No part knows of it: SQLite, the packages and the logs meet a write that fails, as on a full disk. What the log
holds already may grow a little, or nobody would read what the part says.
"""

import contextlib
import resource
import threading
from pathlib import Path

from slipway.cli.laptop.supervisor import AZURE
from tests.chaos.world import PARTS, World, until

FULL_FOR_S = 4.0
SPACE_LEFT = 16 * 1024
TRIES = 4
SAYS = "cannot write the state"


class FullDisks(threading.Thread):
    """Fills the disk of each part `rounds` times, waits until it shows, and gives the space back.

    Host and broker end with a word and are started again; the stand-in says no to what it cannot write, and stays.
    """

    def __init__(self, world: World, rounds: int, pause_s: float) -> None:
        super().__init__(name="disk", daemon=True)
        self._world, self._rounds, self._pause_s = world, rounds, pause_s

    def run(self) -> None:
        for number in range(self._rounds * len(PARTS)):
            for _ in range(TRIES):  # a kill may come first
                if self._world.stopped.wait(self._pause_s) or self._fill(PARTS[number % len(PARTS)]):
                    break

    def _fill(self, part: str) -> bool:
        """Whether it showed."""
        world = self._world
        if not world.up(part, within_s=20) or (pid := world.pid(part)) is None:
            return False
        log = world.layout.log(part)
        before = log.stat().st_size
        with world.may_end(part):
            _let_grow(pid, before + SPACE_LEFT)
            until(lambda: SAYS in _said(log, before) or not _runs(pid), FULL_FOR_S)
            self._world.stopped.wait(0.5)  # full for a little longer
            _let_grow(pid, resource.RLIM_INFINITY)
            if SAYS in _said(log, before) and part != AZURE:
                until(lambda: not _runs(pid), 5.0)
            if not _runs(pid):
                world.bury(part, down_s=0.2)
        said = SAYS in _said(log, before)
        if said:
            world.chronicle.note("disk", f"{part} ({pid}): full, then not any more", part)
        return said


def _let_grow(pid: int, most: int) -> None:
    """No file of that process grows beyond `most` bytes; one that was killed meanwhile needs no limit."""
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def _runs(pid: int) -> bool:
    """Not ended, and not waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _said(log: Path, after: int) -> str:
    """What it logged since the log was `after` bytes long."""
    with log.open("rb") as lines:
        lines.seek(after)
        return lines.read().decode(errors="replace")
