"""Killed at any moment, started again with the same arguments: everything goes on, nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.azure.config import StandinConfig, read
from tests.azure_standin.standin import CONFIG, PEOPLE, SITE, SLOT, Arm, StandinProcess, running, until

SLOW = CONFIG.replace("pace: 0.1", "pace: 0.6")


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    """Each test leaves it running, whatever it went through."""
    with running(tmp_path_factory.mktemp("azure"), SLOW) as standin:
        yield standin


def test_what_was_acknowledged_is_there_after_a_kill(standin: StandinProcess) -> None:
    with standin.web() as client:
        Arm(client).deployed(SLOT, standin.package("2.0.0"))
    with standin.blobs() as blobs:
        blob = blobs.create_container("audit").get_blob_client("chain")
        blob.create_append_blob()
        blob.append_block(b"kept")
    with standin.tables() as tables:
        etag = tables.create_table("rows").create_entity({"PartitionKey": "p", "RowKey": "r", "n": 1})["etag"]
    token = standin.credential().get_token("https://management.azure.com/.default").token
    before = standin.told
    standin.kill()
    standin.start()
    assert standin.told == before  # ports, CA and identity header included
    assert standin.version_at("checkout-dev") == "1.0.0"
    assert standin.version_at("checkout-dev(staging)") == "2.0.0"
    with standin.blobs() as blobs, standin.tables() as tables, standin.http() as http:
        assert blobs.get_blob_client("audit", "chain").download_blob().readall() == b"kept"
        assert tables.get_table_client("rows").get_entity("p", "r").metadata["etag"] == etag
        answer = http.get(f"{SITE}?api-version=2025-05-01", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_no_worker_outlives_a_killed_standin(standin: StandinProcess) -> None:
    assert standin.workers()
    standin.kill()
    until(lambda: standin.workers() == [], seconds=5)
    standin.start()


def test_a_clean_stop_ends_with_0_and_takes_the_workers_along(standin: StandinProcess) -> None:
    assert standin.workers()
    assert standin.stop() == 0
    assert standin.workers() == []
    standin.start()


@pytest.mark.parametrize("status", ["BuildInProgress", "RuntimeStarting"])
def test_a_deployment_under_way_is_finished_after_a_kill(standin: StandinProcess, status: str) -> None:
    with standin.web() as client:
        arm = Arm(client)
        started = arm.deploy(SLOT, standin.package("2.0.0"))
        path = f"{SLOT}/deploymentStatus/{started.json()['properties']['deploymentId']}"
        until(lambda: arm.get(path)["properties"]["status"] == status)
        standin.kill()
        standin.start()
        assert arm.ended(SLOT, path.rpartition("/")[2])["status"] == "RuntimeSuccessful"
        assert arm.finished(started.headers["Location"]).status_code == 200
    assert standin.version_at("checkout-dev(staging)") == "2.0.0"


def test_a_swap_under_way_is_done_exactly_once_over_a_kill(standin: StandinProcess) -> None:
    with standin.web() as client:
        arm = Arm(client)
        arm.deployed(SLOT, standin.package("3.0.0"))
        before = standin.version_at("checkout-dev")
        started = arm.send("POST", f"{SLOT}/slotsswap", {"targetSlot": "production"})
        standin.kill()
        standin.start()
        assert arm.finished(started.headers["Location"]).status_code == 200
        standin.kill()
        standin.start()
        assert arm.get(SITE)["properties"]["slotSwapStatus"]["sourceSlotName"] == "staging"
    assert standin.version_at("checkout-dev") == "3.0.0"
    assert standin.version_at("checkout-dev(staging)") == before


def test_a_stopped_slot_stays_stopped(standin: StandinProcess) -> None:
    with standin.web() as client:
        client.web_apps.stop("shop", "checkout-dev")
        standin.kill()
        standin.start()
        assert standin.version_at("checkout-dev") == 403
        client.web_apps.start("shop", "checkout-dev")


def test_an_old_token_of_another_laptop_is_refused(standin: StandinProcess) -> None:
    token = standin.credential().get_token("https://management.azure.com/.default").token
    standin.stop()
    (Path(standin.told["ca"]).parent / "signing-key.pem").unlink()
    standin.start()
    with standin.http() as http:
        answer = http.get(f"{SITE}?api-version=2025-05-01", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_port_in_use_ends_the_start_with_a_clear_line(standin: StandinProcess, tmp_path: Path) -> None:
    port = int(standin.told["sites"]["checkout-dev(staging)"].rpartition(":")[2])
    process = StandinProcess(tmp_path, CONFIG.replace("18201", str(port)).replace("18101", "18103")).launch()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"port {port} of site checkout-dev(staging) is in use" in said.decode()


def test_a_config_that_cannot_be_used_ends_the_start_with_a_clear_line(tmp_path: Path) -> None:
    process = StandinProcess(tmp_path, CONFIG.replace("port: 18101", "prot: 18101")).launch()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "laptop.yaml: sites.0.port: Field required" in said.decode()


def test_the_shipped_examples_can_be_read() -> None:
    config = read(StandinConfig, PEOPLE.parent / "laptop.yaml")
    assert [site.name for site in config.sites if site.live] == [
        "checkout-dev", "checkout-test", "checkout-staging", "checkout-weu", "checkout-neu",
        "tenanthub-int", "tenanthub-neu", "tenanthub-eus", "tenanthub-weu", "tenanthub-contoso", "tenanthub-fabrikam",
    ]  # fmt: skip
