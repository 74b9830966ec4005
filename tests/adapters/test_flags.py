"""Flags through the real SDK: one conditional write a change, and nobody else's word written over."""

import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.flags.router import FlagRouter
from slipway.adapters.flags.store import Flags
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.document import Document, FlagTesters, is_on_for
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from tests.adapters.flag_store import FlagStore, targeting, variants
from tests.laptop import AzureStandin
from tests.patience import wait_a_little

LABEL = "production"
NOTE = Note("team-checkout", "2027-03-01", "checkout")
ALICE = FlagTesters(("alice@example.com",), ("testers",))
Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]


@pytest.fixture
def store(azure: AzureStandin) -> FlagStore:
    return FlagStore(azure)


@pytest.fixture
def flag() -> str:
    """A name that no other test has."""
    return f"new-checkout-{secrets.token_hex(4)}"


@pytest.fixture
def router(azure: AzureStandin) -> FlagRouter:
    return FlagRouter(azure.settings)


@pytest.fixture
def switch(azure: AzureStandin) -> Switch:
    return Switch(Flags(azure.settings))


def target(name: str) -> Target:
    return Target(name, "app-configuration-flag", f"flag/checkout/production/{name}", LABEL)


def give(router: FlagRouter, name: str, share: float, operation: str) -> Answer:
    answer = router.start_split(target(name), "2.0.0", share, operation, resuming=False)
    while answer.running:
        answer = router.poll_split(target(name), answer.handle, "2.0.0", share)
    return answer


@pytest.mark.parametrize("made", [targeting, variants])
def test_a_share_is_one_write_and_all_else_of_the_flag_stays_as_it_was(
    store: FlagStore, router: FlagRouter, switch: Switch, flag: str, made: Callable[[str], Document]
) -> None:
    store.put(flag, made(flag), tags={"team": "payments"}, description="of the setting itself")
    before = made(flag)
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    assert give(router, flag, 0.25, "op-1").result == {"share": 0.25, "others": []}
    after = store.read(flag)
    assert after.share == 0.25
    untouched = ("id", "description", "telemetry", "x-own", "variants")
    assert {key: after.document.get(key) for key in untouched} == {key: before.get(key) for key in untouched}
    assert set(after.document) == set(before)
    assert after.description == "of the setting itself"
    assert after.tags["team"] == "payments" and after.tags["owner"] == "team-checkout"
    assert after.tags["expires"] == "2027-03-01"


@pytest.mark.parametrize("made", [targeting, variants])
def test_a_growing_share_keeps_everybody_who_has_the_flag(made: Callable[[str, float], Document]) -> None:
    users = [f"user-{number}" for number in range(2000)]
    few, more = ([user for user in users if is_on_for(made("new", percent), user)] for percent in (5, 25))
    assert set(few) < set(more)
    assert 60 < len(few) < 140 and 420 < len(more) < 580


def test_a_release_goes_dark_and_testers_alone_have_the_flag(store: FlagStore, switch: Switch, flag: str) -> None:
    found = switch.prepare(flag, LABEL, ALICE, NOTE, "op")
    assert found.created and found.share == 0
    document = store.read(flag).document
    assert is_on_for(document, "alice@example.com") and is_on_for(document, "bob", ("testers",))
    assert not any(is_on_for(document, f"user-{number}") for number in range(200))
    assert switch.without(flag, LABEL, ALICE.users, ALICE.groups) == []


def test_a_tester_who_is_excluded_is_named(store: FlagStore, switch: Switch, flag: str) -> None:
    store.put(flag, targeting(flag, Exclusion={"Users": ["alice@example.com"], "Groups": []}))
    switch.prepare(flag, LABEL, ALICE, NOTE, "op")
    assert switch.without(flag, LABEL, ALICE.users, ALICE.groups) == ["alice@example.com"]


def test_a_flag_that_everybody_has_stays_on(store: FlagStore, switch: Switch, flag: str) -> None:
    store.put(flag, targeting(flag, 100))
    before = store.read(flag)
    assert switch.prepare(flag, LABEL, ALICE, NOTE, "op").share == 1
    assert store.read(flag).etag == before.etag


def test_a_flag_that_somebody_gave_to_some_is_left_to_them(store: FlagStore, switch: Switch, flag: str) -> None:
    store.put(flag, targeting(flag, 30))
    with pytest.raises(SlipwayError, match="FLAG_IN_USE"):
        switch.prepare(flag, LABEL, ALICE, NOTE, "op")
    assert store.read(flag).share == 0.3


def test_somebody_elses_change_in_mid_ramp_is_named_and_not_written_over(
    store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    give(router, flag, 0.05, "op-1")
    changed = store.read(flag).document
    changed["conditions"]["client_filters"][0]["parameters"]["Audience"]["DefaultRolloutPercentage"] = 60
    store.put(flag, changed)
    answer = give(router, flag, 0.25, "op-2")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "FLAG_CHANGED")
    assert "60.0% of the users" in answer.words
    assert store.read(flag).share == 0.6
    assert router.watch(target(flag))[:2] == (0.6, "FLAG_CHANGED")
    assert give(router, flag, 0.0, "op-3").outcome == Outcome.PASSED, "but it can always be switched off"
    assert store.read(flag).share == 0


