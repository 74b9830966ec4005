import json
import time
from typing import Any

from tests.end_to_end.system import System, a_message, stage_of


def test_a_message_travels_to_production_and_a_bad_build_is_stopped(system: System) -> None:
    system.send(a_message("2.0.0"))
    waiting = system.until_state("checkout--2.0.0", "production", "waiting for approval")
    assert waiting["state"] == "waiting" and waiting["runtime"] == "Running"
    assert stage_of(waiting, "production")["approval"]["at_least"] == 1
    system.send(a_message("2.1.0-errors"))
    assert system.approve("checkout--2.0.0").json()["decision"] == "approved"
    ended = system.until_ended("checkout--2.0.0")
    assert ended["state"] == "passed"
    assert system.live("checkout--2.0.0") == {"checkout-test": "2.0.0", "weu": "2.0.0", "neu": "2.0.0"}

    stopped = system.until_ended("checkout--2.1.0-errors")
    assert (stopped["state"], stopped["code"]) == ("failed", "LOAD_ERROR_RATE")
    assert "test is still on 2.0.0" in stopped["words"]
    assert system.live("checkout--2.1.0-errors") == {"checkout-test": "2.0.0"}

    environments = {
        each["environment"]: each["services"][0] for each in system.get("/api/environments")["environments"]
    }
    assert environments["production"]["live"]["version"] == "2.0.0"
    assert environments["production"]["live"]["proven"] is True
    assert system.get("/api/environments/test/services/checkout")["on_its_way"] is None
    listed = [each["id"] for each in system.get("/api/promotions?service=checkout&top=100")["promotions"]]
    assert listed.index("checkout--2.1.0-errors") < listed.index("checkout--2.0.0"), "newest first"

    audit = system.get("/api/promotions/checkout--2.0.0/audit")
    assert audit["intact"] is True
    actions = [record["action"] for record in audit["records"]]
    assert actions[0] == "promotion.started" and actions[-1] == "promotion.passed"
    assert "approval.approve" in actions


def test_events_of_a_promotion_come_out_of_the_topic(system: System) -> None:
    from azure.servicebus import ServiceBusClient

    system.send(a_message("2.2.0-crash"))
    system.until_ended("checkout--2.2.0-crash")
    seen: list[dict[str, Any]] = []
    with (
        ServiceBusClient.from_connection_string(system.run.servicebus) as client,
        client.get_subscription_receiver("promotions", "audit") as receiver,
    ):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not any(_is_end(each) for each in seen):
            for message in receiver.receive_messages(max_message_count=50, max_wait_time=2):
                seen.append(json.loads(str(message)))
                receiver.complete_message(message)
    end = next(each for each in seen if _is_end(each))
    assert (end["specversion"], end["source"]) == ("1.0", "/slipway/promotions/checkout--2.2.0-crash")
    assert "exited" in end["data"]["words"] or "crash" in end["data"]["words"]


def _is_end(event: dict[str, Any]) -> bool:
    return event["type"] == "slipway.stage.failed" and event["source"].endswith("2.2.0-crash")


def test_a_release_that_turns_sick_after_the_swap_is_swapped_back(system: System) -> None:
    before = httpx_version(system, "checkout-test")
    system.send(a_message("2.3.0-sick"))
    ended = system.until_ended("checkout--2.3.0-sick")
    assert (ended["state"], ended["code"]) == ("failed", "UNHEALTHY")
    steps = {step["name"]: step["state"] for step in stage_of(ended, "test")["steps"]}
    assert steps["swap back"] == "passed"
    assert httpx_version(system, "checkout-test") == before


def httpx_version(system: System, target: str) -> str:
    """The live version of a target of stage `test`, by its own answer."""
    some = next(each["id"] for each in system.get("/api/promotions")["promotions"])
    address = stage_of(system.get(f"/api/promotions/{some}"), "test")["targets"][0]["address"]
    return str(system.http.get(address + "/version").json()["version"])


def test_ten_times_the_same_message_is_one_promotion_and_so_it_stays(system: System) -> None:
    message = a_message("2.4.0-errors")
    system.send(*[message] * 10)
    first = system.until_ended("checkout--2.4.0-errors")
    deployed = len(system.deployments("checkout-test"))
    system.send(message)
    system.send(a_message("2.4.1", branch="some-branch"))
    assert "BRANCH_NOT_PROMOTED" in system.call("POST", "/api/builds", json=a_message("2.4.1", branch="x")).text
    again = system.until_ended("checkout--2.4.0-errors")
    assert again["started_at"] == first["started_at"] and again["ended_at"] == first["ended_at"]
    assert len(system.deployments("checkout-test")) == deployed
    ids = [each["id"] for each in system.get("/api/promotions?top=100")["promotions"]]
    assert ids.count("checkout--2.4.0-errors") == 1 and "checkout--2.4.1" not in ids


def test_abort_undoes_what_is_under_way(system: System) -> None:
    system.send(a_message("2.5.0"))
    system.until_state("checkout--2.5.0", "test", "baking")
    answer = system.call(
        "POST", "/api/promotions/checkout--2.5.0/commands", json={"command": "abort", "reason": "wrong build"}
    )
    assert answer.status_code == 200, answer.text
    ended = system.until_ended("checkout--2.5.0", within_s=90)
    assert (ended["state"], ended["code"]) == ("cancelled", "ABORTED")
    assert ended["aborted"]["by"] == "Alice Adams"
    assert system.live("checkout--2.5.0")["checkout-test"] != "2.5.0"
    again = system.call("POST", "/api/promotions/checkout--2.5.0/commands", json={"command": "abort"})
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_ENDED")
