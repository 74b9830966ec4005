"""The approval card over HTTP, and links to it: each attack on a link, and that a link alone is nobody."""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.adapters import approval_links, clock
from slipway.adapters.audit_log import AuditLog
from slipway.adapters.rows import Rows
from slipway.adapters.secrets import Secrets
from slipway.promotion.seal import Seal
from slipway.settings import settings
from tests.app_host import BOB_OID, Reply, a_principal
from tests.laptop import AzureStandin
from tests.owner import vault_of
from tests.triggers.conftest import ALICE, BOB, ERIN, Underway

pytestmark = pytest.mark.usefixtures("configured", "signing")

SEEN, CHANGED = Seal(build="b" * 64, pipeline="c" * 64), Seal(build="b" * 64, pipeline="d" * 64)
MONA = a_principal("Mona Moore", "99999999-9999-4999-8999-999999999999", ("reader", "approver", "release-manager"))
ALICE_WITHOUT = a_principal("Alice Adams", roles=("reader", "approver"))


@pytest.fixture
def signing(azure: AzureStandin, configured: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The vault has a key to sign links with."""
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    settings.cache_clear()
    with vault_of(azure) as vault:
        vault.set_secret(approval_links.SECRET, secrets.token_hex(32))
    Secrets().forget(approval_links.SECRET)
    yield
    Secrets().forget(approval_links.SECRET)


@dataclass(frozen=True)
class Linked:
    it: Underway

    @property
    def path(self) -> str:
        return f"/api/promotions/{self.it.id}/stages/production/approval"

    def card(self, who: dict[str, str] | None = ERIN) -> Reply:
        return self.it.app.http("GET", self.path, who)

    def made(self, who: dict[str, str] = ALICE, **wanted: Any) -> Reply:
        return self.it.app.http("POST", f"{self.path}/links", who, wanted)

    def token(self, **wanted: Any) -> str:
        made = self.made(**wanted)
        assert made.status == 201, made
        return str(made.json["url"]).partition("#")[2]


@pytest.fixture
def linked(it: Underway) -> Linked:
    it.ask(seal=SEEN)
    return Linked(it)


# the card


def test_the_card_is_shown_to_every_reader_as_it_will_be_told(linked: Linked) -> None:
    shown = linked.card().json
    assert shown["title"] == f"checkout {linked.it.run.build.version}: may it go to production?"
    assert shown["changes"][0].startswith("first release here") and "bob@shop.example" in shown["changes"][0]
    assert "stage test is pending" in shown["warnings"] and shown["seal"] == SEEN.digest
    assert shown["text"].startswith(shown["title"]) and shown["asked"] in shown["text"]
    linked.it.vote(ALICE, reason="ok")
    assert linked.card().json["votes"] == ["Alice Adams: yes, ok"]


def test_there_is_no_card_where_nobody_is_asked_or_nothing_is(it: Underway) -> None:
    assert Linked(it).card().problem == (409, "NOT_ASKED")
    elsewhere = it.app.http("GET", f"/api/promotions/{it.id}/stages/moon/approval", ERIN)
    assert elsewhere.problem == (404, "UNKNOWN_STAGE")
    nothing = it.app.http("GET", "/api/promotions/checkout--0.0.0-none/stages/production/approval", ERIN)
    assert nothing.problem == (404, "UNKNOWN_PROMOTION")


# a link that is good


def test_a_link_votes_for_what_was_seen_and_is_used_up(linked: Linked) -> None:
    token = linked.token(decision="approve")
    assert linked.it.vote(ALICE, link=token).json["decision"] == "approved"
    (vote,) = linked.it.approval["votes"]
    assert vote["seal"] == SEEN.digest


def test_the_same_request_again_hears_the_same(linked: Linked) -> None:
    token = linked.token()
    first = linked.it.vote(ALICE, link=token, command="k1")
    again = linked.it.vote(ALICE, link=token, command="k1")
    assert first.status == again.status == 200 and first.json == again.json
    assert len(linked.it.approval["votes"]) == 1


def test_what_proves_a_link_is_behind_the_hash_and_kept_nowhere(linked: Linked) -> None:
    made = linked.made()
    site, _, token = made.json["url"].partition("#")
    assert site.endswith(linked.path) and token and made.headers["cache-control"] == "no-store"
    assert token not in made.headers["location"] and token.partition(".")[2] not in made.json["words"]
    linked.it.vote(ALICE, link=token)
    kept = json.dumps([AuditLog().read(linked.it.id), linked.it.app.entity("decisions", linked.it.id)])
    row = Rows("receipts").get(linked.it.id, f"approval-link:{made.json['id']}")
    assert row is not None and token.partition(".")[2] not in kept + json.dumps(row.doc)
    assert made.json["id"] in kept, "its id is on record"


# attacks on a link


def test_a_link_alone_is_nobody(linked: Linked) -> None:
    token = linked.token()
    assert linked.it.app.http("POST", linked.path, None, {"decision": "approve", "link": token}).status == 401
    assert linked.it.vote(ERIN, link=token).problem == (403, "FORBIDDEN")
    assert linked.it.vote(ALICE, link=token).status == 200, "and it was not used up by that"


def test_reading_it_as_mail_scanners_do_changes_nothing(linked: Linked) -> None:
    token = linked.token()
    before = linked.it.app.entity("decisions", linked.it.id), linked.it.records
    assert linked.card(None).status == 401
    for path in (linked.path, f"{linked.path}?link={token}&decision=approve", f"{linked.path}?next=//evil.example"):
        shown = linked.it.app.http("GET", path, ALICE)
        assert shown.status == 200 and "location" not in shown.headers, "it leads nowhere else"
    assert (linked.it.app.entity("decisions", linked.it.id), linked.it.records) == before
    assert linked.it.vote(ALICE, link=token).status == 200


def test_a_link_counts_once_whoever_replays_it(linked: Linked) -> None:
    linked.it.ask(seal=SEEN, at_least=2)
    token = linked.token()
    assert linked.it.vote(ALICE, link=token).json["decision"] == "approved"
    for who in (ALICE, MONA):
        assert linked.it.vote(who, link=token).problem == (409, "LINK_USED")
    assert linked.it.records[-1] == ("approval.refused", "LINK_USED")


@pytest.mark.parametrize("part", range(9))
def test_an_altered_link_is_none(linked: Linked, part: int) -> None:
    about, _, signature = linked.token().partition(".")
    told = json.loads(base64.urlsafe_b64decode(about + "=="))
    told[part] = told[part][:-1] + ("1" if told[part][-1:] != "1" else "2") if told[part] else BOB_OID
    forged = base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")
    assert linked.it.vote(ALICE, link=f"{forged}.{signature}").problem == (403, "LINK_FORGED")
    assert linked.it.records[-1] == ("approval.refused", "LINK_FORGED") and not linked.it.approval["votes"]


@pytest.mark.parametrize("change", ["", "{}.", ".{}", "{}=", "{}\n", " {}", "{}x", "W10.{}", "x" * 1500])
def test_what_only_looks_like_a_link_is_none(linked: Linked, change: str) -> None:
    token = change.replace("{}", linked.token()) or "."
    assert linked.it.vote(ALICE, link=token).problem == (403, "LINK_FORGED")


def test_a_link_of_another_key_is_none(linked: Linked, azure: AzureStandin) -> None:
    token = linked.token()
    with vault_of(azure) as vault:
        vault.set_secret(approval_links.SECRET, secrets.token_hex(32))
    Secrets().forget(approval_links.SECRET)
    assert linked.it.vote(ALICE, link=token).problem == (403, "LINK_FORGED")


def test_a_link_ends(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    token = linked.token(**{"for": "10m"})
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr("triggers.approvals_api.now", lambda: later)
    assert linked.it.vote(ALICE, link=token).problem == (409, "LINK_EXPIRED")


def test_a_link_is_for_its_stage_answer_and_build_alone(linked: Linked, it: Underway) -> None:
    token = linked.token(decision="approve")
    it.show("test")
    assert it.vote(ALICE, stage="test", link=token).problem == (403, "LINK_FOR_ANOTHER")
    assert it.vote(ALICE, decision="reject", link=token).problem == (403, "LINK_FOR_ANOTHER")
    assert it.vote(ALICE, gate="switch", link=token).problem == (403, "LINK_FOR_ANOTHER")
    assert it.vote(ALICE, seal=CHANGED.digest, link=token).problem == (403, "LINK_FOR_ANOTHER")
    assert it.vote(ALICE, link=token).status == 200


def test_a_link_of_another_build_is_none_here(linked: Linked) -> None:
    other = replace(approval_links.link_of(linked.token()), promotion="checkout--0.0.1")
    assert linked.it.vote(ALICE, link=approval_links.token_of(other)).problem == (403, "LINK_FOR_ANOTHER")


def test_a_link_for_somebody_is_nobody_elses(linked: Linked) -> None:
    token = linked.token(to="alice")
    assert linked.it.vote(MONA, link=token).problem == (403, "LINK_OF_ANOTHER")
    assert linked.it.vote(ALICE, link=token).status == 200


def test_a_link_is_void_when_what_was_seen_changes_or_people_are_asked_anew(linked: Linked) -> None:
    token, other = linked.token(), linked.token()
    it = linked.it
    asked = it.app.entity("decisions", it.id)["stages"]["production"]
    given = {key: asked[key] for key in ("policy", "deadline")} | {"stage": "production"}
    it.app.signal("decisions", it.id, "ask_approval", {**given, "waiter": f"{it.waiter}-1", "seal": SEEN.dump()})
    assert it.vote(ALICE, link=token).problem == (409, "NOT_ASKED"), "the same again, and yet asked anew"
    it.app.signal("decisions", it.id, "ask_approval", {**given, "waiter": f"{it.waiter}-2", "seal": CHANGED.dump()})
    assert it.vote(ALICE, link=other).problem == (409, "NOT_ASKED")
    assert it.vote(ALICE, link=linked.token()).status == 200


def test_who_lost_the_role_since_is_refused_whatever_the_link(linked: Linked) -> None:
    token = linked.token(to="alice")
    assert linked.it.vote(ALICE_WITHOUT, link=token).problem == (403, "NOT_AN_APPROVER")
    assert linked.it.vote(BOB, link=linked.token()).problem == (403, "IS_AUTHOR")


def test_a_role_of_another_environment_or_service_neither_makes_nor_uses_one(linked: Linked) -> None:
    oid = "77777777-7777-4777-8777-777777777777"
    for place in ("staging/checkout", "production/payments"):
        grace = a_principal("Grace", oid, (f"approver@{place}", "reader", "release-manager"))
        assert linked.made(grace).problem == (403, "FORBIDDEN")
        assert linked.it.vote(grace, link=linked.token()).problem == (403, "FORBIDDEN")
    here = a_principal("Grace", oid, ("approver@production/checkout", "reader", "release-manager"))
    assert linked.made(here).status == 201
    assert linked.it.vote(here, link=linked.token()).status == 200


# who makes links


def test_whoever_only_reads_makes_no_links_and_nobody_where_nobody_is_asked(linked: Linked) -> None:
    assert linked.made(ERIN).problem == (403, "FORBIDDEN")
    assert linked.made(to="nobody-that-we-know").problem == (404, "UNKNOWN_PERSON")
    assert linked.made(**{"for": "1s"}).problem == (422, "INVALID_BODY")
    linked.it.vote(ALICE)
    assert linked.made().problem == (409, "NOT_ASKED")


def test_without_a_key_there_are_no_links(linked: Linked, azure: AzureStandin) -> None:
    with vault_of(azure) as vault:
        vault.set_secret(approval_links.SECRET, "short")
    Secrets().forget(approval_links.SECRET)
    assert linked.made().problem == (409, "LINKS_NOT_SET_UP")
    assert linked.it.vote(ALICE, link="W10.W10").problem == (409, "LINKS_NOT_SET_UP")
    assert settings().vault and linked.it.vote(ALICE).status == 200, "approvals need none"
