"""What an HTTP route promises, beside its template and methods: the OpenAPI document is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

Codes = Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Contract:
    """`roles`: one of them is needed; none, and the route is open to everyone. `answers`: the model of each good
    answer by status (health's bad one too). `refuses`: the route's own problem codes by status, beside those that
    every route has. `words`: the route's docstring."""

    name: str
    words: str
    roles: tuple[str, ...]
    answers: Mapping[int, type[BaseModel]]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    refuses: Codes
