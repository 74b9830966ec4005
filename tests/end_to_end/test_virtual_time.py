"""Hours of waiting on the whole laptop system, in seconds: its clock stands until it is told to go on."""

from pathlib import Path

from tests.end_to_end.system import System, a_message, stage_of, start


def let_pass(system: System, seconds: float) -> None:
    system.http.post(f"{system.run.url}/admin/clock", json={"advance": seconds}, timeout=120).raise_for_status()


def test_an_approval_that_nobody_gives_expires_after_its_three_hours(tmp_path: Path) -> None:
    id, newer = "checkout--8.0.0", "checkout--8.1.0"
    with start(tmp_path, virtual_time=True) as laptop:
        system = System(laptop)
        system.send(a_message("8.0.0"))
        system.until_state(id, "test", "deploying")
        assert "deploying" in stage_states(system, id), "time stands until it is told to go on"
        let_pass(system, 60)
        assert stage_states(system, id) == ["passed", "waiting for approval"]
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


def stage_states(system: System, id: str) -> list[str]:
    return [stage["state"] for stage in system.get(f"/api/promotions/{id}")["stages"]]
