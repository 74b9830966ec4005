"""Plain JSON of dataclasses is what the standard library makes of them."""

from dataclasses import asdict

from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.stage_parts import Site, Step
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_policy, a_stage


def a_run() -> StageRun:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))
    plan = a_stage("production", ("test",), approval=a_policy(), targets=targets)
    sites = {"weu": Site("https://weu", "https://weu-staging", "1.0.0", "")}
    return StageRun("checkout--2", "i", plan, a_build("2"), "", "", sites=sites, steps=(Step("deploy", "weu", "o"),))


def test_a_dataclass_becomes_what_asdict_makes_of_it() -> None:
    run = a_run()
    assert plain(run) == asdict(run)
    assert plain(run)["plan"]["targets"][0]["name"] == "weu"


def test_what_can_be_changed_is_new() -> None:
    run = a_run()
    plain(run)["sites"].clear()
    kept = {"since": [1]}
    plain(kept)["since"].append(2)
    assert run.sites and kept == {"since": [1]}
