"""The durable webhooks, with their key, over real requests."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.functions_host.processes import Process, a_host
from tests.plain_http import plain_client

HOOKS = "/runtime/webhooks/durabletask"
OPTIONS = ("--virtual-time", "2026-01-05T09:00", "--by-hand")


class Hooks:
    """The webhooks of one host, opened by the key that its check-status addresses bear."""

    def __init__(self, shop: httpx.Client) -> None:
        self.shop = shop
        addresses = shop.post("/api/start/bake").json()
        self.key = httpx.URL(addresses["statusQueryGetUri"]).params["code"]

    def ask(self, method: str, path: str, body: object = None, **query: object) -> httpx.Response:
        params = {"code": self.key, **query}
        return self.shop.request(method, f"{HOOKS}/{path}", params=params, json=body)

    def start(self, function: str, given: object = None) -> str:
        instance = f"i-{uuid4().hex[:8]}"
        assert self.ask("POST", f"orchestrators/{function}/{instance}", given).status_code == 202
        self.move()
        return instance

    def move(self, seconds: float = 0) -> None:
        self.shop.post("/admin/clock", json={"advance": seconds}).raise_for_status()

    def status(self, instance: str) -> str:
        return str(self.ask("GET", f"instances/{instance}").json()["runtimeStatus"])


@pytest.fixture(scope="module")
def patterns_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    host = a_host("patterns", tmp_path_factory.mktemp("hooks"), {"CLEANING": "0 0 3 * * *"}, *OPTIONS)
    host.start()
    yield host
    host.end()


@pytest.fixture
def hooks(patterns_host: Process) -> Iterator[Hooks]:
    with plain_client(base_url=patterns_host.ready["url"]) as client:
        yield Hooks(client)


def test_nothing_is_answered_without_the_key(hooks: Hooks) -> None:
    for key in ({}, {"code": "wrong"}):
        for method, path in (("GET", "instances"), ("POST", "orchestrators/bake"), ("GET", "nowhere")):
            assert hooks.shop.request(method, f"{HOOKS}/{path}", params=key).status_code == 401
    assert hooks.shop.get(f"{HOOKS}/instances", headers={"x-functions-key": hooks.key}).status_code == 200


def test_key_outlives_a_restart_and_the_master_key_opens_too(tmp_path: Path) -> None:
    host = a_host("patterns", tmp_path, {"CLEANING": "0 0 3 * * *"}, *OPTIONS, "--check-keys")
    keys = []
    for _ in range(2):
        host.start()
        with plain_client(base_url=host.ready["url"]) as client:
            keys.append(Hooks(client).key)
            master = (tmp_path / "state.key").read_text()
            assert client.get(f"{HOOKS}/instances", params={"code": master}).status_code == 200
        host.kill()
    assert keys[0] == keys[1]


def test_start_answers_with_addresses_that_work(hooks: Hooks) -> None:
    answer = hooks.ask("POST", "orchestrators/refund")
    addresses = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == addresses["statusQueryGetUri"]
    assert answer.headers["Retry-After"] == "10"
    hooks.move()
    running = hooks.shop.get(addresses["statusQueryGetUri"])
    assert (running.status_code, running.headers["Retry-After"]) == (202, "5")
    assert hooks.shop.get(running.headers["Location"]).json() == running.json()
    assert hooks.shop.post(addresses["suspendPostUri"].replace("{text}", "lunch")).status_code == 202
    assert hooks.status(addresses["id"]) == "Suspended"
    assert hooks.shop.post(addresses["resumePostUri"].replace("{text}", "back")).status_code == 202
    assert hooks.shop.post(addresses["terminatePostUri"].replace("{text}", "enough")).status_code == 202
    ended = hooks.shop.get(addresses["statusQueryGetUri"])
    assert (ended.status_code, ended.json()["output"]) == (200, "enough")
    assert hooks.shop.post(addresses["restartPostUri"]).status_code == 202
    assert hooks.shop.post(addresses["rewindPostUri"].replace("{text}", "x")).status_code == 410
    assert hooks.shop.delete(addresses["purgeHistoryDeleteUri"]).json() == {"instancesDeleted": 1}
    assert hooks.shop.get(addresses["statusQueryGetUri"]).status_code == 404


def test_start_may_wait_for_the_end(hooks: Hooks) -> None:
    waited = {"timeout": 10, "pollingInterval": 1}
    done = hooks.ask("POST", "orchestrators/bake", json.dumps("flour"), **waited)
    assert (done.status_code, done.json()) == (200, "slice(bake(knead(flour)))")
    failed = hooks.ask(
        "POST", "orchestrators/delivery", "no object", **waited, returnInternalServerErrorOnFailure="true"
    )
    assert (failed.status_code, failed.json()["runtimeStatus"]) == (500, "Failed")
    late = hooks.ask("POST", "orchestrators/refund", timeout=0.2, pollingInterval=0.1)
    assert (late.status_code, set(late.json()) >= {"id", "statusQueryGetUri"}) == (202, True)
    assert hooks.ask("POST", "orchestrators/bake", timeout=1, pollingInterval=2).status_code == 400


def test_wrong_starts_are_refused_in_words(hooks: Hooks) -> None:
    running = hooks.start("refund")
    again = hooks.ask("POST", f"orchestrators/refund/{running}")
    assert (again.status_code, "status Running already exists" in again.json()["Message"]) == (409, True)
    unknown = hooks.ask("POST", "orchestrators/nobody")
    assert (unknown.status_code, "'nobody' doesn't exist" in unknown.json()["ExceptionMessage"]) == (400, True)
    assert hooks.ask("POST", "orchestrators/bake/@me").status_code == 400
    params = {"code": hooks.key}
    assert hooks.shop.post(f"{HOOKS}/orchestrators/bake", params=params, content=b"{").status_code == 400
    assert hooks.ask("PUT", "orchestrators/bake").status_code == 404
    assert hooks.ask("GET", "nowhere").status_code == 404


def test_events_reach_those_who_live(hooks: Hooks) -> None:
    refund = hooks.start("refund")
    path = f"instances/{refund}/raiseEvent/answer"
    text = hooks.shop.post(f"{HOOKS}/{path}", params={"code": hooks.key}, content=b"yes")
    assert text.status_code == 400
    assert hooks.ask("POST", path, {"yes": 1}).status_code == 202
    hooks.move()
    body = hooks.ask("GET", f"instances/{refund}").json()
    assert (body["runtimeStatus"], body["output"]) == ("Completed", {"approved": {"yes": 1}})
    assert hooks.ask("POST", path, 1).status_code == 410
    assert hooks.ask("POST", "instances/nobody/raiseEvent/answer", 1).status_code == 404


def test_history_and_input_are_shown_on_request(hooks: Hooks) -> None:
    bake = hooks.start("bake", {"flour": "rye"})
    plain = hooks.ask("GET", f"instances/{bake}").json()
    assert plain["input"] == {"flour": "rye"}
    assert "historyEvents" not in plain
    shown = hooks.ask(
        "GET", f"instances/{bake}", showHistory="true", showHistoryOutput="true", showInput="false"
    ).json()
    assert shown["input"] is None
    assert [event["EventType"] for event in shown["historyEvents"]] == [
        "ExecutionStarted",
        *["TaskCompleted"] * 3,
        "ExecutionCompleted",
    ]
    assert shown["historyEvents"][1]["Result"] == "knead({'flour': 'rye'})"


def test_lists_are_paged_by_a_header_both_ways(hooks: Hooks) -> None:
    prefix = f"page-{uuid4().hex[:6]}"
    for n in range(5):
        assert hooks.ask("POST", f"orchestrators/refund/{prefix}-{n}").status_code == 202
    seen, token = [], ""
    for _ in range(3):
        headers = {"x-ms-continuation-token": token} if token else {}
        params = {"code": hooks.key, "instanceIdPrefix": prefix, "top": 2}
        page = hooks.shop.get(f"{HOOKS}/instances", params=params, headers=headers)
        seen += [instance["instanceId"] for instance in page.json()]
        token = page.headers.get("x-ms-continuation-token", "")
    assert seen == [f"{prefix}-{n}" for n in range(5)]
    assert token == ""
    assert hooks.ask("GET", "instances", instanceIdPrefix=prefix, runtimeStatus="Failed,Terminated").json() == []
    for n in range(5):
        hooks.ask("POST", f"instances/{prefix}-{n}/terminate", reason="over")
    assert hooks.ask("DELETE", "instances").status_code == 400
    purged = hooks.ask("DELETE", "instances", createdTimeFrom="2026-01-01", runtimeStatus="Terminated")
    assert purged.json()["instancesDeleted"] >= 5


def test_entities_are_signalled_read_listed_and_deleted(hooks: Hooks) -> None:
    for n in range(3):
        assert hooks.ask("POST", f"entities/visitors/gate{n}", str(4 + n), op="add").status_code == 202
    hooks.move()
    assert hooks.ask("GET", "entities/Visitors/gate0").json() == 4
    first = hooks.ask("GET", "entities/visitors", fetchState="true", top=2)
    keys = [(entity["entityId"]["key"], entity["state"]) for entity in first.json()]
    headers = {"x-ms-continuation-token": first.headers["x-ms-continuation-token"]}
    rest = hooks.shop.get(f"{HOOKS}/entities/visitors", params={"code": hooks.key}, headers=headers).json()
    assert keys == [("gate0", 4), ("gate1", 5)]
    assert [(entity["entityId"]["key"], entity["state"]) for entity in rest] == [("gate2", None)]
    assert hooks.ask("GET", "entities", lastOperationTimeFrom="2999-01-01").json() == []
    assert hooks.ask("POST", "entities/nobody/x", 1, op="add").status_code == 400
    assert hooks.ask("GET", "entities/visitors/nobody").status_code == 404
    assert hooks.ask("DELETE", "entities/visitors/gate0").status_code == 202
