"""A new version of Slipway comes while promotions wait and ramp, and is taken back again."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.local.functions.durable.contract import Functions
from tests.end_to_end.system import System, a_message
from tests.promotion.builders import a_build, later
from tests.upgrades.changed import NEXT, another_call_first_for_those_that_begin_from_now_on, with_change
from tests.upgrades.packages import deploy, laptop, package
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_ramp import PLAN, SITES, production
from tests.workflow.virtual import Workflow, WorldFunctions
from tests.workflow.world import Sides
from triggers.version import orchestrations_version


def let_pass(system: System, seconds: float) -> None:
    system.http.post(f"{system.run.url}/admin/clock", json={"advance": seconds}, timeout=120).raise_for_status()


def states(system: System, id: str) -> list[str]:
    return [stage["state"] for stage in system.get(f"/api/promotions/{id}")["stages"]]


def versions_of(state: Path, promotion: str) -> dict[str, str]:
    """The versions of a promotion's orchestrations, by what follows its id."""
    with sqlite3.connect(f"file:{state / 'functions.sqlite'}?mode=ro", uri=True) as file:
        rows = file.execute(
            "SELECT id, version FROM instances WHERE id = ? OR id LIKE ?", (promotion, f"{promotion}:%")
        )
        return {id.removeprefix(promotion): version for id, version in rows}


def waits_for_approval(system: System, version: str) -> str:
    id = f"checkout--{version}"
    system.send(a_message(version))
    system.until_state(id, "test", "deploying")
    let_pass(system, 60)
    assert states(system, id) == ["passed", "waiting for approval"]
    return id


@pytest.mark.timeout(300)
def test_a_promotion_that_waits_for_people_outlives_an_upgrade_and_a_way_back(tmp_path: Path) -> None:
    state, now, next_version = tmp_path / "state", orchestrations_version(), "0.2.0"
    old = package(tmp_path / "old", now)
    new = package(tmp_path / "new", next_version, changed_in=next_version)
    with laptop(state, old) as running:
        system = System(running)

        # An upgrade while people are asked: the promotion goes on as it began.
        first = waits_for_approval(system, "8.0.0")
        deploy(running, state, new)
        assert states(system, first) == ["passed", "waiting for approval"]
        assert system.approve(first).status_code == 200
        let_pass(system, 120)
        assert states(system, first) == ["passed", "passed"]
        begun = versions_of(state, first)
        assert {begun[each] for each in ("", ":test", ":production", ":production:approval:1")} == {
            orchestrations_version()
        }
        swaps = {version for id, version in begun.items() if ":swap:" in id and id.startswith(":production:")}
        assert swaps == {next_version}, "what is begun after the upgrade is of the new version"

        # One that begins now is of the new version. Then the old package comes back: it waits, nothing is broken.
        second = waits_for_approval(system, "8.1.0")
        assert set(versions_of(state, second).values()) == {next_version}
        deploy(running, state, old)
        assert system.approve(second).status_code == 200, "what people say is kept"
        let_pass(system, 4 * 3600)
        assert states(system, second) == ["passed", "waiting for approval"]
        said = f"orchestration {second}:production:approval:1 has version {next_version}, this host {now}"
        assert said in (state / "logs" / "functions.log").read_text()
        health = system.call("GET", "/api/health", None)
        assert (health.status_code, health.json()["status"]) == (503, "ill")
        assert health.json()["checks"]["package"].startswith(f"orchestrations of {next_version} wait")
        waiting = {id: system.get(f"/api/promotions/{id}")["waits_for_package"] for id in (first, second)}
        assert waiting == {first: "", second: next_version}, "who asks for it is told which one waits, and for what"

        # Forward again.
        deploy(running, state, new)
        let_pass(system, 120)
        assert states(system, second) == ["passed", "passed"]
        assert set(system.live(second).values()) == {"8.1.0"}
        assert system.get(f"/api/promotions/{second}")["waits_for_package"] == ""
        assert system.call("GET", "/api/health", None).status_code == 200


class Packaged(Workflow):
    """`code`: of the package that runs; None: the checkout's own."""

    code: Functions | None = None

    def functions(self) -> WorldFunctions:
        functions = super().functions()
        if self.code is not None:
            functions._real = self.code  # type: ignore[assignment]
        return functions


async def test_a_ramp_outlives_an_upgrade_and_a_way_back(tmp_path: Path) -> None:
    there = RampingWorld({name: Sides() for name in SITES})
    calls: list[str] = []

    async def note(activity: str, order: dict[str, object]) -> None:
        if activity == "nudge" and not order["waiters"]:
            calls.append("a call more")

    there.meanwhile = note
    new = with_change("canary_ramp", another_call_first_for_those_that_begin_from_now_on)
    plan = replace(PLAN, hold_at=(0.10,))
    async with Packaged(there, str(tmp_path / "hub.sqlite")) as flow:
        first = await flow.promote(a_build("2.0.0"), production(plan))
        await flow.until(lambda: set(there.shares.values()) == {0.10})
        flow.code = new
        await flow.restart(NEXT)
        await flow.command(first, "advance")
        assert (await flow.until_ended(first))["outcome"] == "passed"
        assert calls == [], "it went on as it had begun"

        second = await flow.promote(a_build("2.1.0", finished_at=later(hours=9)), production(plan))
        await flow.until(lambda: set(there.shares.values()) == {0.10})
        assert calls, "it began with the new code"
        flow.code, judged = None, len(there.judged)
        await flow.restart(orchestrations_version())
        for _ in range(50):
            await flow.engine.until_idle()
            if due := flow.engine.next_due():
                flow.clock.advance_to(due)
        assert len(there.judged) == judged, "nobody judges it"
        assert set(there.shares.values()) == {0.10}, "and nobody moves its traffic"
        flow.code = new
        await flow.restart(NEXT)
        await flow.command(second, "advance", "later")
        assert (await flow.until_ended(second))["outcome"] == "passed"
        assert {site.live for site in there.sites.values()} == {"2.1.0"}