def test_a_change_between_the_look_and_the_write_is_somebody_elses_too(
    azure: AzureStandin, store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    give(router, flag, 0.05, "op-1")
    read = router._flags.read

    def read_and_be_overtaken(name: str, label: str) -> object:
        router._flags.read = read  # type: ignore[method-assign]
        found = read(name, label)
        store.put(name, targeting(name, 77))
        return found

    router._flags.read = read_and_be_overtaken  # type: ignore[assignment, method-assign]
    assert give(router, flag, 0.25, "op-2").code == "FLAG_CHANGED"
    assert store.read(flag).share == 0.77


def test_a_write_whose_answer_was_lost_is_known_again(
    azure: AzureStandin, store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    azure.fault("PUT", "featureflag", drop="after")
    answer = router.start_split(target(flag), "2.0.0", 0.25, "op-1", resuming=False)
    assert answer.running and answer.code == "AZURE_UNKNOWN"
    etag = store.read(flag).etag
    answer = router.poll_split(target(flag), answer.handle, "2.0.0", 0.25)
    assert answer.outcome == Outcome.PASSED and store.read(flag).etag == etag


def test_a_flag_that_was_deleted_is_gone_and_nobody_has_it(
    store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    store.delete(flag)
    assert give(router, flag, 0.25, "op-1").code == "FLAG_GONE"
    assert router.watch(target(flag))[:2] == (0.0, "FLAG_GONE")
    assert give(router, flag, 0.0, "op-2").outcome == Outcome.PASSED


def test_a_throttled_store_is_asked_again_when_it_says(
    azure: AzureStandin, store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, FlagTesters(), NOTE, "op-0")
    azure.fault("PUT", "featureflag", answer={"status": 429, "headers": {"retry-after-ms": "7000"}})
    answer = router.start_split(target(flag), "2.0.0", 0.25, "op-1", resuming=False)
    assert answer.running and answer.after_s == 7.0
    wait_a_little(answer, 0.05)
    assert router.poll_split(target(flag), answer.handle, "2.0.0", 0.25).outcome == Outcome.PASSED


def test_a_store_that_is_away_is_asked_again(azure: AzureStandin, router: FlagRouter, flag: str) -> None:
    azure.fault(None, "featureflag", answer={"status": 503})
    assert router.start_split(target(flag), "2.0.0", 0.25, "op-1", resuming=False).running


def test_a_refusal_names_the_role(azure: AzureStandin, router: FlagRouter, flag: str) -> None:
    azure.fault(None, "featureflag", answer={"status": 403})
    answer = router.start_split(target(flag), "2.0.0", 0.25, "op-1", resuming=False)
    assert (
        answer.code == "ROUTER_REFUSED"
        and "Microsoft.AppConfiguration/configurationStores/keyValues/read" in answer.words
    )


def percentage(name: str) -> Document:
    return {"id": name, "enabled": True, "conditions": {"client_filters": [{"name": "Microsoft.Percentage"}]}}


def by_time(name: str) -> Document:
    return {"id": name, "enabled": True, "conditions": {"client_filters": [{"name": "Microsoft.TimeWindow"}]}}


def three(name: str) -> Document:
    document = variants(name)
    document["variants"].append({"name": "third"})
    document["allocation"]["percentile"].append({"variant": "third", "from": 50, "to": 100})
    return document


@pytest.mark.parametrize(
    ("made", "code"), [(percentage, "FLAG_NOT_STICKY"), (by_time, "FLAG_SHAPE_UNKNOWN"), (three, "FLAG_SHAPE_UNKNOWN")]
)
def test_what_would_not_be_understood_is_not_ramped_but_can_be_switched_off(
    store: FlagStore, switch: Switch, flag: str, made: Callable[[str], Document], code: str
) -> None:
    store.put(flag, made(flag))
    with pytest.raises(SlipwayError, match=code):
        switch.prepare(flag, LABEL, ALICE, NOTE, "op")
    assert store.read(flag).document == made(flag)
    switch.off(flag, LABEL, "alice: it hurts", "op-2")
    assert store.read(flag).document["enabled"] is False


def test_a_kill_switch_holds_until_it_is_lifted(
    store: FlagStore, router: FlagRouter, switch: Switch, flag: str
) -> None:
    switch.prepare(flag, LABEL, ALICE, NOTE, "op-0")
    give(router, flag, 0.25, "op-1")
    switch.off(flag, LABEL, "alice: orders are lost", "op-2")
    assert not is_on_for(store.read(flag).document, "alice@example.com"), "off for testers, too"
    assert router.watch(target(flag))[1:] == ("FLAG_OFF", f"{flag} ({LABEL}) was switched off: alice: orders are lost")
    assert give(router, flag, 0.5, "op-3").code == "FLAG_OFF"
    assert switch.prepare(flag, LABEL, ALICE, NOTE, "op-4").off == "alice: orders are lost"
    switch.lift(flag, LABEL, "op-5")
    assert switch.prepare(flag, LABEL, ALICE, NOTE, "op-6").off == ""
    assert is_on_for(store.read(flag).document, "alice@example.com")


def test_a_locked_flag_is_named(store: FlagStore, switch: Switch, flag: str) -> None:
    store.put(flag, targeting(flag, 10), locked=True)
    with pytest.raises(AzureProblem, match="locked"):
        switch.off(flag, LABEL, "alice", "op")


def test_all_flags_are_listed_with_their_labels(azure: AzureStandin, store: FlagStore, flag: str) -> None:
    for label in ("", "production", "staging"):
        store.put(flag, targeting(flag, 10), label=label)
    found = [each for each in Flags(azure.settings).all() if each.name == flag]
    assert [each.label for each in found] == ["", "production", "staging"]
    assert {each.share for each in found} == {0.1} and all(each.changed_at for each in found)


def test_a_store_that_is_not_named_is_said(azure: AzureStandin) -> None:
    unnamed = replace(azure.settings, app_configuration="")
    with pytest.raises(SlipwayError, match="SLIPWAY_APP_CONFIGURATION"):
        Flags(unnamed).read("new-checkout", "")
