"""`slipway judge` and `slipway plan`: know before you run, without any server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Slipway
from tests.promotion.pipeline_texts import a_pipeline, a_stage

TRAFFIC = ("--traffic", "500/s", "--base-error", "0.1%")
QUICK = ("--ramps", "20", "--processes", "1")


@pytest.fixture
def shop(slipway: Slipway, tmp_path: Path) -> Slipway:
    """The command beside a pipeline with a canary in its stage `prod`."""
    rollout = "    rollout: {canary: {steps: [5%, 25%, 50%, 100%]}}\n"
    (tmp_path / "shop.yaml").write_text(a_pipeline(a_stage("dev"), a_stage("prod", rollout, needs="dev")))
    (tmp_path / "plain.yaml").write_text(a_pipeline())
    return slipway


def document(shop: Slipway, *arguments: str) -> dict[str, Any]:
    result = shop(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_simulation_says_what_the_pipelines_own_ramp_does_beside_the_peers(shop: Slipway, tmp_path: Path) -> None:
    result = shop("judge", "simulate", "shop.yaml", *TRAFFIC, *QUICK, "--harm", "5", "--plot", "shop.png")
    assert result.exit_code == 0, result.output
    page = result.stdout
    assert "shop.yaml: stage prod\nadaptive ramp 5 · 25 · 50 · 100 %" in page
    assert "500/s, 0.1 % failing · 20 ramps a cell · seed 1" in page
    rules = [line.split()[0] for line in page.splitlines() if "min " in line and "[" in line]
    assert rules == ["ours", "binomial", "flagger", "argo", "kayenta"]
    assert "ours over the least possible" in page and "█" in page
    assert (tmp_path / "shop.png").read_bytes().startswith(b"\x89PNG")


def test_a_simulation_is_repeatable_and_the_seed_matters(shop: Slipway) -> None:
    asked = (
        "judge",
        "simulate",
        "shop.yaml",
        *TRAFFIC,
        "--ramps",
        "5",
        "--processes",
        "1",
        "--no-peers",
        "--harm",
        "3",
    )
    first, again, other = (document(shop, *asked, "--harm", "3", "--seed", seed)["rules"] for seed in ("1", "1", "2"))
    assert first == again != other


def test_other_traffic_and_other_harm_can_be_tried(shop: Slipway) -> None:
    shape = ["--burst", "3", "--noise", "0.2", "--memory", "0.9", "--shocks", "5%,15%,3-7", "--wave", "0.5"]
    harm = ["--harm", "2", "--harm", "10", "--onset", "3", "--growth", "0.1", "--canary-burst", "4", "--no-halves"]
    asked = ("judge", "simulate", "shop.yaml", *TRAFFIC, "--ramps", "2", "--processes", "1", "--no-peers")
    found = document(shop, *asked, *shape, *harm)
    assert found["traffic"]["burst_mean"] == 3
    assert found["traffic"]["shocks"] == {"chance": 0.05, "rate": 0.15, "shortest": 3, "longest": 7}
    assert list(found["rules"][0]["harms"]) == ["2", "10"]
    assert found["rules"][0]["harms"]["10"]["ramps"] == 2


def test_traffic_may_be_by_the_minute(shop: Slipway) -> None:
    asked = ("judge", "power", "shop.yaml", "--base-error", "1%", "--traffic")
    assert document(shop, *asked, "6/min") == document(shop, *asked, "0.1/s")


def test_a_simulation_says_how_many_ramps_were_withdrawn(shop: Slipway, tmp_path: Path) -> None:
    """A service with a request every hundred seconds, in ticks of two: none is."""
    pipeline = (tmp_path / "shop.yaml").read_text()
    quick = "{canary: {tick: 2s, warm_up: 4s, telemetry: {delay: 2s}, router: {settle: 1s}, "
    (tmp_path / "quick.yaml").write_text(pipeline.replace("{canary: {", quick))
    asked = ("--traffic", "0.1/s", "--base-error", "1%", "--harm", "30", "--ramps", "2", "--processes", "1")
    result = shop("judge", "simulate", "quick.yaml", *asked)
    assert "withdrawn" in result.stdout
    found = document(shop, "judge", "simulate", "quick.yaml", *asked, "--no-peers")
    assert found["rules"][0]["healthy"]["withdrawn"] == 0


def test_in_a_narrow_terminal_no_figure_is_cut(shop: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    asked = ("judge", "simulate", "shop.yaml", *TRAFFIC, "--ramps", "2", "--processes", "1")
    page = shop(*asked, "--harm", "5").stdout
    assert "…" not in page
    assert page.count("  false rollbacks: ") == 5 and page.count("  to 100 %: ") == 5


def test_what_is_mostly_missed_is_not_measured_against_the_least_possible(shop: Slipway) -> None:
    """Fifteen minutes at 100 % are charged for a miss, and Wald's test goes on to its end: that is no ratio."""
    asked = ("judge", "simulate", "shop.yaml", "--ramps", "6", "--processes", "1", "--no-peers")
    page = shop(*asked, "--traffic", "0.1/s", "--base-error", "1%", "--harm", "1.5").stdout
    assert "0 %" in page and "ours over the least possible" not in page
    page = shop(*asked, "--traffic", "50/s", "--base-error", "50%", "--harm", "5").stdout
    assert "would be more than all" in page and "ours over the least possible" not in page


