"""What the terminal shows of a blue-green stage: its preview, whom it asks, who is kept out, and the way back."""

from slipway.cli.api_answers import Promotion
from slipway.cli.live_tree import plain
from tests.cli.api_server import ApiServer
from tests.cli.builders import a_promotion, a_stage, an_approval, at
from tests.cli.conftest import Slipway
from tests.cli.test_live_tree import NOW


def test_status_shows_whom_the_switch_waits_for_and_where_to_look() -> None:
    target = {"name": "weu", "address": "https://shop", "preview": "https://shop-staging", "live": "1.0.0"}
    approval = {**an_approval(), "gate": "switch"}
    stage = a_stage("production", "waiting for approval", approval=approval, targets=[{**target, "idle": "1.1.0"}])
    page = plain(Promotion.model_validate(a_promotion(stage, state="waiting")), NOW, 120)
    assert "production before the switch, asks role:release-manager · 0 of 1" in page
    assert "live 1.0.0 · idle 1.1.0 · preview https://shop-staging · https://shop" in page


def test_environments_say_who_keeps_others_out_for_a_switch_and_how_that_ends(
    slipway: Slipway, server: ApiServer
) -> None:
    coming = {"promotion": "checkout--1.1.0", "version": "1.1.0", "stage": "production", "since": ""}
    coming |= {"waits_for": "approval of the switch by 1 of role:x", "until": at(-3600)}
    there = {"service": "checkout", "live": None, "previous": [], "on_its_way": coming, "waiting": [], "broken": None}
    server.on("GET /api/environments", (200, {"environments": [{"environment": "production", "services": [there]}]}))
    page = " ".join(slipway("environments").stdout.split())
    assert "? checkout 1.1.0 in production waits for approval of the switch by 1 of role:x, until" in page
    assert "slipway approve checkout--1.1.0 production" in page


def test_releases_say_where_a_rollback_would_lead_and_how_fast(slipway: Slipway, server: ApiServer) -> None:
    release = {"version": "1.1.0", "state": "proven", "since": at(60), "until": "", "back_since": ""}
    reach = {"how": "minutes", "version": "1.0.0", "until": "", "words": "its side was stopped"}
    place = "GET /api/environments/production/services/checkout"
    server.on(place, (200, {"releases": [release], "after": None, "reach": reach}))
    page = " ".join(slipway("releases", "production", "checkout").stdout.split())
    assert "way back: 1.0.0 is minutes away; its side was stopped" in page
