"""A Front Door around a ramp: opened to testers, all users returned, closed again; of two rings, too."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from slipway.adapters.front_door import FrontDoorRouter
from slipway.adapters.intake import mark_aborted
from slipway.promotion.front_door import KIND, Testers
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import HealthCheck, Target
from tests import plain_http
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.laptop_holds import FRONT_DOORS

pytestmark = pytest.mark.usefixtures("configured")

WEU, NEU = "ring-weu", "ring-neu"
SENT = {"x-canary": "me"}


@dataclass
class Rings:
    """Two rings of a stage behind one Front Door, and a promotion that is at work on them."""

    app: AppHost
    azure: AzureStandin
    promotion: Promotion
    fence: int

    def order(self, site: str, step: str, **more: Any) -> dict[str, Any]:
        door = self.azure.origins(site, Testers(FRONT_DOORS[site], f"{site}-testers", "me", header="x-canary"))
        return {
            "promotion": self.promotion.id,
            "operation": f"{self.promotion.id}:{site}:{step}:1",
            "target": asdict(Target(site, KIND, door.resource, door.live)),
            "version": self.promotion.version,
            "front_door": plain(door),
            "settle_s": 1.0,
            "fence": self.fence,
            "version_path": "/version",
            "health": plain(HealthCheck()),
            "live": self.answered(site),
            "endpoint": door.endpoint,
            **more,
        }

    def returned(self, site: str, step: str, always: bool = True, **more: Any) -> Answer:
        return self.app.followed("return_to_live", self.order(site, step, always=always, **more))

    def change(self, site: str, step: str) -> None:
        assert self.app.followed(step, self.promotion.change(site, step, fence=self.fence)).outcome is Outcome.PASSED

    def give(self, site: str, share: float) -> None:
        """As somebody does it by hand."""
        order = self.order(site, "by-hand")
        router, target = FrontDoorRouter(self.azure.settings), Target(**order["target"])
        answer = router.start_split(target, "", share, "by-hand", False)
        for _ in range(1000):
            if not answer.running:
                break
            answer = router.poll_split(target, answer.handle, "", share)
        assert answer.outcome is Outcome.PASSED

    def share(self, site: str) -> float:
        target = Target(**self.order(site, "look")["target"])
        return FrontDoorRouter(self.azure.settings).read_split(target, "").share

    def answered(self, site: str, **headers: str) -> str:
        endpoint = self.azure.origins(site).endpoint
        return str(plain_http.get(f"{endpoint}/version", headers=headers).json()["version"])


@pytest.fixture
def rings(app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int) -> Iterator[Rings]:
    yield Rings(app, azure, promotion, fence)
    azure.forget_faults()


def test_the_second_ring_returns_its_users_while_the_first_has_the_new_release(rings: Rings) -> None:
    rings.change(WEU, "deploy")
    rings.change(WEU, "swap")
    assert rings.answered(WEU) == rings.promotion.version != rings.answered(NEU)
    answer = rings.returned(NEU, "return")
    assert answer.outcome is Outcome.PASSED
    assert answer.words == f"all users are with {rings.answered(NEU)}: 30 of their requests were"


def test_a_weight_that_somebody_gave_is_taken_away_and_settled_before_a_deployment(rings: Rings) -> None:
    rings.change(NEU, "deploy")
    rings.give(NEU, 0.5)
    live = rings.azure.live_version(NEU)
    answer = rings.returned(NEU, "empty", always=False, live=live)
    assert answer.outcome is Outcome.PASSED and rings.share(NEU) == 0.0
    assert {rings.answered(NEU) for _ in range(20)} == {live}


def test_where_nobody_is_sent_to_the_idle_side_nothing_is_waited_for(rings: Rings) -> None:
    answer = rings.app.activity("return_to_live", rings.order(NEU, "empty", always=False))
    assert answer.outcome is Outcome.PASSED


def test_where_edges_answer_something_else_than_the_live_release_front_door_settles_first(rings: Rings) -> None:
    answer = rings.app.activity("return_to_live", rings.order(NEU, "empty", always=False, live="0.9.0"))
    assert answer.running and answer.handle["kind"] == "settling"
    assert "edges have not heard yet" in answer.words
    order = rings.order(NEU, "empty", always=False, live="0.9.0", settle_s=0.0, handle=answer.handle)
    assert "still answers" in rings.app.activity("return_to_live", order).words


def test_an_endpoint_that_answers_nothing_proves_nothing(rings: Rings) -> None:
    """Before a deployment Front Door settles then; after a ramp that is no end."""
    silent = {"endpoint": "http://127.0.0.1:9", "settle_s": 0.0, "live": "1.0.0"}
    order = rings.order(NEU, "empty", always=False, **silent)
    answer = rings.app.activity("return_to_live", order)
    assert answer.running and answer.handle["kind"] == "settling" and "answers no version" in answer.words
    settled = rings.app.activity("return_to_live", {**order, "handle": answer.handle})
    assert settled.running and "nobody knows who is where" in settled.words
    unknown = rings.order(NEU, "empty-again", always=False, **{**silent, "live": ""})
    assert rings.app.activity("return_to_live", unknown).outcome is Outcome.PASSED, "of a first release nobody asks"


def test_users_have_returned_only_when_front_door_has_had_its_time(rings: Rings) -> None:
    order = rings.order(NEU, "return", always=True, settle_s=3600.0, front_door=plain(rings.azure.origins(NEU)))
    begun = rings.app.activity("return_to_live", order)
    settling = rings.app.activity("return_to_live", {**order, "handle": begun.handle})
    assert settling.running and "Front Door settles until" in settling.words and settling.after_s == 60.0


def test_testers_are_let_in_verified_by_a_request_like_theirs_and_out_again(rings: Rings) -> None:
    rings.change(NEU, "deploy")
    opened = rings.app.followed("open_front_door", rings.order(NEU, "open"))
    assert (opened.outcome, opened.result["drop_s"]) == (Outcome.PASSED, 2.0)
    assert rings.answered(NEU, **SENT) == rings.promotion.version != rings.answered(NEU)
    assert rings.answered(WEU, **SENT) == rings.answered(WEU), "testers of a ring are its own"
    closed = rings.app.followed("close_front_door", rings.order(NEU, "close"))
    assert closed.outcome is Outcome.PASSED
    again = rings.app.followed("close_front_door", rings.order(NEU, "close-again"))
    assert again.words == "there is no rule for testers"


def test_the_testers_rule_goes_when_users_return_and_front_door_settles_from_then_on(rings: Rings) -> None:
    rings.change(NEU, "deploy")
    assert rings.app.followed("open_front_door", rings.order(NEU, "open")).outcome is Outcome.PASSED
    assert rings.returned(NEU, "return").outcome is Outcome.PASSED
    assert rings.answered(NEU, **SENT) == rings.answered(NEU), "edges have forgotten it by then"


def test_no_front_door_is_opened_whose_weights_would_divide_nothing(rings: Rings) -> None:
    order = rings.order(NEU, "open")
    order["target"] = asdict(replace(Target(**order["target"]), slot="nowhere"))
    answer = rings.app.followed("open_front_door", order)
    assert answer.outcome is Outcome.BROKEN and "has no origin nowhere" in answer.words


def test_an_abort_stops_the_return_and_not_the_one_that_takes_the_release_back(rings: Rings) -> None:
    mark_aborted(rings.promotion.id)
    assert rings.returned(NEU, "return").outcome is Outcome.CANCELLED
    assert rings.app.activity("open_front_door", rings.order(NEU, "open")).outcome is Outcome.CANCELLED
    assert rings.returned(NEU, "settle", despite_abort=True).outcome is Outcome.PASSED
