"""The disk takes no more for a while: every write hears so, nothing acknowledged is lost, and then it goes on."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from azure.core.exceptions import HttpResponseError

from tests.azure_standin.standin import SLOT, Arm, StandinProcess, until

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process's files")


@contextmanager
def full_disk(standin: StandinProcess) -> Iterator[None]:
    """No file of the stand-in grows any more."""
    assert standin.process is not None
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(standin.process.pid, resource.RLIMIT_FSIZE, (1, unlimited))
    try:
        yield
    finally:
        resource.prlimit(standin.process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def test_a_write_hears_that_the_state_cannot_be_written_and_succeeds_when_it_can(standin: StandinProcess) -> None:
    with standin.blobs() as blobs:
        blob = blobs.create_container("full").get_blob_client("chain")
        blob.create_append_blob()
        blob.append_block(b"kept;")
        with full_disk(standin):
            with pytest.raises(HttpResponseError) as refused:
                blob.append_block(b"lost;")
            assert refused.value.status_code == 503
            assert "cannot write the state" in str(refused.value.response.text())
            assert blob.download_blob().readall() == b"kept;"
        blob.append_block(b"kept too")
        assert blob.download_blob().readall() == b"kept;kept too"


def test_a_deployment_that_meets_a_full_disk_goes_on_when_there_is_space(standin: StandinProcess, arm: Arm) -> None:
    started = arm.deploy(SLOT, standin.package("2.7.0"))
    with full_disk(standin):
        until(lambda: arm.deploy(SLOT, standin.package("2.8.0")).status_code in (409, 503))
    ended = arm.ended(SLOT, started.json()["properties"]["deploymentId"])
    assert ended["status"] == "RuntimeSuccessful"
    assert standin.version_at("checkout-dev(staging)") == "2.7.0"
