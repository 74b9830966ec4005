from pathlib import Path

from tests.end_to_end.system import System, a_message, stage_of, start

KILLED_AT = [
    ("test", "deploying"),
    ("test", "rolling out"),
    ("test", "baking"),
    ("production", "waiting for approval"),
    ("production", "rolling out"),
]


def test_a_host_killed_at_five_points_of_a_promotion_changes_nothing(tmp_path: Path) -> None:
    id = "checkout--4.0.0"
    with start(tmp_path) as laptop:
        system = System(laptop)
        system.send(a_message("4.0.0"))
        for stage, state in KILLED_AT:
            system.until_state(id, stage, state)
            laptop.kill_host()
            laptop.start_host()
            if state == "waiting for approval":
                system.until_state(id, stage, state)
                assert system.approve(id).status_code in (200, 202)
        ended = system.until_ended(id)
        assert ended["state"] == "passed", ended["words"]
        assert system.live(id) == {"checkout-test": "4.0.0", "weu": "4.0.0", "neu": "4.0.0"}
        for site in ("checkout-test", "checkout-weu", "checkout-neu"):
            assert len(system.deployments(site)) == 1, f"{site} was deployed to once"
        assert all(stage_of(ended, name)["state"] == "passed" for name in ("test", "production"))
        for environment in system.get("/api/environments")["environments"]:
            service = environment["services"][0]
            assert (service["on_its_way"], service["waiting"], service["broken"]) == (None, [], None)
        assert system.get(f"/api/promotions/{id}/audit")["intact"] is True
