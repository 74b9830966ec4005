"""Feature flags over HTTP: the registry, what is stale, and the kill switch."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.adapters.alerts import await_alerts
from slipway.promotion.approval import Vote
from slipway.promotion.flags.plan import place_of
from slipway.settings import settings
from tests.adapters.flag_store import FlagStore, targeting
from tests.app_host import AppHost, a_principal, ask_people, eventually, has_ended
from tests.laptop import AzureStandin
from tests.promotion.builders import ALICE as ALICE_HERSELF
from tests.promotion.builders import a_policy
from tests.promotion.pipeline_texts import a_pipeline, a_stage
from tests.triggers.conftest import ALICE, audited

pytestmark = pytest.mark.usefixtures("configured")

READER = a_principal("Rita Reader", "00000000-0000-4000-8000-00000000d1d1", ("reader",))


@pytest.fixture
def store(azure: AzureStandin) -> FlagStore:
    return FlagStore(azure)


@pytest.fixture
def flag() -> str:
    return f"new-search-{secrets.token_hex(4)}"


def shown(app: AppHost, path: str, name: str) -> list[dict[str, object]]:
    return [each for each in app.http("GET", path, READER).json["flags"] if each["name"] == name]


def test_a_flag_is_listed_with_who_answers_for_it(app: AppHost, store: FlagStore, flag: str) -> None:
    store.put(flag, targeting(flag, 25), tags={"owner": "team-search", "expires": "2099-01-31"})
    (found,) = shown(app, "/api/flags", flag)
    assert (found["share"], found["owner"], found["expires"]) == (0.25, "team-search", "2099-01-31")
    assert found["stale"] == ["no pipeline knows it"]


def test_what_nobody_answers_for_or_needs_is_stale(app: AppHost, store: FlagStore, flag: str) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    store.put(flag, targeting(flag, 25), tags={"expires": yesterday})
    (found,) = shown(app, "/api/flags/stale", flag)
    assert found["stale"] == [f"expired on {yesterday}", "has no owner", "no pipeline knows it"]


def test_an_operator_switches_a_flag_off_for_everybody_and_it_is_on_record(
    app: AppHost, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 50, Users=["alice"]), tags={"owner": "team-search"})
    reply = app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": "orders are lost"})
    assert reply.status == 200, reply
    assert reply.json["took_ms"] < 1000
    assert reply.json["flag"]["share"] == 0 and reply.json["flag"]["off"].endswith("orders are lost")
    assert store.read(flag).document["enabled"] is False and store.read(flag).tags["owner"] == "team-search"
    assert audited(f"flag-{flag}") == [("flag.off", "")]
    again = app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": "to be sure"})
    assert again.status == 200
    lifted = app.http("DELETE", f"/api/flags/{flag}/off", ALICE)
    assert lifted.status == 200 and lifted.json["flag"]["off"] == "" and lifted.json["flag"]["share"] == 0
    assert app.http("DELETE", f"/api/flags/{flag}/off", ALICE).problem == (409, "FLAG_NOT_OFF")


def test_whoever_only_reads_switches_nothing_off(app: AppHost, store: FlagStore, flag: str) -> None:
    store.put(flag, targeting(flag, 50))
    assert app.http("POST", f"/api/flags/{flag}/off", READER, {"reason": "x"}).problem == (403, "FORBIDDEN")
    assert store.read(flag).share == 0.5


def test_a_flag_of_two_labels_is_asked_about(app: AppHost, store: FlagStore, flag: str) -> None:
    for label in ("staging", "production"):
        store.put(flag, targeting(flag, 50), label=label)
    path, said = f"/api/flags/{flag}/off", {"reason": "it hurts"}
    assert app.http("POST", path, ALICE, said).problem == (409, "FLAG_AMBIGUOUS")
    assert app.http("POST", path, ALICE, {**said, "label": "staging"}).status == 200
    assert (store.read(flag, "staging").share, store.read(flag).share) == (0, 0.5)
    assert app.http("POST", path, ALICE, {**said, "label": "dev"}).problem == (404, "UNKNOWN_FLAG")
    assert app.http("POST", "/api/flags/no-such/off", ALICE, said).problem == (404, "UNKNOWN_FLAG")


def test_a_store_that_is_away_is_said(app: AppHost, azure: AzureStandin) -> None:
    azure.fault("GET", "/kv", answer={"status": 503})
    assert app.http("GET", "/api/flags", READER).problem == (503, "AZURE_UNAVAILABLE")


@pytest.mark.parametrize("status", [429, 503])
def test_the_kill_switch_insists_where_the_store_is_away_for_a_moment(
    app: AppHost, azure: AzureStandin, store: FlagStore, flag: str, status: int
) -> None:
    store.put(flag, targeting(flag, 50))
    azure.fault("PUT", "featureflag", answer={"status": status}, times=2)
    azure.fault("GET", "/kv", answer={"status": status})
    assert app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": "orders are lost"}).status == 200
    assert store.read(flag).document["enabled"] is False


def test_the_kill_switch_says_soon_that_the_store_stays_away(
    app: AppHost, azure: AzureStandin, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 50))
    azure.fault("PUT", "featureflag", answer={"status": 503}, times=4)
    said = {"reason": "orders are lost", "label": "production"}
    assert app.http("POST", f"/api/flags/{flag}/off", ALICE, said).problem == (503, "AZURE_UNAVAILABLE")


def test_a_flag_that_is_locked_in_the_store_is_a_conflict(app: AppHost, store: FlagStore, flag: str) -> None:
    store.put(flag, targeting(flag, 50), locked=True)
    reply = app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": "orders are lost"})
    assert reply.problem == (409, "FLAG_LOCKED")


@pytest.mark.parametrize("reason", ["", "   ", "one\ntwo", "\u2003"])
def test_a_reason_says_something_in_one_line(app: AppHost, store: FlagStore, flag: str, reason: str) -> None:
    store.put(flag, targeting(flag, 50))
    reply = app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": reason})
    assert reply.problem == (422, "INVALID_BODY") and store.read(flag).share == 0.5


def test_a_word_that_nobody_said_is_not_on_record_as_lifted(app: AppHost, store: FlagStore, flag: str) -> None:
    store.put(flag, targeting(flag, 50))
    assert app.http("DELETE", f"/api/flags/{flag}/off", ALICE).problem == (409, "FLAG_NOT_OFF")
    assert audited(f"flag-{flag}") == []


def test_a_flag_that_a_stage_switches_is_one_that_its_pipeline_knows(
    app: AppHost, store: FlagStore, flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(flag, targeting(flag, 50), tags={"owner": "team-shop", "expires": "2099-01-31"})
    text = a_pipeline(a_stage("production", f"    flags: [{{name: {flag}, label: production}}]\n"))
    (tmp_path / "shop.yaml").write_text(text)
    monkeypatch.setenv("SLIPWAY_PIPELINES", str(tmp_path))
    settings.cache_clear()
    (found,) = shown(app, "/api/flags", flag)
    assert (found["services"], found["stale"]) == (["shop"], [])


def test_the_kill_switch_wakes_the_flags_ramp(app: AppHost, store: FlagStore, flag: str) -> None:
    """An approval stands for a ramp: given already, it ends when something wakes it, else in a quarter of an hour."""
    store.put(flag, targeting(flag, 50))
    promotion = f"woken--{flag}"
    waiter = f"{promotion}:dev:approval:1"
    ask_people(app, waiter, promotion, "dev", a_policy(not_author=False))
    vote = Vote(ALICE_HERSELF, "approve", datetime.now(UTC), None).dump()
    app.signal("decisions", promotion, "vote", {"command": "c1", "stage": "dev", "vote": vote})
    await_alerts(place_of("production", flag), waiter)
    assert not has_ended(app, waiter)
    assert app.http("POST", f"/api/flags/{flag}/off", ALICE, {"reason": "orders are lost"}).status == 200
    eventually(lambda: has_ended(app, waiter))
