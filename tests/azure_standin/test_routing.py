"""Routing rules in the stand-in: who is drawn where, what is kept, and what others hear of each request."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.azure_standin.standin import CONFIG, GROUP, SLOT, Arm, StandinProcess, running, until
from tests.plain_http import plain_client

NAME = "x-ms-routing-name"
SHOP = "checkout-dev"
MONDAY = datetime(2030, 1, 7, tzinfo=UTC)


@pytest.fixture
def divided(standin: StandinProcess, arm: Arm) -> Iterator[str]:
    """The address of a site with 2.0.0 in its slot; its rules are gone afterwards."""
    if standin.version_at(f"{SHOP}(staging)") != "2.0.0":
        arm.deployed(SLOT, standin.package("2.0.0"))
    yield standin.told["sites"][SHOP]
    set_rules(standin)


def rule(standin: StandinProcess, percent: float, name: str = "staging", slot: str = "staging") -> dict[str, Any]:
    host = standin.told["sites"][f"{SHOP}({slot})"].removeprefix("http://")
    return {"name": name, "actionHostName": host, "reroutePercentage": percent}


def set_rules(standin: StandinProcess, *rules: dict[str, Any]) -> None:
    with standin.web() as client:
        body = {"properties": {"experiments": {"rampUpRules": list(rules)}}}
        client.web_apps.update_configuration(GROUP, SHOP, body)


def rules_of(standin: StandinProcess) -> list[tuple[str | None, float | None]]:
    with standin.web() as client:
        listed = client.web_apps.get_configuration(GROUP, SHOP).experiments.ramp_up_rules
    return [(each.name, each.reroute_percentage) for each in listed]


def met(address: str, requests: int = 60, **given: Any) -> Counter[str]:
    """The versions that visitors met who keep no cookie."""
    seen: Counter[str] = Counter()
    with plain_client(base_url=address, **given) as http:
        for _ in range(requests):
            seen[http.get("/cart").headers["x-version"]] += 1
            http.cookies.clear()
    return seen


def test_rules_are_shown_as_they_were_written(standin: StandinProcess, divided: str) -> None:
    assert rules_of(standin) == []
    set_rules(standin, rule(standin, 12.5), rule(standin, 0, name="testers"))
    assert rules_of(standin) == [("staging", 12.5), ("testers", 0.0)]
    set_rules(standin)
    assert rules_of(standin) == []


def test_whoever_keeps_no_cookie_is_drawn_at_each_request(standin: StandinProcess, divided: str) -> None:
    assert met(divided) == {"1.0.0": 60}
    set_rules(standin, rule(standin, 50))
    seen = met(divided, 100)
    assert seen.total() == 100 and 20 <= seen["2.0.0"] <= 80
    set_rules(standin, rule(standin, 100))
    assert met(divided) == {"2.0.0": 60}


def test_a_browser_stays_where_it_was_drawn_until_the_rule_is_gone(standin: StandinProcess, divided: str) -> None:
    set_rules(standin, rule(standin, 50))
    with plain_client(base_url=divided) as browser:
        first = browser.get("/cart")
        assert "Max-Age=3600" in first.headers["set-cookie"]
        versions = {browser.get("/cart").headers["x-version"] for _ in range(20)}
        assert versions == {first.headers["x-version"]}
        set_rules(standin)
        assert browser.get("/cart").headers["x-version"] == "1.0.0"


def test_the_query_pins_one_request_and_its_browser(standin: StandinProcess, divided: str) -> None:
    set_rules(standin, rule(standin, 0))
    with plain_client(base_url=divided) as browser:
        assert browser.get(f"/cart?{NAME}=staging").headers["x-version"] == "2.0.0"
        assert browser.get("/cart").headers["x-version"] == "2.0.0"
        assert browser.get(f"/cart?{NAME}=self").headers["x-version"] == "1.0.0"
    set_rules(standin, rule(standin, 100))
    assert met(divided, params={NAME: "self"}) == {"1.0.0": 60}
    set_rules(standin)
    assert met(divided, params={NAME: "staging"}) == {"1.0.0": 60}, "without a rule nothing leads to the slot"


def test_a_slots_own_address_is_never_divided(standin: StandinProcess, divided: str) -> None:
    set_rules(standin, rule(standin, 100))
    answer = standin.at(f"{SHOP}(staging)", f"/cart?{NAME}=self")
    assert answer.headers["x-version"] == "2.0.0" and "set-cookie" not in answer.headers


def test_a_slots_instances_share_its_requests(standin: StandinProcess, divided: str) -> None:
    with plain_client(base_url=divided) as http:
        seen = Counter(http.get("/cart").headers["x-instance"] for _ in range(40))
    with standin.web() as client:
        named = {each.name.rpartition("/")[2] for each in client.web_apps.list_instance_identifiers(GROUP, SHOP)}
    assert set(seen) == named and len(seen) == 2 and min(seen.values()) >= 15


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"name": "staging", "actionHostName": "elsewhere.example", "reroutePercentage": 5}], "not the host name"),
        ([{"name": "staging", "actionHostName": "x", "reroutePercentage": 101}], "reroutePercentage"),
        ([{"name": "staging", "actionHostName": "x", "reroutePercentage": 1, "changeStep": 1}], "changeStep"),
        ([("a", 60.0), ("b", 60.0)], "must not exceed 100"),
        ([("a", 1.0), ("a", 1.0)], "must differ"),
    ],
)
def test_rules_that_cannot_be_are_refused(standin: StandinProcess, divided: str, rules: Any, words: str) -> None:
    set_rules(standin, rule(standin, 5))
    tried = [rule(standin, each[1], name=each[0]) if isinstance(each, tuple) else each for each in rules]
    with pytest.raises(HttpResponseError) as refused:
        set_rules(standin, *tried)
    assert refused.value.status_code == 400 and words in str(refused.value)
    assert rules_of(standin) == [("staging", 5.0)]


def test_rules_are_not_changed_during_a_swap(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG.replace("pace: 0.1", "pace: 30")) as standin:
        Arm(standin.web()).send("POST", f"{SLOT}/slotsswap", {"targetSlot": "production"})
        with pytest.raises(HttpResponseError) as refused:
            set_rules(standin, rule(standin, 5))
    assert refused.value.status_code == 409


def test_a_rule_stays_with_the_site_over_a_swap_and_turns_the_shares_round(standin: StandinProcess, arm: Arm) -> None:
    arm.deployed(SLOT, standin.package("2.0.0"))
    set_rules(standin, rule(standin, 100))
    for live, met_by_all in (("2.0.0", "1.0.0"), ("1.0.0", "2.0.0")):
        swap = arm.send("POST", f"{SLOT}/slotsswap", {"targetSlot": "production"})
        assert arm.finished(swap.headers["Location"]).status_code == 200
        assert standin.at(SHOP, f"/version?{NAME}=self").json()["version"] == live
        assert met(standin.told["sites"][SHOP], 20) == {met_by_all: 20}
    set_rules(standin)


def test_a_frozen_front_end_shows_what_it_does_not_do(standin: StandinProcess, divided: str) -> None:
    with standin.http() as http:
        assert http.post("/standin/router", json={"site": SHOP, "frozen": True}).status_code == 204
        set_rules(standin, rule(standin, 100))
        assert rules_of(standin) == [("staging", 100.0)] and met(divided, 20) == {"1.0.0": 20}
        http.post("/standin/router", json={"site": SHOP, "frozen": False})
    assert met(divided, 20) == {"2.0.0": 20}


def test_the_front_end_follows_a_rule_after_a_while(tmp_path: Path) -> None:
    slow = CONFIG.replace("router_delay_s: 0", "router_delay_s: 0.4")
    with running(tmp_path, slow) as standin:
        Arm(standin.web()).deployed(SLOT, standin.package("2.0.0"))
        began = datetime.now(UTC)
        set_rules(standin, rule(standin, 100))
        until(lambda: standin.version_at(SHOP) == "2.0.0")
        assert datetime.now(UTC) - began >= timedelta(seconds=0.4)


def test_rules_are_kept_and_in_effect_over_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as standin:
        Arm(standin.web()).deployed(SLOT, standin.package("2.0.0"))
        set_rules(standin, rule(standin, 100))
        standin.kill()
        standin.start()
        assert rules_of(standin) == [("staging", 100.0)]
        assert standin.version_at(SHOP) == "2.0.0"


def test_virtual_time_stands_where_it_was_put(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG, "--virtual-time") as standin:

        def put(moment: datetime) -> int:
            with standin.http() as http:
                return http.post("/standin/clock", json={"now": moment.isoformat()}).status_code

        assert put(MONDAY) == 200 and put(MONDAY - timedelta(seconds=1)) == 409
        standin.kill()
        standin.start("--virtual-time")
        with standin.http() as http:
            assert http.get("/standin/clock").json() == {"now": MONDAY.isoformat(), "virtual": True}
            assert http.post("/standin/clock", json={"now": "2031-01-01T00:00:00"}).status_code == 400, "of which zone?"


def test_the_machines_time_cannot_be_set(standin: StandinProcess) -> None:
    with standin.http() as http:
        assert http.post("/standin/clock", json={"now": MONDAY.isoformat()}).status_code == 409
        shown = http.get("/standin/clock").json()
    assert not shown["virtual"] and abs(datetime.fromisoformat(shown["now"]) - datetime.now(UTC)) < timedelta(seconds=5)
