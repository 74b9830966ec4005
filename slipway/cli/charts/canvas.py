"""A picture of dots that becomes a PNG (W3C Portable Network Graphics, 3rd edition): truecolour, 8 bits, unfiltered."""

import struct
import zlib

from slipway.cli.charts.letters import HEIGHT, WIDTH, columns

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (40, 40, 40)
GREY: Colour = (222, 222, 222)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Canvas:
    """`width` × `height` dots, white; the origin is the upper left corner. What lies outside is cut off."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(bytes(WHITE) * width) for _ in range(height)]

    def dot(self, x: int, y: int, colour: Colour) -> None:
        """One dot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._rows[y][3 * x : 3 * x + 3] = bytes(colour)

    def box(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """A filled rectangle."""
        left, right = max(0, x), min(self.width, x + width)
        if left < right:
            line = bytes(colour) * (right - left)
            for row in self._rows[max(0, y) : max(0, y + height)]:
                row[3 * left : 3 * right] = line

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, thick: int = 1) -> None:
        """A straight line."""
        (x0, y0), (x1, y1) = start, end
        steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(steps + 1):
            x, y = round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)
            self.box(x - thick // 2, y - thick // 2, thick, thick, colour)

    def text(self, x: int, y: int, words: str, colour: Colour = BLACK, scale: int = 2) -> None:
        """Words with their upper left corner at x, y."""
        for place, letter in enumerate(words):
            for column, bits in enumerate(columns(letter)):
                for row in range(HEIGHT):
                    if bits >> row & 1:
                        left = x + (place * (WIDTH + 1) + column) * scale
                        self.box(left, y + row * scale, scale, scale, colour)

    def png(self) -> bytes:
        """The file's content."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        pixels = b"".join(b"\0" + row for row in self._rows)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
        return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def text_width(words: str, scale: int = 2) -> int:
    """How many dots wide words are."""
    return len(words) * (WIDTH + 1) * scale


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
