"""One host a state file: two on the same one would both run what is in it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.local.functions.refusal import AppRefused


@contextmanager
def only_host(state: Path) -> Iterator[None]:
    """Hold the state file for as long as this process lives; nobody else may read it.

    Raises AppRefused while another host has it.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    state.touch(mode=0o600)
    with state.with_name(f"{state.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AppRefused(f"another host runs on {state}") from error
        yield
