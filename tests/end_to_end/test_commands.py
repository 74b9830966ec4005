from tests.app_host import eventually
from tests.end_to_end.system import System, a_message, stage_of
from tests.end_to_end.test_refusals import problem


def command(system: System, promotion: str, name: str, **more: str) -> tuple[int, str]:
    """Status and words (or code) of a command's answer."""
    answer = system.call("POST", f"/api/promotions/{promotion}/commands", json={"command": name, **more})
    body = answer.json()
    return answer.status_code, body.get("code") or body["words"]


def test_a_failed_stage_is_tried_again_when_a_person_says_so(system: System) -> None:
    id = "checkout--5.0.0-crash"
    system.send(a_message("5.0.0-crash"))
    failed = system.until_ended(id)
    assert (failed["state"], failed["waits_for"]) == ("failed", "test: retry")
    assert command(system, id, "retry") == (200, "stage test is tried again, attempt 2")
    again = system.until(id, lambda seen: stage_of(seen, "test")["attempt"] == 2 and seen["state"] == "failed")
    assert again["code"] == "DEPLOYMENT_FAILED"
    deploys = [each for each in system.deployments("checkout-test") if "5.0.0-crash" in str(each)]
    assert len(deploys) == 2, "one deployment an attempt"
    assert command(system, id, "abort")[0] == 200
    system.until(id, lambda seen: seen["runtime"] == "Completed")
    assert command(system, id, "retry") == (409, "ALREADY_ENDED")


def test_a_paused_promotion_waits_and_goes_on(system: System) -> None:
    id = "checkout--5.1.0"
    system.send(a_message("5.1.0"))
    system.until_state(id, "test", "deploying", "verifying", "rolling out", "verifying live", "baking")
    assert command(system, id, "pause")[0] == 200
    assert command(system, id, "pause") == (409, "ALREADY_PAUSED")
    shown = system.until_state(id, "test", "passed")
    assert shown["paused"]["by"] == "Alice Adams"
    assert command(system, id, "resume")[0] == 200
    system.until_state(id, "production", "waiting for approval")
    assert command(system, id, "abort")[0] == 200
    assert system.until_ended(id)["code"] == "ABORTED"


def test_a_hold_keeps_builds_out_of_an_environment_until_it_is_lifted(system: System) -> None:
    body = {"kind": "hold", "environment": "test", "service": "checkout", "reason": "stocktaking", "for": "1h"}
    assert problem(system.call("POST", "/api/intents", "erin", json=body)) == (403, "FORBIDDEN")
    unknown = {**body, "environment": "mars"}
    assert problem(system.call("POST", "/api/intents", json=unknown)) == (404, "UNKNOWN_ENVIRONMENT")
    assert problem(system.call("POST", "/api/intents", json={**body, "for": "soon"})) == (422, "INVALID_BODY")
    held = system.call("POST", "/api/intents", json=body)
    assert held.status_code == 201, held.text
    shown = system.get("/api/environments/test/services/checkout")
    assert shown["holds"][0]["reason"] == "stocktaking"
    id = "checkout--5.2.0-crash"
    system.send(a_message("5.2.0-crash"))
    waiting = system.until_state(id, "test", "waiting for the lock")
    assert "held by Alice Adams: stocktaking" in stage_of(waiting, "test")["waits_for"]
    lifted = system.call("DELETE", f"/api/intents/{held.json()['id']}")
    assert lifted.status_code == 200, lifted.text
    assert system.until_ended(id)["code"] == "DEPLOYMENT_FAILED"
    assert problem(system.call("DELETE", f"/api/intents/{held.json()['id']}")) == (404, "UNKNOWN_INTENT")


def test_a_release_that_is_live_is_rolled_back_by_a_person(system: System) -> None:
    answer = system.call("GET", "/api/environments/test/services/checkout")
    before = answer.json()["live"] if answer.status_code == 200 else None
    id = "checkout--5.3.0"
    system.send(a_message("5.3.0"))
    system.until_state(id, "production", "waiting for approval")
    assert system.live(id)["checkout-test"] == "5.3.0"
    assert command(system, id, "rollback", stage="production") == (409, "NOT_LIVE")
    any_text = "/?#é of one person"
    status, _ = command(system, id, "rollback", stage="test", reason="customers complain", id=any_text)
    assert status == 202
    shown = system.until_state(id, "test", "rolled back")
    assert "test is back on" in stage_of(shown, "test")["words"]
    where = "/api/environments/test/services/checkout"
    eventually(lambda: system.get(where)["on_its_way"] is None)  # the stage says its end before the lock is copied
    now = system.get(where)
    assert system.live(id)["checkout-test"] != "5.3.0"
    assert (now["on_its_way"], now["broken"]) == (None, None)
    assert before is None or now["live"]["version"] == before["version"]
    taken_back = now["releases"][0]
    assert (taken_back["version"], taken_back["state"], taken_back["by"]) == ("5.3.0", "rolled back", "Alice Adams")
    assert "customers complain" in taken_back["words"] and taken_back["since"] < taken_back["until"]
    page = system.get("/api/environments/test/services/checkout?top=1")
    assert [each["version"] for each in page["releases"]] == ["5.3.0"]
    assert command(system, id, "rollback", stage="test") == (409, "NOT_LIVE")
    assert command(system, id, "pause", id="k7")[0] == 200
    assert command(system, id, "abort", id="k7") == (409, "COMMAND_REUSED")
    shown = system.promotion(id)
    assert shown is not None and shown["aborted"] is None
    assert command(system, id, "abort")[0] == 200
