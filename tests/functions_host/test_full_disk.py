"""The disk takes no more: the host ends with a word instead of staying as a ghost, and goes on when there is space."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.functions_host.processes import a_host, eventually

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process's files")


CLEANING = {"CLEANING": "0 0 3 * * *"}


def test_a_host_that_cannot_write_its_state_ends_and_says_so_and_a_new_one_goes_on(tmp_path: Path) -> None:
    host = a_host("patterns", tmp_path, CLEANING)
    host.start()
    try:
        taken = [_started(host.ready["url"])]
        room = (len(host.log) + 16_384, resource.RLIM_INFINITY)
        resource.prlimit(host.pid, resource.RLIMIT_FSIZE, room)
        with pytest.raises((httpx.TransportError, AssertionError)):
            while True:
                taken.append(_started(host.ready["url"]))
        assert host.ended()[0] == 1
        assert "cannot write the state: " in host.log
        host.start()
        eventually(lambda: set(taken) <= _completed(tmp_path / "state.sqlite"))
    finally:
        host.end()


def _started(url: str) -> str:
    answer = plain_http.post(f"{url}/api/start/stocktaking", json=3)
    assert answer.status_code == 202
    return str(answer.json()["statusQueryGetUri"].partition("?")[0].rpartition("/")[2])


def _completed(state: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as database:
        return {row[0] for row in database.execute("SELECT id FROM instances WHERE status = 'Completed'")}
