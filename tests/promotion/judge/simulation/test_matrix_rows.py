"""The matrix that `python -m bench.judge` runs, and its tables."""

from bench.judge.rows import everything, targets
from bench.judge.tables import healthy, pooled, table
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.figures import figures
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, Job, run_matrix
from slipway.promotion.judge.simulation.ramp import RampResult
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.scenarios import HARMFUL_ROWS, HEALTHY_ROWS, OTHER_HARMS, SATURATION
from slipway.promotion.judge.simulation.traffic import Traffic


def test_every_row_is_run_under_every_rule_and_targets_with_the_most_ramps() -> None:
    jobs = everything(ramps=400, peer_ramps=100)
    assert len(HEALTHY_ROWS) == 19
    for scenario in (*HEALTHY_ROWS, *HARMFUL_ROWS):
        assert all((scenario.name, rule) in jobs for rule in (OURS, *PEERS))
    assert all(jobs[key] == job and job.ramps == 400 for key, job in targets(400).items())


def test_one_name_is_one_scenario_because_names_seed_the_draws() -> None:
    named: dict[str, Scenario] = {}
    for job in everything(1, 1).values():
        assert named.setdefault(job.scenario.name, job.scenario) == job.scenario


def test_healthy_rows_tolerate_and_others_harm() -> None:
    assert not any(scenario.harm.is_harm for scenario in HEALTHY_ROWS)
    assert all(scenario.harm.is_harm for scenario in HARMFUL_ROWS)
    assert any(scenario.harm.is_harm for scenario in (*OTHER_HARMS, *SATURATION))


def test_jobs_of_one_traffic_give_the_same_ramps_together_and_apart() -> None:
    few = Traffic(50, 0.001)
    jobs = [Job(Scenario(name, few), OURS, Policy(), 2) for name in ("a", "b")]
    assert run_matrix(jobs, 1, processes=1) == [run_matrix([job], 1, processes=1)[0] for job in jobs]


def test_a_table_is_aligned_markdown() -> None:
    lines = table(["", "ours"], [["a service", "0.0"], ["b", "12.5"]]).splitlines()
    assert lines == ["|           | ours |", "| --------- | ---: |", "| a service |  0.0 |", "| b         | 12.5 |"]


def test_healthy_cells_have_share_interval_and_minutes_and_rows_are_pooled() -> None:
    results = [RampResult("promoted", tick, 0.0, None, ()) for tick in (9, 10, 11)]
    results.append(RampResult("rolled back", 4, 0.0, None, ()))
    scenario = Scenario("x", Traffic(5, 0.01), words="five")
    found = {("x", OURS): figures(results, harmful=False)}
    cell = healthy(found, [scenario], [OURS]).splitlines()[-1].split("|")[2].strip()
    assert cell.startswith("25.0 [") and cell.endswith("; 10/11")
    assert pooled(found, [scenario, scenario]) == (2, 8)
