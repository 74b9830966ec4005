"""Plots are PNG files that any viewer opens, and bars that any terminal shows."""

import math
import struct
import zlib

import pytest

from slipway.cli.charts.bars import bar, log_share, spark
from slipway.cli.charts.chart import SIZE, Axis, Chart, Line, drawn, number_words


def pixels_of(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the dots of a PNG as we write it; checks every chunk."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    rest = png[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, content = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind], rest = content, rest[12 + length :]
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colours) == (8, 2)
    raw = zlib.decompress(chunks[b"IDAT"])
    assert len(raw) == height * (1 + 3 * width)
    return width, height, raw


@pytest.mark.parametrize("log", [False, True])
def test_a_chart_is_a_sound_png_with_lines_in_it(log: bool) -> None:
    points = [(1.5, 30.0), (2.0, 0.0), (5.0, math.nan), (50.0, 2e6)]
    width, height, raw = pixels_of(drawn(Chart("a", "b", "c", [Line("ours", points)], [("mark", 10.0)], log, log)))
    assert (width, height) == SIZE
    assert bytes((0, 90, 181)) in raw


def test_a_chart_of_nothing_is_still_a_picture() -> None:
    pixels_of(drawn(Chart("a", "b", "c", [Line("ours", [])], log_y=True)))
    pixels_of(drawn(Chart("a", "b", "c", [Line("ours", [(3.0, 5.0)])])))


def test_axes_have_round_numbers_and_know_what_they_cannot_show() -> None:
    axis = Axis.around([3.0, 950.0], True)
    assert (axis.low, axis.high, axis.ticks()) == (1.0, 1000.0, [1.0, 10.0, 100.0, 1000.0])
    assert axis.share(0.0) is None and axis.share(math.inf) is None
    assert Axis.around([0.0, 57.0], False).ticks() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert [number_words(value) for value in (0.01, 1000, 10_000, 2.5e6)] == ["0.01", "1000", "10k", "2.5M"]


def test_bars_show_the_smallest_share_and_never_overflow() -> None:
    assert [bar(share, 4) for share in (0.0, 0.001, 0.5, 1.0, 7.0, math.nan)] == ["", "▏", "██", "████", "████", ""]
    assert spark([0, 0.5, 1]) == "▁▅█"
    assert [log_share(value, 1, 100) for value in (0, 10, 1e9)] == [0.0, 0.5, 1.0]
