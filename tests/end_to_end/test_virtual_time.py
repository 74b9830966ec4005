"""Hours of waiting on the whole laptop system, in seconds: its clock stands until it is told to go on."""

from pathlib import Path

from tests.end_to_end.system import PIPELINE, System, a_message, stage_of, start


def let_pass(system: System, seconds: float) -> None:
    system.http.post(f"{system.run.url}/admin/clock", json={"advance": seconds}, timeout=120).raise_for_status()


RESOURCE = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers"
AZURE_LOAD = f"{{resource: {RESOURCE}/Microsoft.LoadTestService/loadTests/loads, test: flash-sale}}"
# In place of our own driver's; a run of ten minutes, which a second of requests stands for.
LOADS = [{"name": "loads", "tests": [{"id": "flash-sale", "rate_per_s": 100, "takes_s": 1, "lasts_s": 600}]}]


def with_azure_load(folder: Path) -> Path:
    """The tests' pipeline, with a load that Azure drives."""
    ours = "load: {rate: 30/s, path: /, duration: 1s, error_rate: 5%}"
    text = PIPELINE.read_text(encoding="utf-8")
    assert ours in text
    file = folder / "checkout.yaml"
    file.write_text(text.replace(ours, f"load: {{azure: {AZURE_LOAD}, error_rate: 5%}}"), encoding="utf-8")
    return file


def test_an_approval_that_nobody_gives_expires_after_its_three_hours(tmp_path: Path) -> None:
    id, newer = "checkout--8.0.0", "checkout--8.1.0"
    with start(tmp_path, with_azure_load(tmp_path), virtual_time=True, load_testing=LOADS) as laptop:
        system = System(laptop)
        system.send(a_message("8.0.0"))
        system.until_state(id, "test", "deploying")
        assert "deploying" in stage_states(system, id), "time stands until it is told to go on"
        let_pass(system, 60)
        assert stage_states(system, id) == ["passed", "waiting for approval"]
        steps = {step["name"]: step["state"] for step in stage_of(system.get(f"/api/promotions/{id}"), "test")["steps"]}
        assert steps["load flash-sale"] == "passed", steps
        let_pass(system, 2.9 * 3600)
        assert stage_states(system, id) == ["passed", "waiting for approval"]
        let_pass(system, 0.2 * 3600)
        shown = system.get(f"/api/promotions/{id}")
        assert (shown["state"], shown["code"]) == ("cancelled", "APPROVAL_EXPIRED")
        answer = system.approve(id)
        assert (answer.status_code, answer.json()["code"]) == (409, "EXPIRED")

        # What a person says is said at the system's time, which is hours ahead of the machine's by now.
        system.send(a_message("8.1.0"))
        system.until_state(newer, "test", "deploying")
        let_pass(system, 60)
        hold = {"kind": "hold", "environment": "production", "service": "checkout", "reason": "freeze", "for": "10m"}
        assert system.call("POST", "/api/intents", "alice", json=hold).status_code == 201
        assert system.approve(newer).status_code == 200
        let_pass(system, 300)
        assert stage_states(system, newer) == ["passed", "waiting for the lock"]
        reasons = stage_of(system.get(f"/api/promotions/{newer}"), "production")["may_promote"]["reasons"]
        assert "HELD" in [reason["code"] for reason in reasons]
        let_pass(system, 420)
        assert stage_states(system, newer) == ["passed", "passed"]

        system.send(a_message("8.2.0-errors"))
        system.until_state("checkout--8.2.0-errors", "test", "deploying")
        let_pass(system, 120)
        bad = stage_of(system.get("/api/promotions/checkout--8.2.0-errors"), "test")
        assert (bad["state"], bad["code"]) == ("failed", "LOAD_ERROR_RATE"), bad
        assert "of 100 requests, allowed 5 %" in bad["words"]


def test_a_freeze_holds_a_build_until_it_thaws_and_a_stop_until_another_person_lifts_it(tmp_path: Path) -> None:
    id = "checkout--8.3.0"
    place = {"environment": "test", "service": "checkout", "reason": "launch"}
    with start(tmp_path, PIPELINE, virtual_time=True) as laptop:
        system = System(laptop)
        freeze = system.call("POST", "/api/intents", "alice", json={"kind": "freeze", **place, "for": "2h"})
        assert freeze.status_code == 201, freeze.text
        system.send(a_message("8.3.0"))
        system.until_state(id, "test", "waiting for the lock")
        let_pass(system, 3600)
        shown = stage_of(system.get(f"/api/promotions/{id}"), "test")
        assert (shown["state"], shown["waits_for"]) == ("waiting for the lock", "frozen by Alice Adams: launch")
        assert system.get("/api/environments/test/services/checkout")["on_its_way"] is None, "it holds no lock"
        stop = system.call("POST", "/api/intents", "alice", json={"kind": "stop", "reason": "attack", "for": "9h"})
        assert stop.status_code in (201, 202), stop.text
        let_pass(system, 3 * 3600)
        assert stage_of(system.get(f"/api/promotions/{id}"), "test")["state"] == "waiting for the lock"
        lift = f"/api/intents/{stop.json()['id']}"
        assert system.call("DELETE", lift, "alice").json()["code"] == "STOP_IS_YOURS"
        assert system.call("DELETE", lift, "dave").status_code in (200, 202)
        system.until_state(id, "test", "deploying")
        let_pass(system, 120)
        assert stage_states(system, id) == ["passed", "waiting for approval"]


def stage_states(system: System, id: str) -> list[str]:
    return [stage["state"] for stage in system.get(f"/api/promotions/{id}")["stages"]]
