"""The matrix of `python -m bench.judge`: named scenarios by what is wrong with the release."""

from dataclasses import replace

from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.scenario import Reach, Scenario
from slipway.promotion.judge.simulation.traffic import Own, Resources, Shocks, Spells, Traffic

STEADY = Traffic(500, 0.001)
BUSY = Traffic(5_000, 0.001)
BURSTY = Traffic(500, 0.001, burst_mean=5, noise_sd=0.3)
SHOCKED = Traffic(500, 0.001, burst_mean=3, shocks=Shocks())
LOW = Traffic(0.1, 0.01)
FEW = Traffic(50, 0.001)
LATENT = Traffic(500, 0.001, latency=Latency())
WITH_OWN = replace(STEADY, own=Own())
WATCHED = replace(STEADY, resources=Resources())
FALSE = 0.01  # of healthy ramps may be rolled back
HOLDS_WITHIN = 60  # ticks; a release that is still held then stays held

TARGETS = (
    Scenario("steady", STEADY, reach=Reach(FALSE, 11), words="500/s, 0.1 %"),
    Scenario("busy", BUSY, reach=Reach(FALSE, 7), words="5,000/s, 0.1 %"),
    Scenario("bursty", BURSTY, reach=Reach(FALSE, 14), words="500/s, 0.1 %, b5, noise 0.3"),
    Scenario("shocked", SHOCKED, reach=Reach(FALSE, 14), words="500/s, 0.1 %, b3, shocks ×150 on both"),
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
        "500/s, 0.1 %, ×5, b3",
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
    Scenario("whisper_healthy", LOW, reach=Reach(FALSE, 20), words="6 a minute, 1 %"),
    Scenario(
        "slow_body",
        LATENT,
        Harm(slower=1.5),
        Reach(caught_at_least=0.98, ticks_to_stop=7),
        "500/s, latencies ×1.5, wobble 10 %",
    ),
    Scenario("slow_healthy", LATENT, reach=Reach(FALSE), words="500/s, 0.1 %, latencies wobble 10 %"),
)
_target = {scenario.name: scenario for scenario in TARGETS}

HEALTHY_ROWS = (
    _target["whisper_healthy"],
    Scenario("small", Traffic(5, 0.01), words="5/s, 1 %"),
    Scenario("few", FEW, words="50/s, 0.1 %"),
    _target["steady"],
    Scenario("failing", Traffic(500, 0.01), words="500/s, 1 %"),
    Scenario("rare", Traffic(500, 0.0001), words="500/s, 0.01 %"),
    _target["busy"],
    _target["bursty"],
    Scenario("noisy", Traffic(5_000, 0.001, noise_sd=0.5), words="5,000/s, 0.1 %, noise 0.5"),
    Scenario("four", replace(STEADY, instances=4, noise_sd=0.3), words="500/s, 0.1 %, noise 0.3, 4 instances"),
    _target["shocked"],
    Scenario("cold", STEADY, Harm(cold_times=4, cold_ticks=2), words="500/s, 0.1 %, ×4 while cold, 2 ticks"),
    Scenario("inside", Traffic(5_000, 0.002), Harm(times=1.08), words="5,000/s, 0.2 %, ×1.08, in the margin"),
    Scenario("better", BUSY, Harm(times=0.5), words="5,000/s, 0.1 %, ×0.5"),
    Scenario("waves", replace(STEADY, wave=0.8), words="500/s, 0.1 %, traffic ±80 % a day"),
    Scenario("days", replace(BUSY, wave=0.5, rate_wave=0.5), words="5,000/s, 0.1 %, both ±50 % a day"),
    Scenario("sampled", replace(BUSY, sampled=5), words="5,000/s, 0.1 %, one record in 5 kept"),
    Scenario("lost", replace(STEADY, lost=0.1), words="500/s, 0.1 %, one window in 10 lost"),
    _target["slow_healthy"],
)

