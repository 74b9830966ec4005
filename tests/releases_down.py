"""Releases of a stand-in that go down while they serve: their processes hang, or end on each start."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path


def workers(state: Path, version: str) -> Iterator[tuple[int, Path]]:
    """The processes in which a release of that stand-in's state folder runs, and the file by which each goes."""
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (process / "cmdline").read_bytes().decode().split("\0")
            release = Path(words[words.index("--package") + 1]) / "release.json"
            if release.is_relative_to(state) and json.loads(release.read_text())["version"] == version:
                yield int(process.name), release


def crash(state: Path, version: str) -> None:
    """From now on it crashes whenever it starts."""
    for pid, release in list(workers(state, version)):
        told = json.loads(release.read_text())
        release.chmod(0o644)
        release.write_text(json.dumps({**told, "faults": {"crash_on_start": True}}))
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def hanging(state: Path, version: str) -> Iterator[None]:
    """Connections to it are taken, and nothing is answered."""
    for pid, _ in list(workers(state, version)):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid, _ in list(workers(state, version)):
            os.kill(pid, signal.SIGCONT)
