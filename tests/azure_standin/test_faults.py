"""The stand-in misbehaves on demand, and the official clients meet it as they would meet Azure."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceResponseError

from tests.azure_standin.standin import GROUP, SITE, SLOT, Arm, StandinProcess, until


def inject(standin: StandinProcess, **fault: Any) -> None:
    with standin.http() as http:
        answer = http.post("/standin/faults", json=fault)
        assert answer.status_code == 201, answer.text


def waiting(standin: StandinProcess) -> list[Any]:
    with standin.http() as http:
        return list(http.get("/standin/faults").json())


def test_a_throttled_request_is_tried_again_by_the_client(standin: StandinProcess) -> None:
    throttled = {"status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"code": "TooManyRequests"}}}
    inject(standin, match={"method": "GET", "path_contains": "/sites/checkout-dev?"}, answer=throttled)
    began = time.monotonic()
    with standin.web() as client:
        assert client.web_apps.get(GROUP, "checkout-dev").state == "Running"
    assert time.monotonic() - began >= 1 and waiting(standin) == []


def test_a_fault_happens_as_often_as_asked_and_only_where_it_matches(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, match={"path_contains": "/instances"}, answer={"status": 500, "body": "broken"}, times=2)
    assert arm.send("GET", SLOT).status_code == 200
    assert [arm.send("GET", f"{SLOT}/instances").status_code for _ in range(3)] == [500, 500, 200]


def test_a_dropped_connection_before_leaves_nothing_done(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, match={"method": "POST", "path_contains": "slotsswap"}, drop="before")
    with pytest.raises(ServiceResponseError):
        arm.send("POST", f"{SLOT}/slotsswap", {"targetSlot": "production"})
    assert arm.get(SLOT)["properties"]["inProgressOperationId"] is None


def test_a_dropped_connection_after_leaves_it_done(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(SLOT, standin.package("2.0.0"))
    inject(standin, match={"method": "POST", "path_contains": "slotsswap"}, drop="after")
    with pytest.raises(ServiceResponseError):
        arm.send("POST", f"{SLOT}/slotsswap", {"targetSlot": "production"})
    until(lambda: standin.version_at("checkout-dev") == "2.0.0")


def test_faults_reach_the_storage_services_too(standin: StandinProcess) -> None:
    inject(
        standin, match={"path_contains": "/blob/"}, answer={"status": 503, "headers": {"x-ms-error-code": "ServerBusy"}}
    )
    with standin.blobs() as blobs, pytest.raises(HttpResponseError) as refused:
        blobs.create_container("busy")
    assert refused.value.status_code == 503


def test_faults_can_be_taken_back(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, answer={"status": 500}, times=100)
    with standin.http() as http:
        assert http.delete("/standin/faults").status_code == 204
    assert arm.send("GET", SLOT).status_code == 200


def test_an_answer_is_held_back_for_as_long_as_asked(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, match={"path_contains": "/instances"}, hold_s=0.2)
    began = time.monotonic()
    assert arm.send("GET", f"{SLOT}/instances").status_code == 200, "late, and the real one"
    assert time.monotonic() - began >= 0.2


def test_a_front_end_misbehaves_by_the_name_of_its_site_only(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, match={"site": "checkout-dev"}, answer={"status": 200, "body": {"version": "0.0.7"}})
    assert arm.send("GET", SITE).status_code == 200
    assert standin.at("checkout-new").status_code == 503
    assert standin.version_at("checkout-dev") == "0.0.7"
    assert waiting(standin) == [] and standin.version_at("checkout-dev") != "0.0.7"


def held(standin: StandinProcess) -> list[Any]:
    with standin.http() as http:
        return list(http.get("/standin/held").json())


def test_a_held_answer_comes_when_it_is_released_and_its_request_was_carried_out(
    standin: StandinProcess, arm: Arm
) -> None:
    inject(standin, match={"method": "POST", "path_contains": f"{SLOT}/stop"}, hold_s=60)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(arm.send, "POST", f"{SLOT}/stop")
        until(lambda: [each["carried_out"] for each in held(standin)] == [True])
        assert arm.get(SLOT)["properties"]["state"] == "Stopped" and not stopping.done()
        with standin.http() as http:
            assert http.delete("/standin/held").status_code == 204
        assert stopping.result(5).status_code == 200
    assert arm.send("POST", f"{SLOT}/start").status_code == 200 and held(standin) == []


def test_a_held_request_is_carried_out_late_unless_its_sender_is_gone(standin: StandinProcess, arm: Arm) -> None:
    inject(standin, match={"method": "POST", "path_contains": "/stop"}, hold="before", hold_s=0.2)
    began = time.monotonic()
    assert arm.send("POST", f"{SLOT}/stop").status_code == 200 and time.monotonic() - began >= 0.2
    inject(standin, match={"method": "POST", "path_contains": "/start"}, hold="before", hold_s=60)
    with pytest.raises(ServiceResponseError):
        arm.send("POST", f"{SLOT}/start", read_timeout=0.3)
    with standin.http() as http:
        http.delete("/standin/held")
    until(lambda: held(standin) == [])
    assert arm.get(SLOT)["properties"]["state"] == "Stopped"
    assert arm.send("POST", f"{SLOT}/start").status_code == 200


def test_a_fault_that_says_nothing_or_two_things_is_refused(standin: StandinProcess) -> None:
    with standin.http() as http:
        both, never = {"drop": "before", "answer": {"status": 500}}, {"hold_s": 1, "hold": "never"}
        for wrong in ({}, both, {"drop": "sometimes"}, never, {"dorp": "after"}):
            assert http.post("/standin/faults", json=wrong).status_code == 400


def test_a_path_that_nobody_serves_is_named(standin: StandinProcess) -> None:
    with standin.http() as http:
        answer = http.get("/queues/db")
    assert answer.status_code == 501 and "GET /queues/db" in answer.json()["error"]["message"]