HARMFUL_ROWS = (
    _target["doubled"],
    Scenario("sixfold", STEADY, Harm(times=5), words="500/s, 0.1 %, ×5"),
    Scenario("half_more", BUSY, Harm(times=1.5), words="5,000/s, 0.1 %, ×1.5"),
    _target["outage"],
    _target["fivefold"],
    Scenario("tenfold", FEW, Harm(times=10), words="50/s, 0.1 %, ×10"),
    _target["whisper"],
    Scenario("leak", Traffic(500, 0.002), Harm(onset=4, growth=0.3), words="500/s, 0.2 %, +30 % a tick from 4"),
    _target["late_onset"],
    Scenario("weak", STEADY, Harm(times=1.5), words="500/s, 0.1 %, ×1.5"),
    Scenario("weak_few", FEW, Harm(times=2), words="50/s, 0.1 %, ×2"),
    Scenario("weak_busy", BUSY, Harm(times=1.3), words="5,000/s, 0.1 %, ×1.3"),
)

OTHER_HARMS = (
    _target["slow_body"],
    Scenario("slow_little", LATENT, Harm(slower=1.25), words="500/s, latencies ×1.25, wobble 10 %"),
    Scenario("slow_tail", LATENT, Harm(tail_share=0.04), words="500/s, 4 % of requests at 700 ms"),
    Scenario("own_doubled", WITH_OWN, Harm(own_times=2), words="500/s, own metric 2 % bad, ×2"),
    Scenario("own_fivefold", WITH_OWN, Harm(own_times=5), words="500/s, own metric 2 % bad, ×5"),
    Scenario(
        "own_half_more",
        replace(WITH_OWN, requests_per_s=50),
        Harm(own_times=1.5),
        words="50/s, own metric 2 % bad, ×1.5",
    ),
    Scenario("own_healthy", WITH_OWN, reach=Reach(FALSE), words="500/s, own metric 2 % bad, healthy"),
)

SATURATION = (
    Scenario("calm", WATCHED, reach=Reach(FALSE, promoted_at_least=0.99), words="CPU wobbles 5 %, memory 60 %"),
    Scenario(
        "restless",
        replace(STEADY, resources=Resources(cpu_wobble=0.15, memory_wobble=0.02)),
        words="CPU wobbles 15 %, memory 60 % ± 2",
    ),
    Scenario(
        "caches",
        replace(STEADY, resources=Resources(memory_new=0.3, memory=0.7, settles=10)),
        words="caches fill: memory 30 to 70 %",
    ),
    Scenario("dearer", WATCHED, Harm(cpu_times=1.2), words="CPU ×1.2, below what is held"),
    Scenario("hungry", WATCHED, Harm(cpu_times=1.5), Reach(promoted_at_most=0.01), "CPU ×1.5", HOLDS_WITHIN),
    Scenario("little_leak", WATCHED, Harm(memory_growth=0.005), None, "memory +0.5 % a tick", HOLDS_WITHIN),
    Scenario(
        "memory_leak",
        WATCHED,
        Harm(memory_growth=0.02),
        Reach(promoted_at_most=0.01),
        "memory +2 % a tick",
        HOLDS_WITHIN,
    ),
)

BEYOND_THE_PROMISE = (
    Scenario("new_bursts", replace(STEADY, burst_mean=5, burst_before=1), words="bursts of 5 begin with the ramp"),
    Scenario("own_bursts", STEADY, Harm(burst_mean=5), words="the canary alone bursts by 5, same mean"),
    Scenario("long_memory", replace(BUSY, noise_sd=0.5, noise_memory=0.99), words="noise 0.5 with a memory of 0.99"),
    Scenario("night", replace(BUSY, noise_sd=0.5, before=0.2), words="5,000/s, noise 0.5, history at a fifth of it"),
    Scenario(
        "one_instance",
        replace(BUSY, noise_sd=0.3, canary_instances=1),
        words="5,000/s, noise 0.3, the canary always one instance",
    ),
    Scenario(
        "spells",
        replace(STEADY, spells=Spells(1 / 1200, 0.04)),
        words="an instance fails at 4 % for a minute, every hour",
    ),
    Scenario(
        "long_spells",
        replace(STEADY, spells=Spells(1 / 2400, 0.10, 3)),
        words="one at 10 % for three minutes, every two hours",
    ),
    Scenario("no_halves", replace(BURSTY, halves=False), words="b5, noise 0.3, telemetry without halves"),
    Scenario(
        "wobbling",
        replace(LATENT, latency=Latency(wobble=0.2), instances=6),
        words="latencies wobble 20 %, 6 instances",
    ),
)
