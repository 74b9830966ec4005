"""What the stand-in tells of its traffic: each request, the counts of a minute, and who served what share when."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from slipway.local.azure.config import People, StandinConfig, read
from slipway.local.azure.logs.served import Served
from slipway.local.azure.server import Options, Standin
from slipway.local.azure.servings import Serving, Servings
from slipway.local.azure.sites.counters import Count, Counters
from tests.azure_standin.standin import CONFIG, PEOPLE, SLOT, Arm, StandinProcess
from tests.azure_standin.test_container_apps import APP, APPS, Client
from tests.azure_standin.test_routing import SHOP, rule, set_rules

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Kept(list[Served]):
    served = list.append


def in_process(folder: Path, log: Kept, virtual_time: bool = False) -> Standin:
    (folder / "config.yaml").write_text(CONFIG + APPS)
    config = read(StandinConfig, folder / "config.yaml")
    people = read(People, PEOPLE)
    options = Options(folder / "state", config, people, rights=None, any_ports=True, virtual_time=virtual_time)
    return Standin(options, log)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def test_each_request_is_told_to_the_log_and_to_the_counters(tmp_path: Path, http: httpx.AsyncClient) -> None:
    log, began = Kept(), datetime.now(UTC)
    async with in_process(tmp_path, log) as standin:
        client = a_client(standin, tmp_path)
        for path in ("/cart?full=1", "/cart", "/healthz", "/version"):
            assert (await http.get(client.told["sites"][SHOP] + path)).status_code == 200
        assert (await http.get(client.told["sites"][f"{SHOP}(staging)"])).status_code == 503
        one, other = sorted(log, key=lambda each: each.instance)
        assert (one.role, one.version, one.path, one.status, one.success) == ("checkout", "1.0.0", "/cart", 200, True)
        assert one.instance != other.instance and began <= one.at <= datetime.now(UTC) and one.duration_ms >= 2

        minutes = {each.replace(second=0, microsecond=0) for each in (began, datetime.now(UTC))}
        live = [each for at in minutes for each in standin.counters.counts(SHOP, "production", at).values()]
        dark = [each for at in minutes for each in standin.counters.counts(SHOP, "staging", at).values()]
        assert sum(each.requests for each in live) == 4 and not any(each.http_5xx for each in live)
        assert 0 < sum(each.cpu_s for each in live) < 10
        assert [(each.requests, each.http_5xx) for each in dark] == [(1, 1)]


async def test_who_served_what_share_is_known_for_every_moment(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with in_process(tmp_path, Kept(), virtual_time=True) as standin:
        client = a_client(standin, tmp_path)
        began = datetime.now(UTC)
        moments = [began + hours * timedelta(hours=1) for hours in range(1, 4)]
        steps = (deploy_a_bad_release, lambda it: set_rules(it, rule(it, 25)), lambda it: set_rules(it))
        for moment, step in zip(moments, steps, strict=True):
            await asyncio.to_thread(put, client, moment)
            with identity_of(client):
                await asyncio.to_thread(step, client)

        def served(at: datetime) -> list[tuple[str, float, dict[str, float]]]:
            return [(each.version, each.share, each.faults) for each in standin.servings.serving_at(SHOP, at)]

        alone = [("1.0.0", 1.0, {})]
        divided = [("1.0.0", 0.75, {}), ("2.0.0-errors", 0.25, {"error_rate": 0.2})]
        assert served(began - timedelta(days=9)) == alone
        assert served(moments[0] + MINUTE) == alone, "a slot without a rule serves nobody"
        assert served(moments[1] - MINUTE) == alone
        assert served(moments[1]) == served(moments[2] - MINUTE) == divided
        assert served(moments[2]) == served(moments[2] + timedelta(days=9)) == alone
        stable, bad = standin.servings.serving_at(SHOP, moments[1])
        assert len({*stable.instances, *bad.instances}) == 4 and stable.service == "checkout"


async def test_container_apps_tell_the_same(tmp_path: Path, http: httpx.AsyncClient) -> None:
    log = Kept()
    async with in_process(tmp_path, log, virtual_time=True) as standin:
        client = a_client(standin, tmp_path)
        with identity_of(client):
            await asyncio.to_thread(Client(client).bring, "2.0.0")
            await asyncio.to_thread(lambda: Client(client).divide(v1_0_0=75, v2_0_0=25))
        for _ in range(40):
            await http.get(f"{client.told['sites'][APP]}/cart")
        serving = standin.servings.serving_at(APP, datetime.now(UTC) + MINUTE)
        assert [(each.version, each.share) for each in serving] == [("1.0.0", 0.75), ("2.0.0", 0.25)]
        assert {each.instance for each in log} <= {name for each in serving for name in each.instances}
        (minute,) = {each.at.replace(second=0, microsecond=0) for each in log}
        counted = [standin.counters.counts(APP, f"{APP}--{name}", minute) for name in ("v1-0-0", "v2-0-0")]
        assert sum(each.requests for counts in counted for each in counts.values()) == 40 == len(log)


def a_client(standin: Standin, folder: Path) -> StandinProcess:
    client = StandinProcess(folder)
    client.told = standin.ready_line()
    return client


def identity_of(client: StandinProcess) -> "patch.dict[str]":
    told = client.told
    return patch.dict(os.environ, {"IDENTITY_ENDPOINT": told["msi_endpoint"], "IDENTITY_HEADER": told["msi_header"]})


def put(client: StandinProcess, moment: datetime) -> None:
    with client.http() as http:
        assert http.post("/standin/clock", json={"now": moment.isoformat()}).status_code == 200


def deploy_a_bad_release(client: StandinProcess) -> None:
    with client.web() as web:
        assert Arm(web).deployed(SLOT, client.package("2.0.0-errors"))["status"] == "RuntimeSuccessful"


def a_serving(version: str, share: float = 1.0) -> Serving:
    return Serving("checkout", version, share, (f"{version}-0",), {})


def test_a_history_is_kept_and_tells_each_change_once() -> None:
    time = [NOON]
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    servings = Servings(database, lambda: time[0])
    assert servings.serving_at("shop", NOON) == ()
    servings.note("shop", [a_serving("1")])
    time[0] += MINUTE
    servings.note("shop", [a_serving("1")])
    time[0] += MINUTE
    servings.note("shop", [a_serving("1", 0.9), a_serving("2", 0.1)])
    servings.note("shop", [a_serving("2")])  # in the same moment: the later one counts
    servings.note("elsewhere", [a_serving("9")])
    again = Servings(database, lambda: time[0])
    assert again.serving_at("shop", NOON + MINUTE * 1.5) == (a_serving("1"),)
    assert again.serving_at("shop", NOON + MINUTE * 2) == (a_serving("2"),)
    assert database.execute("SELECT count(*) FROM servings").fetchone()[0] == 3


def test_the_counts_of_a_minute_are_by_slot_and_instance() -> None:
    counters = Counters()
    for status, cpu_s in ((200, 1.0), (500, 1.5), (404, 1.75)):
        counters.served("shop", "staging", NOON, "a", status, cpu_s)
    counters.served("shop", "staging", NOON + MINUTE, "a", 200, 0.25)  # started again: from nothing
    counters.served("shop", "staging", NOON + MINUTE, "b", 502)
    assert counters.counts("shop", "staging", NOON) == {"a": Count(3, 1, 1.75)}
    assert counters.counts("shop", "staging", NOON + MINUTE * 1.9) == {"a": Count(1, 0, 0.25), "b": Count(1, 1, 0.0)}
    assert counters.counts("shop", "production", NOON) == {} == counters.counts("shop", "staging", NOON + MINUTE * 2)


def test_counts_are_forgotten_after_two_hours() -> None:
    counters = Counters()
    for hours in (0, 1, 3):
        counters.served("shop", "production", NOON + timedelta(hours=hours), "a", 200)
    kept = [bool(counters.counts("shop", "production", NOON + timedelta(hours=each))) for each in (0, 1, 3)]
    assert kept == [False, False, True]
