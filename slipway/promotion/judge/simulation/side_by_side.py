"""Work in processes side by side."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

Result = TypeVar("Result")


def mapped(
    work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], processes: int | None = None
) -> Iterable[Result]:
    """`work(*task)` of each task, in their order; by default in as many processes as there are cores."""
    workers = processes or os.cpu_count() or 1
    if workers == 1 or len(tasks) <= 1:
        yield from (work(*task) for task in tasks)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_the_parent) as pool:
        yield from pool.map(work, *zip(*tasks, strict=True))


def _end_with_the_parent() -> None:
    """A worker whose parent was killed ends too, instead of waiting for work for ever."""
    threading.Thread(target=_await_the_parents_end, daemon=True).start()


def _await_the_parents_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
