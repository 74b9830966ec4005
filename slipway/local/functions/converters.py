"""azure-functions' own converters, which every argument and every result of a function passes through."""

from collections.abc import Mapping
from typing import Any

from azure.functions import meta
from azure.functions.meta import Datum

Metadata = Mapping[str, Datum]


def decode(binding: str, datum: Datum, metadata: Metadata | None = None) -> Any:
    """The argument that a function gets for a datum of a binding, such as `httpTrigger`."""
    return _converter(binding).decode(datum, trigger_metadata=metadata or {})


def encode(binding: str, value: Any) -> Datum:
    """The datum of what a function gave to an output. Raises TypeError or ValueError when it does not fit."""
    try:
        datum: Datum = _converter(binding).encode(value, expected_type=None)
    except NotImplementedError as error:
        raise TypeError(f"a binding of type {binding} does not take a {type(value).__name__}") from error
    return datum


def _converter(binding: str) -> Any:
    registry: Any = meta.get_binding_registry()  # type: ignore[no-untyped-call]
    return registry.get(binding)
