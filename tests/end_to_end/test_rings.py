"""Rings on the whole laptop: a database that fails over, a bad part of the last ring, and the way back of all."""

from pathlib import Path

from tests.end_to_end.system import System, a_message, stage_of, start

ACCOUNT = {"name": "shop-db", "locations": ["West Europe", "North Europe"]}
SICK = {"match": {"path_contains": "/healthz", "site": "checkout-neu"}, "times": 1000, "answer": {"status": 503}}


def test_a_bad_last_ring_takes_all_rings_back_after_a_failover_held_it(tmp_path: Path) -> None:
    with start(tmp_path, Path(__file__).with_name("ringed.yaml"), cosmos_accounts=[ACCOUNT]) as laptop:
        system = System(laptop)
        system.azure("POST", "/standin/faults", json=SICK)
        system.azure(
            "POST", "/standin/cosmos", json={"account": "shop-db", "region": "North Europe", "state": "Updating"}
        )
        hold = {"kind": "hold", "environment": "production", "service": "checkout", "reason": "not yet", "for": "1h"}
        held = system.call("POST", "/api/intents", json=hold).json()
        assert held["environments"] == ["production-tenants", "production-weu", "production-neu"]
        system.send(a_message("3.0.0"))
        id = "checkout--3.0.0"
        system.until_state(id, "production-tenants", "waiting for the lock")
        system.call("DELETE", f"/api/intents/{held['id']}")
        waits = stage_of(system.until_state(id, "production-tenants", "waiting for the region"), "production-tenants")
        assert waits["waits_for"] == "of shop-db northeurope is Updating"
        assert waits["ring"] == "ring 1 of 3 of production"
        assert set(system.live(id).values()) <= {"1.0.0", ""}
        system.azure("POST", "/standin/cosmos", json={"account": "shop-db", "region": "North Europe"})
        for command in ("pause", "resume"):  # wakes whoever waits, as a decision does
            system.call("POST", f"/api/promotions/{id}/commands", json={"command": command, "id": command})
        ended = system.until_ended(id)

        assert (ended["state"], ended["code"]) == ("failed", "UNHEALTHY")
        assert ended["words"].startswith("stage production-neu: neu-2: ")
        assert ended["words"].endswith("production-weu, production-tenants went back, too")
        states = {stage["name"]: stage["state"] for stage in ended["stages"]}
        assert states == {
            "production-tenants": "rolled back",
            "production-weu": "rolled back",
            "production-neu": "failed",
        }
        assert set(system.live(id).values()) == {"1.0.0"}
        (newest, *_) = system.get("/api/environments/production-weu/services/checkout")["releases"]
        assert (newest["version"], newest["state"]) == ("3.0.0", "rolled back")
        assert newest["words"].startswith("3.0.0 is taken back: ring neu failed")
