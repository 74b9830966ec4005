"""Evidence that came packed: gzip, or a zip of one file, as code hosts keep what a build publishes."""

import gzip
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from typing import IO, BinaryIO

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.reading import TooLarge, Unreadable

MOST_RATIO = 300  # of a real report it is 10 to 60; of a bomb, 1000
_PIECE = 256 * 1024
_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_LARGEST_DIRECTORY = 256 * 1024  # that of one file is smaller, whatever its name


def unpacked(read: BinaryIO, size: int, most: int) -> BinaryIO:
    """The file itself, or a new one with what is packed in it. Raises Unreadable, and TooLarge for more than `most`
    bytes, or for more than MOST_RATIO times the `size` of what it came from."""
    read.seek(0)
    magic = read.read(4)
    read.seek(0)
    try:
        if magic[:2] == _GZIP:
            with gzip.GzipFile(fileobj=read) as packed:
                return _limited(packed, size, most)
        if magic in (_ZIP, _EMPTY_ZIP):
            return _of_zip(read, size, most)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"it cannot be unpacked: {cut(str(error))}") from error
    return read


def _of_zip(read: BinaryIO, size: int, most: int) -> BinaryIO:
    _check_directory(read, size)
    with zipfile.ZipFile(read) as archive:
        files = [each for each in archive.infolist() if not each.is_dir()]
        if len(files) != 1:
            raise Unreadable(f"a zip with {len(files)} files in it; it has to be one")
        with archive.open(files[0]) as packed:
            return _limited(packed, size, most)


def _check_directory(read: BinaryIO, size: int) -> None:
    """A directory of a million entries would be in memory before anybody could count them. Raises Unreadable."""
    start = max(0, size - _END_SIZE - _LONGEST_COMMENT)
    read.seek(start)
    tail = read.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise Unreadable("a zip that was cut off")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > _LARGEST_DIRECTORY or b"PK\x06\x07" in tail[:at][-20:]:
        raise Unreadable("a zip with more than one file in it")
    read.seek(0)


def _limited(packed: "IO[bytes] | gzip.GzipFile", size: int, most: int) -> BinaryIO:
    allowed = min(most, MOST_RATIO * max(size, 1))
    with ExitStack() as unless_done:
        file = unless_done.enter_context(tempfile.TemporaryFile())
        came = 0
        while piece := packed.read(_PIECE):
            came += len(piece)
            if came > allowed:
                limit = f"{most:,} bytes" if allowed == most else f"{MOST_RATIO} times what it came as"
                raise TooLarge(f"unpacked it is more than {limit}")
            file.write(piece)
        file.flush()
        file.seek(0)
        unless_done.pop_all()  # the caller's to close
        return file
