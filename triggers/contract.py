"""What an HTTP route promises, beside its template and methods: the OpenAPI document is made from it.

Models are named here, not imported: a cold start answers its first request without building them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Codes = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Contract:
    """`roles`: one of them is needed; none, and the route is open to everyone. `answers`: the model of each good
    answer by status (health's bad one too), in `triggers.answers`. `body`, `query`: the models of what is read, in
    `triggers.bodies`. `refuses`: the route's own problem codes by status, beside those that every route has.
    `words`: the route's docstring. `key`: instead of a person, the CI system that proves itself by a key of its own.
    `place`: of what place a role has to be, in words; without it, it has to hold everywhere."""

    name: str
    words: str
    roles: tuple[str, ...]
    answers: Mapping[int, str]
    body: str | None
    query: str | None
    refuses: Codes
    key: str = ""
    place: str = ""
