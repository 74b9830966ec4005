"""A person has a build promoted once more: a run of its own, newer than all before, once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.adapters.rows import Rows
from slipway.local.functions.invocation import InvocationFailed
from slipway.promotion.ids import promotion_id
from slipway.promotion.outcomes import moment
from tests.app_host import AppHost, Reply, eventually
from tests.laptop import Bus, Watched
from tests.triggers.conftest import ALICE, a_message, audited, intake

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture(scope="module")
def builds(broker: Bus) -> Iterator[Watched]:
    with broker.watch("builds") as watched:
        yield watched


def ended(app: AppHost, version: str) -> str:
    """A promotion that is over."""
    app.held.carried_out |= {"claim_promotion", "pin_artifacts", "record"}
    app.deliver(a_message(version))
    id = promotion_id("checkout", version)
    eventually(lambda: "promotion" in {row.key for row in Rows("promotions").query(id)})
    Rows("promotions").upsert(id, "intake", {"state": "ended"}, merge=True)
    return id


def again(app: AppHost, id: str, **body: Any) -> Reply:
    return app.http("POST", f"/api/promotions/{id}/again", ALICE, {"reason": "the outage was the network's", **body})


def sent(builds: Watched) -> list[dict[str, Any]]:
    return [json.loads(str(message)) for message in builds.new()]


def test_a_build_is_promoted_once_more_as_a_run_of_its_own(app: AppHost, version: str, builds: Watched) -> None:
    id = ended(app, version)
    builds.new()
    reply = again(app, id)
    assert reply.status == 202 and reply.json["promotion"] == f"{id}=2"
    assert ("promotion.again", "") in [(action, "") for action, _ in audited(id)]
    app.deliver(json.dumps({**json.loads(a_message(version)), "run": 2}).encode())
    eventually(lambda: intake(f"{id}=2").get("state") == "running")
    row = eventually(lambda: Rows("promotions").get(f"{id}=2", "promotion"))
    assert row is not None
    build = json.loads(str(row.values["doc"]))["build"]
    assert (build["version"], build["run"]) == (version, 2)


def test_what_is_sent_is_the_build_as_it_was_and_newer_than_it(app: AppHost, version: str, builds: Watched) -> None:
    id = ended(app, version)
    before = json.loads(str(Rows("promotions").get(id, "promotion").values["doc"]))["build"]  # type: ignore[union-attr]
    builds.new()
    assert again(app, id).status == 202
    (message,) = eventually(lambda: sent(builds))
    assert {key: message[key] for key in ("service", "version", "commit", "author", "branch")} == {
        key: before[key] for key in ("service", "version", "commit", "author", "branch")
    }
    assert message["run"] == 2
    assert moment(message["finished_at"]) > moment(before["finished_at"])


def test_a_promotion_under_way_or_sent_again_before_is_not_sent_again(app: AppHost, version: str) -> None:
    id = ended(app, version)
    Rows("promotions").upsert(id, "intake", {"state": "running"}, merge=True)
    assert again(app, id).problem == (409, "STILL_UNDER_WAY")
    Rows("promotions").upsert(id, "intake", {"state": "ended"}, merge=True)
    app.deliver(json.dumps({**json.loads(a_message(version)), "run": 2}).encode())
    refused = again(app, id)
    assert refused.problem == (409, "SENT_AGAIN") and f"{id}=2" in refused.json["detail"]
    assert audited(id)[-1] == ("promotion.refused", "SENT_AGAIN")


def test_a_reason_and_a_promotion_are_needed(app: AppHost, version: str) -> None:
    assert again(app, promotion_id("checkout", version)).problem == (404, "UNKNOWN_PROMOTION")
    assert again(app, ended(app, version), reason="").problem == (422, "INVALID_BODY")


def test_a_run_whose_run_before_is_not_over_is_set_aside(app: AppHost, version: str) -> None:
    body = json.dumps({**json.loads(a_message(version)), "run": 2}).encode()
    assert app.http("POST", "/api/builds", ALICE, body).problem == (422, "RUN_UNKNOWN")
    try:
        app.deliver(body, message_id="m-again")
    except InvocationFailed as error:
        raise AssertionError("the message is set aside, not given again") from error
    assert intake(f"{promotion_id('checkout', version)}=2") == {}
