"""A chart of lines: what is to be shown, and how it becomes a PNG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from slipway.cli.charts.canvas import BLACK, GREY, Canvas, Colour, text_width

COLOURS: tuple[Colour, ...] = ((0, 90, 181), (220, 50, 32), (0, 130, 90), (170, 100, 0), (130, 60, 160), (90, 90, 90))
SIZE = (960, 600)
LEFT, RIGHT, TOP, BOTTOM = 110, 30, 84, 70


@dataclass(frozen=True)
class Line:
    """Points from left to right; those that are not finite, or not above 0 on a log axis, are left out."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """`marks`: horizontal lines with a name. Axes are logarithmic where said."""

    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    marks: Sequence[tuple[str, float]] = ()
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`; `log`arithmic or not."""

    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, values: Sequence[float], log: bool) -> "Axis":
        """The axis that shows all values."""
        sound = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = min(sound, default=1.0), max(sound, default=10.0)
        if log:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
            return cls(low, high if high > low else 10 * low, True)
        low = min(low, 0.0)
        return cls(low, high if high > low else low + 1, False)

    def share(self, value: float) -> float | None:
        """Where a value lies: 0 is `low`, 1 is `high`; None when it cannot be shown."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round values along it."""
        if self.log:
            decades = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            thinned = decades[:: max(1, len(decades) // 8)]
            return [10.0**power for power in thinned]
        step = _round_step((self.high - self.low) / 6)
        return [step * i for i in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def drawn(chart: Chart) -> bytes:
    """The chart as a PNG file."""
    canvas = Canvas(*SIZE)
    points = [point for line in chart.lines for point in line.points]
    x_axis = Axis.around([x for x, _ in points], chart.log_x)
    y_axis = Axis.around([y for _, y in points] + [y for _, y in chart.marks], chart.log_y)
    _draw_grid(canvas, chart, x_axis, y_axis)
    for name, value in chart.marks:
        if (place := _place(x_axis.low, value, x_axis, y_axis)) is not None:
            canvas.line(place, (SIZE[0] - RIGHT, place[1]), BLACK)
            canvas.text(SIZE[0] - RIGHT - text_width(name), round(place[1]) - 18, name)
    for number, line in enumerate(chart.lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [_place(x, y, x_axis, y_axis) for x, y in line.points]
        for start, end in pairwise(places):
            if start is not None and end is not None:
                canvas.line(start, end, colour, 3)
        for place in places:
            if place is not None:
                canvas.box(round(place[0]) - 4, round(place[1]) - 4, 8, 8, colour)
    _draw_legend(canvas, chart)
    return canvas.png()


def number_words(value: float) -> str:
    """`0.01`, `100`, `10k`, `2M`: short enough for an axis."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}"
    return f"{value:.4g}"


def _place(x: float, y: float, x_axis: Axis, y_axis: Axis) -> tuple[float, float] | None:
    across, up = x_axis.share(x), y_axis.share(y)
    if across is None or up is None:
        return None
    width, height = SIZE[0] - LEFT - RIGHT, SIZE[1] - TOP - BOTTOM
    return LEFT + across * width, SIZE[1] - BOTTOM - min(max(up, 0.0), 1.0) * height


def _draw_grid(canvas: Canvas, chart: Chart, x_axis: Axis, y_axis: Axis) -> None:
    width, height = SIZE
    for value in x_axis.ticks():
        if (place := _place(value, y_axis.low, x_axis, y_axis)) is not None:
            words = number_words(value)
            canvas.line((place[0], TOP), (place[0], height - BOTTOM), GREY)
            canvas.text(round(place[0]) - text_width(words) // 2, height - BOTTOM + 10, words)
    for value in y_axis.ticks():
        if (place := _place(x_axis.low, value, x_axis, y_axis)) is not None:
            words = number_words(value)
            canvas.line((LEFT, place[1]), (width - RIGHT, place[1]), GREY)
            canvas.text(LEFT - 10 - text_width(words), round(place[1]) - 7, words)
    canvas.line((LEFT, TOP), (LEFT, height - BOTTOM), BLACK, 2)
    canvas.line((LEFT, height - BOTTOM), (width - RIGHT, height - BOTTOM), BLACK, 2)
    canvas.text(LEFT, 10, chart.title)
    canvas.text(width - RIGHT - text_width(chart.x_name), height - 28, chart.x_name)
    canvas.text(10, TOP - 36, chart.y_name)


def _draw_legend(canvas: Canvas, chart: Chart) -> None:
    x = SIZE[0] - RIGHT
    for number, line in reversed(list(enumerate(chart.lines))):
        x -= text_width(line.name) + 36
        canvas.box(x, TOP - 36, 14, 14, COLOURS[number % len(COLOURS)])
        canvas.text(x + 20, TOP - 36, line.name)


def _round_step(step: float) -> float:
    size = 10.0 ** math.floor(math.log10(step))
    return size * next(round_one for round_one in (1, 2, 5, 10) if round_one * size >= step * (1 - 1e-9))