def test_harm_that_begins_when_ramps_are_over_is_named(shop: Slipway) -> None:
    asked = ("judge", "simulate", "shop.yaml", *TRAFFIC, "--ramps", "3", "--processes", "1", "--no-peers")
    assert "are over before tick 50" in shop(*asked, "--harm", "5", "--onset", "50").stdout


def test_a_pipeline_without_a_canary_is_simulated_with_the_default_one_and_says_so(shop: Slipway) -> None:
    asked = ("judge", "simulate", "plain.yaml", *TRAFFIC, "--ramps", "1", "--processes", "1", "--no-peers")
    assert "no stage has a canary, so the default one is taken" in shop(*asked, "--harm", "5").stdout


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--traffic", "500"), "write requests per second"),
        (("--base-error", "200%"), "is not a percentage"),
        (("--base-error", "100%"), "cannot get worse"),
        (("--shocks", "often"), "are no shocks"),
        (("--harm", "-1"), "cannot fail -1 times as often"),
        (("--harm", "0"), "cannot fail 0 times as often"),
        (("--stage", "nowhere"), "has no stage nowhere; it has dev, prod"),
        (("--ramps", "0"), "greater than or equal to 1"),
        (("--plot", "nowhere/x.png"), "cannot be written"),
        (("--plot", "x.jpg"), "a plot is a PNG"),
        (("--burst", "inf"), "than or equal to 1000000"),
        (("--growth", "inf"), "than or equal to 1000000"),
    ],
)
def test_what_cannot_be_simulated_is_wrong_usage(shop: Slipway, wrong: tuple[str, ...], words: str) -> None:
    asked = ("judge", "simulate", "shop.yaml", *TRAFFIC, "--no-peers", "--processes", "1", "--ramps", "1", *wrong)
    result = shop(*asked)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_a_pipeline_with_errors_is_not_simulated(shop: Slipway, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("service: Shop\n")
    result = shop("judge", "simulate", "broken.yaml", *TRAFFIC)
    assert result.exit_code == 7
    assert "slipway lint broken.yaml" in result.stderr


def test_a_recorded_ramp_is_judged_again_and_under_another_policy(shop: Slipway, tmp_path: Path) -> None:
    simulated = ("judge", "simulate", "shop.yaml", *TRAFFIC, "--ramps", "1", "--processes", "1", "--no-peers")
    assert shop(*simulated, "--harm", "5", "--record", "ramp.json").exit_code == 0
    result = shop("judge", "replay", "ramp.json", "--plot", "ramp.png")
    assert result.exit_code == 0, result.output
    assert "rollback HARM_PROVEN" in result.stdout
    assert "canary fails" in result.stdout and "would have changed it:" in result.stdout
    assert (tmp_path / "ramp.png").read_bytes().startswith(b"\x89PNG")
    again = document(shop, "judge", "replay", "ramp.json", "--error-margin", "9", "--ramp", "careful")
    assert {tick["action"] for tick in again["ticks"]} == {"wait"}
    assert again["ticks"][0]["receipt"]["metrics"][0]["name"] == "failures"


def test_a_replay_begins_at_the_recorded_weight_and_ends_where_the_ramp_would(shop: Slipway, tmp_path: Path) -> None:
    window = {"canary": {"requests": 7500, "failures": 8}, "baseline": {"requests": 22500, "failures": 24}}
    halves = [{"requests": 11250, "failures": 12}, {"requests": 11250, "failures": 12}]
    lines = [json.dumps({"tick": tick, **window, "halves": halves}) for tick in range(1, 60)]
    (tmp_path / "calm.jsonl").write_text("\n".join(lines))
    ticks = document(shop, "judge", "replay", "calm.jsonl")["ticks"]
    assert (ticks[0]["weight"], ticks[0]["share"]) == (0.25, 0.25)
    assert ticks[-1]["weight"] == 1.0 and len(ticks) < 30


def test_a_replay_goes_the_recorded_ramp_s_way_also_where_few_requests_hide_its_share(
    shop: Slipway, tmp_path: Path
) -> None:
    """At 6 a minute the first window's own share is anything from 0 to 1."""
    for seed in ("1", "2", "3", "4"):
        asked = ("judge", "simulate", "shop.yaml", "--traffic", "0.1/s", "--base-error", "1%", "--ramps", "1")
        more = ("--processes", "1", "--no-peers", "--harm", "1", "--seed", seed, "--record", "ramp.json")
        assert shop(*asked, *more).exit_code == 0
        recorded = json.loads((tmp_path / "ramp.json").read_text())
        ticks = document(shop, "judge", "replay", "ramp.json")["ticks"]
        assert recorded["begins_at"] == ticks[0]["weight"] == 0.5
        assert len(ticks) == len(recorded["windows"])
        assert ticks[-1]["weight"] == 1.0


def test_letters_that_utf_8_has_not_do_not_crash_a_replay(shop: Slipway, tmp_path: Path) -> None:
    odd = '{"tick": 1, "fault": "\\ud800 and more"}'
    (tmp_path / "odd.json").write_text('{"windows": [' + odd + ', {"tick": 2, "canary": {"\\ud800": 1}}]}')
    (first, _) = document(shop, "judge", "replay", "odd.json")["ticks"]
    assert "? and more" in first["words"]
    (tmp_path / "odd.json").write_text('{"windows": [{"tick": 1}], "policy": {"own_metrics": ["\\ud800"]}}')
    assert shop("judge", "replay", "odd.json", "--json").exit_code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 'it has no "windows"'),
        ("not json", "is no recording"),
        ("[" * 100_000, "is no recording"),
        ('{"windows": [1, 2]}', "bears the number of its tick"),
        ('{"windows": [{"tick": 0}]}', "bears the number of its tick"),
        ("{}", 'it has no "windows"'),
        ('{"windows": [], "history": []}', 'it has no "windows"'),
        ('{"windows": [{"tick": 1}], "policy": {"steps": [2]}}', '"policy"'),
        ('{"windows": [{"tick": 1}], "policy": {"patience": 2}}', "unknown patience"),
        ('{"windows": [{"tick": 1}], "history": 5}', "is no list"),
        ('{"windows": [{"tick": 1}], "begins_at": 5}', "begins at 5, which is no share"),
        ('{"tick": 1}\n\n{"tick": 2}\n{"tick": }', "line 4, character 10"),
        ('{"tick": 1}\n{"tick": 1000000000}', "a recording has 100,000 at most"),
    ],
)
def test_a_file_that_is_no_recording_is_named(shop: Slipway, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    result = shop("judge", "replay", "odd.json")
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_recording_may_begin_with_a_byte_order_mark(shop: Slipway, tmp_path: Path) -> None:
    (tmp_path / "marked.json").write_text('{"tick": 1}\n{"tick": 2}\n', encoding="utf-8-sig")
    assert len(document(shop, "judge", "replay", "marked.json")["ticks"]) == 2


def test_windows_that_cannot_be_true_are_blind_ticks_in_a_replay(shop: Slipway, tmp_path: Path) -> None:
    odd = {"tick": 1, "canary": {"requests": -5, "failures": 0}, "baseline": {"requests": 10, "failures": 0}}
    (tmp_path / "odd.json").write_text(json.dumps({"windows": [odd]}))
    (tick,) = document(shop, "judge", "replay", "odd.json")["ticks"]
    assert (tick["action"], tick["code"]) == ("wait", "BLIND")


def test_a_replay_under_a_policy_that_makes_no_sense_is_wrong_usage(shop: Slipway, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"windows": [{"tick": 1}]}')
    result = shop("judge", "replay", "one.json", "--false-rollback", "0")
    assert result.exit_code == 2
    assert "false_rollback must be above 0" in " ".join(result.stderr.split())


def test_harm_beyond_all_requests_is_said_to_be_that(shop: Slipway) -> None:
    asked = ("judge", "simulate", "shop.yaml", "--traffic", "5/s", "--base-error", "10%", "--harm", "50")
    result = shop(*asked, "--no-peers", "--processes", "1", "--ramps", "1")
    assert "×50 of 10 % would be more than all" in result.stdout


def test_power_says_what_each_step_can_see_and_draws_it(shop: Slipway, tmp_path: Path) -> None:
    result = shop("judge", "power", "shop.yaml", *TRAFFIC, "--plot", "power.png")
    assert result.exit_code == 0, result.output
    page = " ".join(result.stdout.split())
    assert "at 5% a doubling shows after" in page and "too short" in page
    assert (tmp_path / "power.png").read_bytes().startswith(b"\x89PNG")
    plan = document(shop, "judge", "power", "shop.yaml", *TRAFFIC, "--harm", "5")
    assert [step["weight"] for step in plan["steps"]] == [0.05, 0.25, 0.5]
    assert plan["harm"] == 5
    assert shop("judge", "power", "shop.yaml", *TRAFFIC, "--harm", "1").exit_code == 2


@pytest.mark.parametrize(("base_error", "harm"), [("100%", "2"), ("60%", "2"), ("5%", "30")])
def test_power_refuses_more_failures_than_requests(shop: Slipway, base_error: str, harm: str) -> None:
    asked = ("judge", "power", "shop.yaml", "--traffic", "5/s", "--base-error", base_error, "--harm", harm)
    result = shop(*asked)
    assert result.exit_code == 2
    assert "more than all its requests" in " ".join(result.stderr.split())


def test_power_draws_what_can_be_of_a_service_that_fails_often(shop: Slipway, tmp_path: Path) -> None:
    asked = ("judge", "power", "shop.yaml", "--traffic", "5/s", "--base-error", "20%", "--plot", "power.png")
    assert shop(*asked).exit_code == 0
    assert (tmp_path / "power.png").exists()


def test_power_without_traffic_says_never(shop: Slipway) -> None:
    result = shop("judge", "power", "shop.yaml", "--traffic", "0.001/s", "--base-error", "0%")
    assert result.exit_code == 0
    assert "never" in result.stdout


def test_a_plan_gives_the_ramp_and_with_traffic_what_it_can_see(shop: Slipway) -> None:
    without = " ".join(shop("plan", "shop.yaml").stdout.split())
    assert "adaptive ramp 5 · 25 · 50 · 100 %, judged every 1 min" in without
    assert "--traffic 500/s --base-error 0.1%" in without
    page = " ".join(shop("plan", "shop.yaml", *TRAFFIC).stdout.split())
    assert "at 5% a doubling shows after" in page
    assert "swap, then verify" not in page
    assert list(document(shop, "plan", "shop.yaml", *TRAFFIC)["traffic"]) == ["prod"]
    assert shop("plan", "shop.yaml", "--traffic", "500/s").exit_code == 2


def test_a_pipeline_with_a_canary_lints_clean(shop: Slipway) -> None:
    assert shop("lint", "shop.yaml").exit_code == 0
