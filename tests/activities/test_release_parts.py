"""Configuration and flags of a release through the activities, on the real SDK: fixed, switched, put back."""

import secrets
from typing import Any

import pytest

from slipway.promotion.flags.document import Document
from slipway.promotion.flags.setting import LAST_WRITE, fingerprint
from slipway.promotion.outcomes import Answer
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.release_parts.configuration import Place
from tests.activities.conftest import Promotion
from tests.adapters.flag_store import FlagStore, targeting, variants
from tests.adapters.setting_store import SettingStore
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

LABEL = "production"


@pytest.fixture
def store(azure: AzureStandin) -> FlagStore:
    return FlagStore(azure)


@pytest.fixture
def flag() -> str:
    return f"banner-{secrets.token_hex(4)}"


def an_order(promotion: Promotion, name: str, step: str, **more: Any) -> dict[str, Any]:
    target = Target(name, "app-configuration-flag", f"flag/checkout/production/{name}", LABEL)
    release = f"{promotion.id}:production"
    about = {"promotion": promotion.id, "operation": f"{release}:{name}:{step}:1", "target": plain(target), "fence": 3}
    return {**about, "release": release, "version": promotion.version, "name": name, "label": LABEL, **more}


def put(app: AppHost, promotion: Promotion, flag: str, on: bool = True) -> Answer:
    wish = {"name": flag, "label": LABEL, "on": on}
    return app.activity("set_flag", an_order(promotion, flag, "set-flag", flag=wish))


def back(app: AppHost, promotion: Promotion, flag: str, when: str = "first") -> Answer:
    return app.activity("put_flag_back", an_order(promotion, flag, f"flag-back-{when}", when=when, fence=4))


@pytest.mark.parametrize("made", [targeting, variants])
def test_a_flag_is_switched_once_and_put_back_as_it_was_to_the_letter(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str, made: Any
) -> None:
    document: Document = made(flag, 20)
    store.put(flag, document, tags={"team": "payments"})
    assert put(app, promotion, flag).result["was"] == "on for 20.0% of the users"
    etag = store.read(flag).etag
    assert store.read(flag).share == 1.0 and put(app, promotion, flag).result["now"] == "on for everybody"
    assert store.read(flag).etag == etag, "asked again, it answers what it did"
    assert back(app, promotion, flag).result["flag"] == "back"
    after = store.read(flag)
    assert after.document == document and after.tags["team"] == "payments"
    assert back(app, promotion, flag, "last").result["flag"] == "back" and store.read(flag).etag == after.etag


def test_a_flag_that_a_stage_switches_says_who_answers_for_it_and_keeps_what_was_said(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 20), tags={"expires": "2099-01-31"})
    wish = {"name": flag, "label": LABEL, "on": True, "owner": "team-checkout", "pipeline": "checkout"}
    assert app.activity("set_flag", an_order(promotion, flag, "set-flag", flag=wish)).state == "passed"
    tags = store.read(flag).tags
    assert (tags["owner"], tags["pipeline"], tags["expires"]) == ("team-checkout", "checkout", "2099-01-31")
    back(app, promotion, flag)
    assert store.read(flag).tags["owner"] == "team-checkout"


def test_a_flag_that_is_gone_before_its_release_is_named(app: AppHost, promotion: Promotion, flag: str) -> None:
    answer = put(app, promotion, flag)
    assert (answer.state, answer.code) == ("broken", "FLAG_GONE") and flag in answer.words


def check(app: AppHost, promotion: Promotion, *flags: str) -> Answer:
    wishes = [{"name": flag, "label": LABEL, "on": True} for flag in flags]
    return app.activity("check_flags", an_order(promotion, "", "check", flags=wishes))


def test_flags_that_could_not_be_switched_are_all_named_and_nothing_is_changed(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 20))
    etag = store.read(flag).etag
    assert check(app, promotion, flag).state == "passed" and store.read(flag).etag == etag
    gone, odd = f"{flag}-gone", f"{flag}-odd"
    store.put(odd, {"id": odd, "enabled": True, "conditions": {"client_filters": [{"name": "Own.Filter"}]}})
    answer = check(app, promotion, flag, gone, odd)
    assert (answer.state, answer.code) == ("broken", "FLAG_GONE")
    assert f"there is no flag {gone} ({LABEL})" in answer.words and "Own.Filter" in answer.words


def test_a_flag_that_another_release_is_giving_to_users_is_in_use(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    document = targeting(flag, 25)
    mark = f"{fingerprint(document)} basket--7.0.0:production:{flag}:split:1"
    store.put(flag, document, tags={LAST_WRITE: mark})
    for answer in (check(app, promotion, flag), put(app, promotion, flag)):
        assert answer.code == "FLAG_IN_USE" and "basket--7.0.0:production has given" in answer.words
    assert store.read(flag).share == 0.25


def test_a_flag_that_was_so_already_is_not_this_releases(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 100))
    assert put(app, promotion, flag).result == {"was": "", "now": ""}
    assert back(app, promotion, flag).result["flag"] == "unchanged" and store.read(flag).share == 1.0


def test_a_flag_that_somebody_changed_since_is_left_and_one_that_is_gone_is_named(
    app: AppHost, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    store.put(flag, targeting(flag, 0))
    put(app, promotion, flag)
    store.put(flag, targeting(flag, 35))
    answer = back(app, promotion, flag)
    assert answer.result["flag"] == "left" and "on for 35.0% of the users" in answer.words
    assert store.read(flag).share == 0.35
    store.delete(flag)
    assert back(app, promotion, flag, "last").result["flag"] == "left"


def test_a_write_whose_answer_was_lost_keeps_what_was_there_before_it(
    app: AppHost, azure: AzureStandin, promotion: Promotion, store: FlagStore, flag: str
) -> None:
    document = targeting(flag, 0)
    store.put(flag, document)
    azure.fault("PUT", flag, drop="after")
    answer = put(app, promotion, flag)
    assert answer.running, answer
    wish = {"name": flag, "label": LABEL, "on": True}
    order = an_order(promotion, flag, "set-flag", flag=wish, handle=answer.handle)
    assert app.activity("set_flag", order).result["was"] == "on for testers alone"
    back(app, promotion, flag)
    assert store.read(flag).document == document


@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_cannot_answer_now_is_asked_again_with_what_it_says(
    app: AppHost, azure: AzureStandin, promotion: Promotion, status: int
) -> None:
    label = f"9.0.0-{secrets.token_hex(4)}"
    SettingStore(azure).put("checkout:limit", "1", label)
    place = plain(Place(label, "checkout:*", f"checkout-{label}"))
    order = {"promotion": promotion.id, "operation": "x", "place": place, "service": "checkout"}
    azure.fault("PUT", f"snapshots/checkout-{label}", answer={"status": status, "headers": {"retry-after-ms": "4000"}})
    answer = app.activity("fix_configuration", order)
    assert answer.running and answer.after_s == 4.0
    answers = [app.activity("fix_configuration", order) for _ in range(4)]
    assert answers[-1].state == "passed" and answers[-1].result["settings"] == 1
    azure.fault("GET", "/kv", answer={"status": 403})
    refused = app.activity("look_at_configuration", {**order, "configuration": answers[-1].result})
    assert (refused.state, refused.code) == ("broken", "AZURE_DENIED")
    assert "Microsoft.AppConfiguration/configurationStores/keyValues/read" in refused.words
