"""JSON from outside (RFC 8259), read so that it can be written again: by us, by a table, by another reader."""

import json
from typing import Any

from slipway.promotion.build_messages.data_contract import is_wrapped, unwrapped
from slipway.promotion.errors import BuildRejected

DEEPEST = 32


def json_value(body: bytes) -> Any:
    """The value in `body`, which .NET's serializer may have wrapped. Raises BuildRejected NOT_JSON."""
    try:
        text = (unwrapped(body) if is_wrapped(body) else body).decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_without_doubled_keys)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # 1e999 and half surrogate pairs end here
    except RecursionError as error:
        raise _too_deep() from error
    except UnicodeDecodeError as error:
        raise BuildRejected("NOT_JSON", f"the message is not UTF-8 (byte {error.start})") from error
    except UnicodeEncodeError as error:
        raise BuildRejected("NOT_JSON", "a text in the message holds half of a surrogate pair") from error
    except ValueError as error:
        raise BuildRejected("NOT_JSON", f"the message is not JSON: {str(error)[:200]}") from error
    if _depth(value) > DEEPEST:
        raise _too_deep()
    return value


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _without_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    message = dict(pairs)
    if len(message) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {doubled[:60]!a} is given twice in one object")
    return message


def _depth(value: Any) -> int:
    """How many objects and arrays enclose the innermost value."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def _too_deep() -> BuildRejected:
    return BuildRejected("NOT_JSON", f"the message is nested deeper than {DEEPEST} levels")
