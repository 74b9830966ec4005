"""What people said of every service, or of every environment, and where a copy of it is missing: a service that came
since then has a lock of its own, which nobody told."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from slipway.promotion.intents import Intent, in_force, record_of

ALL = "_"  # in an intent's id, in place of the environment or the service


class Copy(NamedTuple):
    """An intent that the lock of `service` in `environment` does not know of."""

    environment: str
    service: str
    said: Intent


def missing_copies(locks: Iterable[tuple[str, str, dict[str, Any]]], at: str) -> Iterator[Copy]:
    """Each lock beside what is missing there at `at`. What was lifted anywhere is on its way out everywhere."""
    there = list(locks)
    lifted = {each["id"] for _, _, lock in there for each in record_of(lock) if each["ended_at"]}
    wide = {each["id"]: each for _, _, lock in there for each in in_force(lock, at) if ALL in _scope(each)}
    for environment, service, lock in there:
        known = {each["id"] for each in record_of(lock)} | lifted
        for id, said in wide.items():
            of = _scope(said)
            if id not in known and of[0] in (ALL, environment) and of[1] in (ALL, service):
                yield Copy(environment, service, said)


def _scope(said: Intent) -> tuple[str, str]:
    environment, service, *_ = [*str(said["id"]).split("."), "", ""]
    return environment, service
