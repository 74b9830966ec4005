"""Named scenarios: a service's traffic and a release's harm, and what our judge is to reach there."""

from dataclasses import dataclass, replace

from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.traffic import Shocks, Traffic


@dataclass(frozen=True)
class Reach:
    """Limits; None: not asked. Shares are 0..1, `median_tick` is of 100 %, `ticks_to_stop` (90 %) counts from the
    onset of harm, `times_bound` is mean excess over Wald's mean excess."""

    rolled_back_at_most: float | None = None
    median_tick_at_most: float | None = None
    caught_at_least: float | None = None
    ticks_to_stop: float | None = None
    times_bound_at_most: float | None = None
    always_at_tick: int | None = None


@dataclass(frozen=True)
class Scenario:
    """`traffic` under a release with `harm`."""

    name: str
    traffic: Traffic
    harm: Harm = HEALTHY
    reach: Reach | None = None
    words: str = ""

    @property
    def dispersion(self) -> float:
        """What Wald's test knows of the canary's bursts."""
        burst = self.harm.burst_mean or self.traffic.burst_mean
        return 2 * max(burst, self.traffic.burst_mean) - 1


STEADY = Traffic(500, 0.001)
BUSY = Traffic(5_000, 0.001)
BURSTY = Traffic(500, 0.001, burst_mean=5, noise_sd=0.3)
SHOCKED = Traffic(500, 0.001, burst_mean=3, shocks=Shocks())
LOW = Traffic(0.1, 0.01)
LATENT = Traffic(500, 0.001, latency=Latency())

TARGETS = (
    Scenario("steady", STEADY, reach=Reach(0.01, 11), words="500/s, 0.1 %"),
    Scenario("busy", BUSY, reach=Reach(0.01, 7), words="5,000/s, 0.1 %"),
    Scenario("bursty", BURSTY, reach=Reach(0.01, 14), words="500/s, 0.1 %, bursts of 5, instances' noise 0.3"),
    Scenario("shocked", SHOCKED, reach=Reach(0.01, 14), words="500/s, 0.1 %, bursts of 3, shocks at 15 % on both arms"),
    Scenario(
        "doubled",
        STEADY,
        Harm(times=2),
        Reach(caught_at_least=0.98, times_bound_at_most=1.6, ticks_to_stop=14),
        "500/s, 0.1 %, ×2",
    ),
    Scenario(
        "fivefold",
        replace(STEADY, burst_mean=3),
        Harm(times=5),
        Reach(caught_at_least=0.99, times_bound_at_most=1.5, ticks_to_stop=12),
        "500/s, 0.1 %, ×5, bursts of 3",
    ),
    Scenario(
        "outage",
        Traffic(5_000, 0.01),
        Harm(times=50),
        Reach(caught_at_least=1.0, always_at_tick=1),
        "5,000/s, 1 %, ×50",
    ),
    Scenario(
        "late_onset",
        BUSY,
        Harm(times=5, onset=5),
        Reach(caught_at_least=0.99, ticks_to_stop=2),
        "5,000/s, 0.1 %, ×5 from tick 5",
    ),
    Scenario(
        "whisper",
        LOW,
        Harm(times=30),
        Reach(caught_at_least=0.93, times_bound_at_most=2.2),
        "6 a minute, 1 %, ×30",
    ),
    Scenario("whisper_healthy", LOW, reach=Reach(0.01, 20), words="6 a minute, 1 %"),
    Scenario(
        "slow_body",
        LATENT,
        Harm(slower=1.5),
        Reach(caught_at_least=0.98, ticks_to_stop=7),
        "500/s, latencies ×1.5, instances wobble 10 % a tick",
    ),
    Scenario("slow_healthy", LATENT, reach=Reach(0.01), words="500/s, instances wobble 10 % a tick"),
)

HEALTHY_ROWS = (
    Scenario("low", LOW, words="6 a minute, 1 %"),
    Scenario("small", Traffic(5, 0.01), words="5/s, 1 %"),
    Scenario("steady", STEADY, words="500/s, 0.1 %"),
    Scenario("failing", Traffic(500, 0.01), words="500/s, 1 %"),
    Scenario("busy", BUSY, words="5,000/s, 0.1 %"),
    Scenario("bursty", BURSTY, words="500/s, 0.1 %, b5, noise 0.3"),
    Scenario("noisy", Traffic(5_000, 0.001, noise_sd=0.5), words="5,000/s, 0.1 %, noise 0.5"),
    Scenario("shocked", SHOCKED, words="500/s, 0.1 %, b3, shocks ×150"),
    Scenario("cold", STEADY, Harm(cold_times=4, cold_ticks=2), words="500/s, 0.1 %, cold canary ×4 for 2 ticks"),
    Scenario("inside", Traffic(5_000, 0.002), Harm(times=1.08), words="5,000/s, 0.2 %, ×1.08 (within the margin)"),
    Scenario("waves", replace(STEADY, wave=0.8), words="500/s, 0.1 %, traffic swings by 80 % a day"),
)

HARMFUL_ROWS = (
    Scenario("doubled", STEADY, Harm(times=2), words="500/s, 0.1 %, ×2"),
    Scenario("sixfold", STEADY, Harm(times=5), words="500/s, 0.1 %, ×5"),
    Scenario("half_more", BUSY, Harm(times=1.5), words="5,000/s, 0.1 %, ×1.5"),
    Scenario("outage", Traffic(5_000, 0.01), Harm(times=50), words="5,000/s, 1 %, ×50"),
    Scenario("bursts", replace(STEADY, burst_mean=3), Harm(times=5), words="500/s, 0.1 %, ×5, b3"),
    Scenario("tenfold", Traffic(50, 0.001), Harm(times=10), words="50/s, 0.1 %, ×10"),
    Scenario("whisper", LOW, Harm(times=30), words="6 a minute, 1 %, ×30"),
    Scenario("leak", Traffic(500, 0.002), Harm(onset=4, growth=0.3), words="500/s, 0.2 %, +30 % a tick from tick 4"),
    Scenario("late", BUSY, Harm(times=5, onset=5), words="5,000/s, 0.1 %, ×5 from tick 5"),
    Scenario("weak", STEADY, Harm(times=1.5), words="500/s, 0.1 %, ×1.5"),
    Scenario("weak_few", Traffic(50, 0.001), Harm(times=2), words="50/s, 0.1 %, ×2"),
    Scenario("weak_busy", BUSY, Harm(times=1.3), words="5,000/s, 0.1 %, ×1.3"),
)

BEYOND_THE_PROMISE = (
    Scenario("new_bursts", replace(STEADY, burst_mean=5, burst_before=1), words="bursts of 5 begin with the ramp"),
    Scenario("own_bursts", STEADY, Harm(burst_mean=5), words="the canary alone has bursts of 5, at the same mean"),
    Scenario("long_memory", replace(BUSY, noise_sd=0.5, noise_memory=0.99), words="noise with a memory of 0.99"),
    Scenario("no_halves", replace(BURSTY, halves=False), words="b5, noise 0.3, telemetry without halves"),
)
