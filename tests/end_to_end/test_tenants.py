"""Dedicated tenants and regions as rings on the whole laptop system, in virtual time, told with the demo's own scenes:
what they claim they have seen."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from slipway.cli.laptop.saas.following import Following, Ring
from slipway.cli.laptop.saas.rings import Rings
from slipway.cli.laptop.saas.system import System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import Site
from slipway.cli.laptop.virtual.asking import Asking
from tests.end_to_end.system import start

TENANTS = Path(__file__).with_name("tenants.yaml")
START = datetime(2026, 11, 30, 8, tzinfo=UTC)
CONTOSO = Ring("contoso", "tenanthub-contoso", "6a1f0c52-3c1e-4d0a-9b57-0c1d2e3f4a5b", "contoso")
EAST_US = Ring("east-us", "tenanthub-eus", "", "eus")
GOOD, BAD = "1.1.0", "1.2.0-eastus"  # the latter fails in East US alone


@pytest.mark.timeout(300)
def test_a_good_build_reaches_both_rings_and_a_bad_one_in_the_second_is_taken_back_in_both(tmp_path: Path) -> None:
    said = io.StringIO()
    with start(tmp_path, TENANTS, virtual_time=True, starts_at=START) as laptop:
        system = System(laptop)
        screen = Screen(Console(file=said, width=100), system.now)
        follow, rings = Following(system, screen), [CONTOSO, EAST_US]
        asking = Asking(system, follow, screen)
        places = {ring.target: Site(ring.stage, ring.target, laptop.azure["sites"][ring.role]) for ring in rings}
        scenes = Rings(follow, screen, rings, places, every_min=1)

        system.send(GOOD)
        follow.follow(GOOD)
        asking.until_asked(GOOD, CONTOSO)
        asking.refused(GOOD, CONTOSO, "alice", "NOT_AN_APPROVER", "contoso asks its own people")
        asking.approves(GOOD, CONTOSO, "cora", "we tried it")
        scenes.sound(GOOD, CONTOSO, "1.0.0")
        scenes.held_by_the_database(GOOD, EAST_US)
        scenes.sound(GOOD, EAST_US, "1.0.0")

        since = system.now()
        follow.may_be_stopped(BAD)
        system.who("alice").post("/api/builds", system.build(BAD))
        follow.follow(BAD)
        asking.until_asked(BAD, CONTOSO)
        asking.approves(BAD, CONTOSO, "cora", "we tried it, too")
        follow.until(f"{BAD} ends", lambda: follow.promotion(BAD).over)
        scenes.harmful(BAD, EAST_US, GOOD)
        scenes.is_rejected(BAD, EAST_US)
        assert set(system.met(CONTOSO.role, CONTOSO.workspace, since, system.now()).requests) == {GOOD, BAD}
        assert system.met(EAST_US.role, CONTOSO.workspace, since, system.now()).total == 0, "a workspace of its own"
    assert "roll-back-all: contoso went back, too" in said.getvalue()
