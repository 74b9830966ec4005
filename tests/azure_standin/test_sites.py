"""App Service: deploy to a slot, swap it live, and everything that can go wrong on the way."""

import io
import json
import os
import signal
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from tests.azure_standin.standin import CONFIG, GROUP, SITE, SLOT, Arm, StandinProcess, running, until
from tests.plain_http import plain_client

NEW_SLOT = SLOT.replace("checkout-dev", "checkout-new")
NEW_SITE = SITE.replace("checkout-dev", "checkout-new")


@pytest.fixture
def slot(standin: StandinProcess, arm: Arm) -> Iterator[str]:
    """The slot with a healthy release in it, and nothing under way."""
    assert arm.deployed(SLOT, standin.package("2.0.0"))["status"] == "RuntimeSuccessful"
    yield SLOT


def upload(standin: StandinProcess, version: str, faults: dict[str, object]) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        release = {"service": "checkout", "version": version, "faults": faults}
        archive.writestr("release.json", json.dumps(release))
    with standin.http() as http:
        assert http.put(f"/artifacts/checkout/{version}.zip", content=package.getvalue()).status_code == 201


def swap(arm: Arm, slot: str = SLOT) -> str:
    started = arm.send("POST", f"{slot}/slotsswap", {"targetSlot": "production", "preserveVnet": True})
    assert started.status_code == 202, started.text()
    return str(started.headers["Location"])


def test_a_site_serves_its_live_release_from_the_start(standin: StandinProcess) -> None:
    assert standin.at("checkout-dev").json() == {"service": "checkout", "version": "1.0.0"}
    assert standin.at("checkout-dev").text.endswith("}\n"), "a shell's prompt begins on a line of its own"
    assert standin.at("checkout-dev", "/healthz").json() == {"status": "ok", "version": "1.0.0"}
    traffic = standin.at("checkout-dev", "/cart/7?full=1")
    assert traffic.status_code == 200 and traffic.headers["x-version"] == "1.0.0"


