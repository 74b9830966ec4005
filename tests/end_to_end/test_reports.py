"""Code hosts are told by a consumer of the topic, on a running system: one that refuses holds nobody up."""

import time
from pathlib import Path
from typing import Any

from tests.end_to_end.system import System, a_message, start

VAULT = "https://vault.azure.net"
AZURE_DEVOPS = "499b84ac-1321-427f-aa17-267ca6975798"
STATUSES = "/azure-devops/shop/Web%20Shop/_apis/git/repositories/till/commits/c0ffee1/statuses?latestOnly=true"
ID = "till--1.1.0"


def test_a_host_that_refuses_is_told_once_its_reports_are_put_back(tmp_path: Path) -> None:
    """GitHub does not know the repository at first: the promotion passes all the same, Azure DevOps is told, and what
    GitHub was not told lies in the dead-letter queue, from where it goes back when the repository is there."""
    with start(tmp_path, Path(__file__).with_name("reported.yaml")) as laptop:
        system = System(laptop)
        system.azure("PUT", "/secrets/github-token", VAULT, json={"value": "ghs_for_all"})
        not_there = {"answer": {"status": 404, "body": {"message": "Not Found"}}, "times": 1000}
        system.azure("POST", "/standin/faults", json={"match": {"path_contains": "/github/"}, **not_there})
        system.send(a_message("1.1.0", service="till"))
        assert system.until_ended(ID)["state"] == "passed"

        lying = until(lambda: given_up(system), lambda found: any("stage.passed" in each["body"] for each in found))
        assert {each["code"] for each in lying} == {"REPORT_REFUSED"}
        assert all("GitHub, shop/till refuses (404: Not Found)" in each["reason"] for each in lying)
        (status,) = system.azure("GET", STATUSES, AZURE_DEVOPS).json()["value"]
        assert (status["state"], status["context"]["name"]) == ("succeeded", "till/dev")

        system.azure("DELETE", "/standin/faults")
        (last,) = [each for each in lying if "stage.passed" in each["body"]]
        back = system.call("POST", f"/api/rejected/{last['id']}/resubmit", json={}).json()
        assert (back["sent_to"], back["taken_away"]) == ("promotions", True)
        assert until(lambda: states(system), lambda found: "success" in found) == ["success"]
        assert last["id"] not in [each["id"] for each in given_up(system)]


def given_up(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.get("/api/rejected?source=reports&top=100")["messages"]
    return found


def states(system: System) -> list[str]:
    """Of the newest deployment."""
    root, token = "/github/repos/shop/till/deployments", {"authorization": "Bearer x"}
    url = system.laptop.azure["url"]
    deployments = system.http.get(url + root, headers=token).json()
    return [
        each["state"]
        for deployment in deployments[:1]
        for each in system.http.get(f"{url}{root}/{deployment['id']}/statuses", headers=token).json()
    ]


def until(look: Any, enough: Any, within_s: float = 30) -> Any:
    deadline = time.monotonic() + within_s
    while not enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert enough(found), found
    return found
