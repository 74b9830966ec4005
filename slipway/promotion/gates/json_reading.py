"""JSON as evidence: only the fields that a gate needs become objects (msgspec), and the file is mapped, not read.

Where a key comes twice the last one counts, as for every usual reader; what is signed is read by `strict`, which
refuses that.
"""

import json
import mmap
from collections.abc import Hashable
from functools import cache
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.reading import TooLarge, Unreadable

if TYPE_CHECKING:
    import msgspec

T = TypeVar("T")
MOST_OBJECTS = 3_000_000  # and lists: a file of nothing but `{}` would fill the memory
_PIECE = 1024 * 1024
_MARK = b"\xef\xbb\xbf"  # some tools of Windows put it before their UTF-8


def decoded(read: BinaryIO, kind: type[T]) -> T:
    """The document as a msgspec.Struct of that kind; `msgspec.Raw` in it point into the mapped file. Raises Unreadable,
    saying where, and TooLarge."""
    mapped = _mapped(read)
    _check_objects(mapped)
    return decoded_part(mapped, kind)


def decoded_part(part: Any, kind: type[T]) -> T:
    """The same of a `msgspec.Raw`, or of bytes. Raises Unreadable."""
    import msgspec

    try:
        found: T = _decoder(cast(Hashable, kind)).decode(part)
    except msgspec.DecodeError as error:  # a ValidationError is one, too
        raise Unreadable(f"not what its format says: {cut(str(error), 200)}") from error
    return found


@cache
def _decoder(kind: Hashable) -> "msgspec.json.Decoder[Any]":
    import msgspec

    of: Any = kind
    return msgspec.json.Decoder(of)


def _mapped(read: BinaryIO) -> memoryview:
    try:
        view = memoryview(mmap.mmap(read.fileno(), 0, access=mmap.ACCESS_READ))
    except (UnsupportedOperation, ValueError):  # no file of the system's, or an empty one
        read.seek(0)
        view = memoryview(read.read())
    return view[len(_MARK) :] if view[: len(_MARK)] == _MARK else view


def _check_objects(view: memoryview) -> None:
    """Counted by how many begin, before any is made; those within texts count, too."""
    objects = 0
    for at in range(0, len(view), _PIECE):
        piece = bytes(view[at : at + _PIECE])
        objects += piece.count(b"{") + piece.count(b"[")
    if objects > MOST_OBJECTS:
        raise TooLarge(f"{objects:,} objects and lists of JSON; at most {MOST_OBJECTS:,} are read")


def strict(text: bytes, most: int) -> Any:
    """The value of a small document in which no key comes twice and each number is one. Raises Unreadable, TooLarge."""
    if len(text) > most:
        raise TooLarge(f"{len(text):,} bytes; at most {most:,} are read of such a document")
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except ValueError as error:  # that of JSON and that of UTF-8
        raise Unreadable(f"no JSON: {cut(str(error), 200)}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Unreadable(f"the key {cut(twice)!r} comes twice in one object")
    return found


def _no_number(text: str) -> Any:
    raise Unreadable(f"{text} is no number")
