"""Ramps from the first tick to the last, and figures of many; a small part of `python -m bench.judge`."""

import pytest

from bench.judge.targets import checks
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.figures import Figures, figures, quantile, wilson
from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, Job, run_group, run_matrix, together
from slipway.promotion.judge.simulation.ours import Ours
from slipway.promotion.judge.simulation.peers.flagger import Flagger
from slipway.promotion.judge.simulation.ramp import RampResult, run
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.scenarios import TARGETS
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.simulation.wald import Wald
from slipway.promotion.judge.state import begin

STEADY = Traffic(500, 0.001)
SEED = 20_261_125
RAMPS = {"slow_body": 10, "slow_healthy": 10}  # latencies cost five times as much
MANY = 20


@pytest.fixture(scope="module")
def found() -> dict[str, Figures]:
    """Of all targets; scenarios of one traffic share their histories."""
    jobs = [Job(each, OURS, Policy(), RAMPS.get(each.name, MANY)) for each in TARGETS]
    results = run_matrix(jobs, SEED, processes=1)
    return {
        job.scenario.name: figures(ramps, job.scenario.harm.is_harm, together(job))
        for job, ramps in zip(jobs, results, strict=True)
    }


@pytest.mark.parametrize("scenario", TARGETS, ids=lambda scenario: scenario.name)
def test_the_judge_reaches_its_targets_on_a_fixed_seed(scenario: Scenario, found: dict[str, Figures]) -> None:
    missed = [check.words for check in checks(scenario, found[scenario.name]) if not check.reached]
    assert not missed


def test_a_job_gives_the_same_figures_in_one_process_or_in_several() -> None:
    jobs = [Job(Scenario("x", STEADY, Harm(times=5)), rule, Policy(), 21) for rule in (OURS, "flagger")]
    assert run_matrix(jobs, 3, processes=1) == run_matrix(jobs, 3, processes=2)


def test_another_seed_is_another_sample() -> None:
    job = Job(Scenario("x", STEADY, Harm(times=5)), "kayenta", Policy(), 3)
    assert run_group([job], 0, 1) != run_group([job], 0, 2)


@pytest.mark.parametrize("rule", PEERS)
def test_a_peer_leads_a_ramp_to_its_end(rule: str) -> None:
    ((result,),) = run_group([Job(Scenario("x", STEADY, HEALTHY), rule, Policy(), 1)], 0, 1)
    assert result.ended == "promoted"
    assert len(result.weights) == result.tick
    assert result.bound is None


def test_harm_that_was_promoted_is_missed_and_charged_a_quarter_of_an_hour_at_full_traffic() -> None:
    result = run(Flagger(), Stream(STEADY, "1"), Harm(times=2))
    assert (result.ended, result.tick) == ("missed", 10)
    ramp = 30_000 * 0.001 * sum(result.weights)
    assert result.excess == pytest.approx(ramp + 15 * 30, rel=0.2)


def test_a_ramp_that_never_ends_is_undecided() -> None:
    policy = Policy(ramp="careful", patience_ticks=1_000)
    rule = Ours(policy, begin(policy, Stream(STEADY, "h").history()))
    assert run(rule, Stream(STEADY, "1"), HEALTHY, longest=5).ended == "undecided"


def test_no_traffic_at_all_is_withdrawn_and_never_blamed_on_the_release() -> None:
    policy = Policy()
    rule = Ours(policy, begin(policy, Stream(STEADY, "h").history()))
    result = run(rule, Stream(Traffic(0.0, 0.001), "1"), HEALTHY)
    assert result.ended == "withdrawn"


def test_late_telemetry_makes_the_ramp_longer_and_nothing_else() -> None:
    slow, quick = Policy(delay_ticks=3), Policy()
    history = Stream(STEADY, "h").history()
    late = run(Ours(slow, begin(slow, history)), Stream(STEADY, "1"), HEALTHY)
    timely = run(Ours(quick, begin(quick, history)), Stream(STEADY, "1"), HEALTHY)
    assert late.ended == timely.ended == "promoted"
    assert late.tick > timely.tick


def test_walds_test_knows_the_harm_and_stops_before_the_judge_on_average() -> None:
    (results,) = run_group([Job(Scenario("x", STEADY, Harm(times=3)), OURS, Policy(), 20)], 0, 1)
    found = figures(results, True)
    assert found.times_bound and 1.0 < found.times_bound.value < 2.0


def test_walds_test_learns_nothing_of_healthy_ticks_and_stops_at_proof() -> None:
    stream, wald = Stream(Traffic(5_000, 0.01), "1"), Wald(1.0)
    wald.after(stream.window(1, 0.5), 1.0)
    assert not wald.stopped
    wald.after(stream.window(2, 0.5, Harm(times=2)), 2.0)
    assert wald.stopped


def test_shares_come_with_wilsons_interval() -> None:
    none, some, all_of_them = wilson(0, 400), wilson(4, 400), wilson(400, 400)
    assert (none.value, none.low, round(none.high, 4)) == (0.0, 0.0, 0.0095)
    assert (round(some.low, 4), round(some.high, 4)) == (0.0039, 0.0254)
    assert (all_of_them.high, round(all_of_them.low, 4)) == (1.0, 0.9905)
    assert quantile([3, 1, 2, 4], 0.5) == 2


def test_ramps_that_share_a_history_count_as_one_observation() -> None:
    def ramp(excess: float, ended: str = "rolled back") -> RampResult:
        return RampResult(ended, 3, excess, 10.0, (0.05,))

    alike = [ramp(excess) for excess in (8, 12, 8, 12) for _ in range(20)]
    apart, grouped = figures(alike, True).times_bound, figures(alike, True, 20).times_bound
    assert apart and grouped and apart.value == grouped.value == 1.0
    assert grouped.high - grouped.low > 3 * (apart.high - apart.low)
    ended = [ramp(9, "missed" if number < 20 else "rolled back") for number in range(80)]
    assert figures(ended, True, 20).missed.high > figures(ended, True).missed.high + 0.1


def test_walds_test_tolerates_what_the_policy_tolerates_and_doubts_as_much() -> None:
    """Within the margin it never stops, so there is no bound; a smaller doubt takes it longer."""
    lenient = Policy(error_margin=1.0)
    (within,), (beyond,) = (
        run_matrix([Job(Scenario("m", STEADY, Harm(times=times)), OURS, lenient, 1)], seed=1)[0] for times in (1.5, 5)
    )
    assert within.bound is None and beyond.bound is not None
    stream = Stream(Traffic(5_000, 0.01), "1")
    window = stream.window(1, 0.5, Harm(times=1.5))
    sure, doubting = Wald(1.0, false_rollback=1e-300), Wald(1.0, false_rollback=0.01)
    for wald in (sure, doubting):
        wald.after(window, 1.5)
    assert doubting.stopped and not sure.stopped
