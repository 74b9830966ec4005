"""Load runs as a service answers them: its own shape of latencies, stalls, a wandering machine, no two alike."""

import math
import random
from collections.abc import Callable

from slipway.promotion.load_comparison import RUN_NOISE
from slipway.promotion.load_judgement import LoadMeasurement, measurement

Shape = Callable[[random.Random], float]

SHAPES: dict[str, Shape] = {
    "narrow": lambda draw: 50 + draw.uniform(2, 5) + draw.gammavariate(2, 0.6),
    "even": lambda draw: draw.uniform(60, 160),
    "skewed": lambda draw: 100 * math.exp(draw.gauss(0, 0.3)),
    "heavy": lambda draw: 100 * math.exp(draw.gauss(0, 0.6)),
    "two ways": lambda draw: (80 if draw.random() > 0.03 else 400) * math.exp(draw.gauss(0, 0.25)),
}


def a_run(
    draw: random.Random,
    shape: Shape,
    rate_per_s: float,
    duration_s: float,
    *,
    slower: float = 1.0,
    error_rate: float = 0.0,
    rough: bool = True,
) -> LoadMeasurement:
    """One run of a release that is `slower` so many times. Each run is off by 3.7 % as a whole; a rough one has a
    stall of 30 to 150 ms every two seconds and a machine whose speed wanders by 8 % within the run."""
    as_a_whole = slower * math.exp(draw.gauss(0, RUN_NOISE))
    stalls = [(draw.random() * duration_s, draw.uniform(0.03, 0.15)) for _ in range(round(duration_s / 2))]
    wander, latencies = 0.0, []
    for n in range(round(rate_per_s * duration_s)):
        due = n / rate_per_s
        wander = 0.98 * wander + draw.gauss(0, 0.08 * math.sqrt(1 - 0.98**2))
        ms = shape(draw) * as_a_whole * (math.exp(wander) if rough else 1.0)
        held_up = [began + length - due for began, length in stalls if began <= due < began + length]
        latencies.append(ms + (1000 * max(held_up, default=0.0) if rough else 0.0))
    errors = [draw.random() < error_rate for _ in latencies]
    return measurement(latencies, errors, 2.0, duration_s)
