"""Named watches after 100 %: healthy days, harm, and days on which one arm cannot be right."""

from dataclasses import replace

from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.scenario import Reach, Scenario
from slipway.promotion.judge.simulation.traffic import Shocks, Traffic

STEADY = Traffic(500, 0.001)
DAILY = replace(STEADY, wave=0.6, rate_wave=0.4)
A_FEW_SHOCKS = Shocks(chance=0.003)
LOW = Traffic(0.1, 0.01)
HEALTHY = Reach(rolled_back_at_most=0.01)

HEALTHY_DAYS = (
    Scenario("w_steady", STEADY, reach=HEALTHY, words="500/s, 0.1 %"),
    Scenario("w_daily", DAILY, reach=HEALTHY, words="traffic ±60 %, failure rate ±40 % a day"),
    Scenario("w_bursty", replace(DAILY, burst_mean=5, noise_sd=0.3), reach=HEALTHY, words="that, b5, noise 0.3"),
    Scenario("w_busy", Traffic(5_000, 0.001, noise_sd=0.5), reach=HEALTHY, words="5,000/s, 0.1 %, noise 0.5"),
    Scenario(
        "w_shocked",
        replace(DAILY, burst_mean=3, shocks=A_FEW_SHOCKS),
        reach=HEALTHY,
        words="b3, four shocks ×150 a day",
    ),
    Scenario("w_low", LOW, reach=HEALTHY, words="6 a minute, 1 %"),
    Scenario("w_worse_day", STEADY, Harm(times=1.3), reach=HEALTHY, words="500/s, 0.1 %, the next day ×1.3"),
    Scenario("w_worse_daily", DAILY, Harm(times=1.3), reach=HEALTHY, words="with days, the next one ×1.3"),
    Scenario(
        "w_gaps",
        replace(DAILY, lost=0.005, gap_ticks=(1, 12)),
        reach=HEALTHY,
        words="seven telemetry gaps a day, 1–12 min",
    ),
)

HARM_AFTER = (
    Scenario("w_doubled", STEADY, Harm(times=2), words="500/s, 0.1 %, ×2"),
    Scenario("w_fivefold", STEADY, Harm(times=5), words="500/s, 0.1 %, ×5"),
    Scenario("w_outage", STEADY, Harm(times=150), words="500/s, 0.1 %, ×150"),
    Scenario("w_fivefold_late", STEADY, Harm(times=5, onset=300), words="500/s, 0.1 %, ×5 from minute 300"),
    Scenario("w_doubled_daily", DAILY, Harm(times=2), words="with days, ×2"),
    Scenario("w_fivefold_daily", DAILY, Harm(times=5), words="with days, ×5"),
    Scenario(
        "w_fivefold_bursty",
        replace(DAILY, burst_mean=5, noise_sd=0.3),
        Harm(times=5),
        words="with days, b5, noise 0.3, ×5",
    ),
    Scenario(
        "w_fivefold_shocked",
        replace(DAILY, burst_mean=3, shocks=A_FEW_SHOCKS),
        Harm(times=5),
        words="with days and shocks, ×5",
    ),
    Scenario("w_doubled_few", Traffic(50, 0.001), Harm(times=2), words="50/s, 0.1 %, ×2"),
    Scenario("w_fivefold_few", Traffic(50, 0.001), Harm(times=5), words="50/s, 0.1 %, ×5"),
    Scenario("w_tenfold_low", LOW, Harm(times=10), words="6 a minute, 1 %, ×10"),
)

NOT_THE_RELEASE = (
    Scenario("w_first_shock", STEADY, Harm(times=150, onset=100, lasts=7), words="a first shock ×150 of 7 min"),
    Scenario("w_soon", STEADY, Harm(times=150, onset=5, lasts=12), words="a first one of 12 min, in the bake"),
    Scenario(
        "w_half_hour", STEADY, Harm(times=150, onset=100, lasts=30), words="a first one of 30 min, from minute 100"
    ),
    Scenario("w_two_hours", STEADY, Harm(times=150, onset=100, lasts=120), words="a first one of 2 h, from minute 100"),
    Scenario("w_bad_day", STEADY, Harm(times=1.7), words="the next day fails ×1.7"),
)
