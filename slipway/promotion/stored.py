"""Reading back what an orchestration or an entity keeps: another Slipway may have written it.

An older one did not know every field: a field that is added has a default. A newer one, whose package was taken back,
knew more: what is not known is left out, so that the orchestration goes on without it.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any


def known(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of `data` are fields of the dataclass `kind`."""
    names = _names(kind)
    if data.keys() <= names:  # nearly always; an orchestrator reads its input in every episode
        return dict(data)
    return {name: value for name, value in data.items() if name in names}


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))
