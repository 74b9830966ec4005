"""One client per process: a cache that builds a value once, whichever thread asks first."""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def once_per_process(build: Callable[P, T]) -> Callable[P, T]:
    """`build`, called at most once for the same arguments (which must be hashable); a raise is not kept.

    `functools.cache` may build twice when two threads come at once, and SDK clients own connections.
    """
    built: dict[object, T] = {}
    lock = Lock()

    @wraps(build)
    def shared(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (args, tuple(sorted(kwargs.items())))
        with lock:
            if key not in built:
                built[key] = build(*args, **kwargs)
            return built[key]

    return shared