def test_traffic_of_every_shape_reaches_the_app(standin: StandinProcess) -> None:
    with plain_client(base_url=standin.told["sites"]["checkout-dev"]) as http:
        answers = [
            http.post("/cart", content=b"x" * 200_000),
            http.post("/cart", content=(b"chunk" for _ in range(3))),
            http.put("/cart", content=b"x", headers={"Expect": "100-continue"}),
            http.head("/cart"),
            http.get("/healthz"),
        ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert answers[3].content == b"" and answers[4].json()["status"] == "ok"


def test_a_slot_without_a_release_answers_503(standin: StandinProcess) -> None:
    assert standin.at("checkout-new(staging)").status_code == 503


def test_a_site_shows_where_it_is_and_how_it_is(standin: StandinProcess) -> None:
    with standin.web() as client:
        site = client.web_apps.get(GROUP, "checkout-dev")
        slots = list(client.web_apps.list_slots(GROUP, "checkout-dev"))
        slot = client.web_apps.get_slot(GROUP, "checkout-dev", "staging")
        config = client.web_apps.get_configuration(GROUP, "checkout-dev")
        instances = list(client.web_apps.list_instance_identifiers(GROUP, "checkout-dev"))
    assert f"http://{site.default_host_name}" == standin.told["sites"]["checkout-dev"]
    assert site.state == "Running" and site.enabled_host_names == [site.default_host_name]
    assert site.in_progress_operation_id is None
    assert [each.name for each in slots] == ["checkout-dev/staging"]
    assert slot.id == SLOT and slot.type == "Microsoft.Web/sites/slots"
    assert config.health_check_path == "/healthz" and len(instances) == 2


def test_a_deployment_brings_the_release_into_the_slot_only(standin: StandinProcess, arm: Arm) -> None:
    started = arm.deploy(SLOT, standin.package("1.1.0"), tag="checkout--1.1.0")
    assert started.status_code == 202
    assert started.json()["properties"]["provisioningState"] == "InProgress"
    assert arm.get(SLOT)["properties"]["inProgressOperationId"]
    deployment = started.json()["properties"]["deploymentId"]
    assert arm.ended(SLOT, deployment)["status"] == "RuntimeSuccessful"
    assert arm.get(started.headers["Azure-AsyncOperation"])["status"] == "Succeeded"
    assert arm.finished(started.headers["Location"]).json()["properties"]["provisioningState"] == "Succeeded"
    assert standin.version_at("checkout-dev(staging)") == "1.1.0"
    assert standin.version_at("checkout-dev") == "1.0.0"


def test_deployments_are_found_again_by_their_tag(standin: StandinProcess, arm: Arm) -> None:
    started = arm.deploy(SLOT, standin.package("1.2.0"), tag="checkout--1.2.0")
    arm.ended(SLOT, started.json()["properties"]["deploymentId"])
    with standin.web() as client:
        newest = next(iter(client.web_apps.list_deployments_slot(GROUP, "checkout-dev", "staging")))
        same = client.web_apps.get_deployment_slot(GROUP, "checkout-dev", newest.id.rpartition("/")[2], "staging")
    assert newest.message == "checkout--1.2.0" == same.message
    assert newest.status == 4 and newest.active and newest.end_time is not None


def test_a_deployment_to_production_is_possible_without_a_slot(standin: StandinProcess, arm: Arm) -> None:
    assert arm.deployed(NEW_SITE, standin.package("0.9.0"))["status"] == "RuntimeSuccessful"
    assert standin.version_at("checkout-new") == "0.9.0"


def test_a_swap_exchanges_the_two_sides(standin: StandinProcess, arm: Arm, slot: str) -> None:
    before = standin.version_at("checkout-dev")
    assert arm.finished(swap(arm, slot)).status_code == 200
    assert standin.version_at("checkout-dev") == "2.0.0"
    assert standin.version_at("checkout-dev(staging)") == before
    for side in (SITE, slot):
        seen = arm.get(side)["properties"]
        assert seen["inProgressOperationId"] is None
        assert seen["slotSwapStatus"]["sourceSlotName"] == "staging"
        assert seen["slotSwapStatus"]["destinationSlotName"] == "production"


def test_a_swap_under_way_is_said_by_both_its_sides(tmp_path: Path) -> None:
    slow = CONFIG.replace("pace: 0.1", "pace: 30")
    with running(tmp_path, slow) as standin, standin.web() as client:
        arm = Arm(client)
        location = swap(arm)
        assert arm.send("GET", location).status_code == 202
        started = [arm.get(side)["properties"]["inProgressOperationId"] for side in (SITE, SLOT)]
        assert started[0] and started[0] == started[1]


def test_the_sdk_starts_a_swap_and_its_poller_ends_with_it(standin: StandinProcess, slot: str) -> None:
    seen: list[tuple[int, str]] = []
    entity = {"targetSlot": "production", "preserveVnet": True}
    with standin.web() as client:
        client.web_apps.begin_swap_slot(
            GROUP,
            "checkout-dev",
            "staging",
            entity,
            polling=False,
            retry_total=0,
            raw_response_hook=lambda r: seen.append((r.http_response.status_code, r.http_response.headers["Location"])),
        )
        assert seen[0][0] == 202 and seen[0][1].startswith(standin.url)
        until(lambda: Arm(client).send("GET", seen[0][1]).status_code == 200)
        assert standin.version_at("checkout-dev") == "2.0.0"
        client.web_apps.begin_swap_slot(GROUP, "checkout-dev", "staging", entity).result()
    assert standin.version_at("checkout-dev(staging)") == "2.0.0"


def test_a_swap_drops_no_request(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(SLOT, standin.package("2.5.0"))
    answers: list[tuple[int, str]] = []
    over = threading.Event()

    def shop() -> None:
        with plain_client(base_url=standin.told["sites"]["checkout-dev"]) as http:
            while not over.is_set():
                answer = http.get("/cart")
                answers.append((answer.status_code, answer.headers["x-version"]))

    shoppers = [threading.Thread(target=shop) for _ in range(3)]
    for shopper in shoppers:
        shopper.start()
    until(lambda: len(answers) > 20)
    assert arm.finished(swap(arm)).status_code == 200
    swapped = len(answers)
    until(lambda: len(answers) > swapped + 20)
    over.set()
    for shopper in shoppers:
        shopper.join()
    assert {status for status, _ in answers} == {200}
    assert answers[-1][1] == "2.5.0" and len({version for _, version in answers}) == 2


def test_a_new_deployment_lets_running_requests_end(standin: StandinProcess, arm: Arm) -> None:
    assert arm.deployed(SLOT, standin.package("3.0.0-slow"))["status"] == "RuntimeSuccessful"
    answers: list[int] = []
    over = threading.Event()

    def shop() -> None:
        while not over.is_set():
            answers.append(standin.at("checkout-dev(staging)", "/cart").status_code)

    shopper = threading.Thread(target=shop)
    shopper.start()
    arm.deployed(SLOT, standin.package("3.0.1"))
    over.set()
    shopper.join()
    assert set(answers) == {200}
    assert standin.version_at("checkout-dev(staging)") == "3.0.1"


def test_a_second_write_is_refused_while_one_is_under_way(standin: StandinProcess, arm: Arm, slot: str) -> None:
    started = arm.deploy(slot, standin.package("2.1.0"))
    refused = [
        arm.deploy(slot, standin.package("2.2.0")),
        arm.send("POST", f"{slot}/slotsswap", {"targetSlot": "production"}),
        arm.send("POST", f"{slot}/stop"),
    ]
    arm.ended(slot, started.json()["properties"]["deploymentId"])
    for answer in refused:
        assert answer.status_code == 409
        # App Service's own shape: not under `error`.
        assert answer.json()["Code"] == "Conflict"
        assert "another operation is in progress" in answer.json()["Message"]
    with standin.web() as client:
        client.web_apps.begin_swap_slot(GROUP, "checkout-dev", "staging", {"targetSlot": "production"}, polling=False)
        with pytest.raises(ResourceExistsError):
            client.web_apps.begin_swap_slot(
                GROUP, "checkout-dev", "staging", {"targetSlot": "production"}, polling=False, retry_total=0
            )
    until(lambda: arm.get(SITE)["properties"]["inProgressOperationId"] is None)


def test_a_release_that_crashes_on_start_fails_with_its_log(standin: StandinProcess, arm: Arm) -> None:
    ended = arm.deployed(SLOT, standin.package("2.3.0-crash"))
    assert ended["status"] == "RuntimeFailed" and ended["numberOfInstancesFailed"] == 2
    assert "DATABASE_URL is missing" in ended["errors"][0]["message"]
    assert "DATABASE_URL is missing" in arm.send("GET", ended["failedInstancesLogs"][0]).text()
    assert standin.at("checkout-dev(staging)").status_code == 503


def test_a_crashed_release_cannot_be_swapped_into_production(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(SLOT, standin.package("2.3.1-crash"))
    before = standin.version_at("checkout-dev")
    answer = arm.finished(swap(arm))
    assert answer.status_code == 409
    assert "'staging' slot did not respond to http ping" in answer.json()["Message"]
    assert standin.version_at("checkout-dev") == before


def test_a_release_that_went_down_in_production_can_be_swapped_out(
    standin: StandinProcess, arm: Arm, slot: str
) -> None:
    """Only the side that is to go live is warmed up."""
    assert arm.finished(swap(arm)).status_code == 200
    arm.deployed(SLOT, standin.package("2.5.0"))
    assert arm.finished(swap(arm)).status_code == 200
    standin.crash("2.5.0")
    until(lambda: standin.version_at("checkout-dev") == 503)
    assert arm.finished(swap(arm)).status_code == 200
    assert standin.version_at("checkout-dev") == "2.0.0"


def test_a_package_that_is_not_there_leaves_the_slot_as_it_was(standin: StandinProcess, arm: Arm, slot: str) -> None:
    for address in (
        f"{standin.url}/nowhere.zip",
        f"{standin.url}/artifacts/checkout/%20.zip",
        "http://127.0.0.1:9/x.zip",
    ):
        ended = arm.deployed(slot, address)
        assert ended["status"] == "BuildFailed"
        assert "could not be downloaded" in ended["errors"][0]["message"]
    assert standin.version_at("checkout-dev(staging)") == "2.0.0"


def test_the_first_release_of_a_site_can_be_swapped_live(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(NEW_SLOT, standin.package("1.0.0"))
    assert arm.finished(swap(arm, NEW_SLOT)).status_code == 200
    assert standin.version_at("checkout-new") == "1.0.0"


def test_a_stopped_slot_answers_403_until_it_is_started(standin: StandinProcess, slot: str) -> None:
    with standin.web() as client:
        client.web_apps.stop_slot(GROUP, "checkout-dev", "staging")
        assert client.web_apps.get_slot(GROUP, "checkout-dev", "staging").state == "Stopped"
        stopped = standin.at("checkout-dev(staging)")
        assert stopped.status_code == 403 and "This web app is stopped" in stopped.text
        client.web_apps.start_slot(GROUP, "checkout-dev", "staging")
    assert standin.version_at("checkout-dev(staging)") == "2.0.0"


def test_what_a_build_is_named_for_is_how_it_behaves(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(SLOT, standin.package("4.0.0-errors"))
    with plain_client(base_url=standin.told["sites"]["checkout-dev(staging)"]) as http:
        statuses = [http.get("/cart").status_code for _ in range(150)]
        assert http.get("/healthz").status_code == http.get("/version").status_code == 200
    assert 10 <= statuses.count(500) <= 55 and set(statuses) == {200, 500}
    arm.deployed(SLOT, standin.package("4.0.0-slow"))
    assert standin.at("checkout-dev(staging)", "/cart").elapsed.total_seconds() >= 0.4


def test_a_release_can_fall_sick_after_it_started_well(standin: StandinProcess, arm: Arm) -> None:
    upload(standin, "4.1.0", {"unhealthy_after_s": 1})
    arm.deployed(SLOT, standin.package("4.1.0"))
    assert standin.at("checkout-dev(staging)", "/healthz").json() == {"status": "ok", "version": "4.1.0"}
    until(lambda: standin.at("checkout-dev(staging)", "/healthz").status_code == 503)
    assert standin.at("checkout-dev(staging)", "/version").status_code == 200


def test_a_worker_that_dies_is_started_again(standin: StandinProcess) -> None:
    version = standin.version_at("checkout-dev")
    workers = standin.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(standin.workers()) - set(workers)) == len(workers))
    until(lambda: standin.version_at("checkout-dev") == version)


def test_what_does_not_exist_is_not_found(standin: StandinProcess, arm: Arm) -> None:
    with standin.web() as client:
        with pytest.raises(ResourceNotFoundError) as missing:
            client.web_apps.get(GROUP, "checkout-mars")
        assert missing.value.error is not None and missing.value.error.code == "ResourceNotFound"
        with pytest.raises(ResourceNotFoundError):
            client.web_apps.get("other-group", "checkout-dev")
        with pytest.raises(ResourceNotFoundError):
            client.web_apps.get_slot(GROUP, "checkout-dev", "canary")
    assert arm.send("GET", f"{SLOT}/deploymentStatus/none").status_code == 404


def test_what_the_standin_cannot_do_it_names(standin: StandinProcess, arm: Arm) -> None:
    with standin.web() as client, pytest.raises(HttpResponseError) as refused:
        client.web_apps.list_application_settings(GROUP, "checkout-dev")
    assert refused.value.status_code == 501
    assert "config/appsettings/list" in str(refused.value)
    odd = {"properties": {"packageUri": standin.package("1.0.0"), "type": "war"}}
    assert "type=war" in arm.send("PUT", f"{SLOT}/extensions/onedeploy", odd).json()["error"]["message"]
    assert arm.send("PUT", f"{SLOT}/extensions/onedeploy", {"properties": {}}).status_code == 400


def test_in_virtual_time_an_operation_is_over_when_it_has_been_asked_for_three_times(tmp_path: Path) -> None:
    """However slow the machine, and however fast: between two looks hours may have passed for whoever asks."""
    with running(tmp_path, CONFIG, "--virtual-time") as standin:
        arm = Arm(standin.web())
        deployment = arm.deploy(SLOT, standin.package("3.0.0")).json()["properties"]["deploymentId"]
        looks = [arm.get(f"{SLOT}/deploymentStatus/{deployment}")["properties"]["status"] for _ in range(3)]
        assert [look == "RuntimeSuccessful" for look in looks] == [False, False, True]
        location = swap(arm)
        looks = [arm.send("GET", location).status_code for _ in range(3)]
        assert looks == [202, 202, 200]
        assert standin.at("checkout-dev").json()["version"] == "3.0.0"


def test_in_virtual_time_what_is_stamped_bears_that_time_and_a_life_lived_again_has_the_same_names(
    tmp_path: Path,
) -> None:
    start = "2026-01-05T09:00:00"
    lives = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        with running(tmp_path / name, CONFIG, "--virtual-time", start) as standin:
            arm = Arm(standin.web())
            arm.deployed(SLOT, standin.package("3.0.0"))
            with standin.http() as http:
                http.post("/standin/clock", json={"now": f"{start[:-5]}30:00Z"}).raise_for_status()
            arm.finished(swap(arm))
            [made] = arm.get(f"{SLOT}/deployments")["value"]
            swapped = arm.get(SITE)["properties"]["slotSwapStatus"]["timestampUtc"]
            instances = [each["name"] for each in arm.get(f"{SITE}/instances")["value"]]
            lives.append((made["properties"]["start_time"], made["properties"]["end_time"], swapped, instances))
    assert lives[0] == lives[1]
    assert [moment[:16] for moment in lives[0][:3]] == ["2026-01-05T09:00", "2026-01-05T09:00", "2026-01-05T09:30"]
