"""The audit report: what reached an environment, in words that no spreadsheet and no browser takes for orders."""

import csv
import io
import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from slipway.promotion.audit import BEGINNING, AuditRecord, chained
from slipway.promotion.audit_file import verify_file
from slipway.promotion.audit_report.change import Change
from slipway.promotion.audit_report.collecting import Collecting
from slipway.promotion.audit_report.page import as_page
from slipway.promotion.audit_report.table import as_csv
from tests.promotion.audit_trails import NOON, Trail, head_of, rewritten

BUILD = {
    "service": "checkout",
    "version": "1.1.0",
    "digest": "sha256:d",
    "commit": "c0ffee1",
    "author": "bob@shop.example",
}
PLACE = {"of": {"stage": "production", "environment": "production"}}


def chain(*told: tuple[str, str, dict[str, Any]]) -> list[bytes]:
    """Records a minute apart: action, words, evidence."""
    lines, prev = [], BEGINNING
    for number, (action, words, evidence) in enumerate(told):
        at = NOON + timedelta(minutes=number)
        line = chained(AuditRecord(evidence.get("id", f"r{number}"), at, "someone", action, words, evidence), prev)
        prev = json.loads(line)["hash"]
        lines.append(line.encode())
    return lines


def a_release(**changes: Any) -> list[bytes]:
    votes = {"stage": "production", "name": "Alice", "roles": ["approver"], "delegation": "of Carol until Friday"}
    return chain(
        ("promotion.started", "begins", {"build": {**BUILD, **changes}}),
        ("stage.waiting-for-approval", "asks", PLACE),
        ("approval.approve", "Bob says approve", {"stage": "production", "name": "Bob", "id": "his"}),
        ("approval.refused", "refused: the author may not", {"said": "his", "code": "IS_AUTHOR"}),
        ("approval.approve", "Alice says approve", votes),
        ("stage.approved", "approved", {**PLACE, "gates": {"sarif": {"outcome": "passed", "digest": "ab12"}}}),
        ("stage.deploying", "deploys", PLACE),
        ("stage.rolling-out", "moves users", PLACE),
        ("command.promote", "Dan says promote: the sale begins", {"stage": "production", "name": "Dan"}),
        ("stage.passed", "it is proven", {**PLACE, "code": ""}),
        ("watch.harm", "takes it back", PLACE),
        ("stage.rolled-back", "1.0.0 serves again", PLACE),
    )


def collected(
    trail: Trail, environment: str = "production", service: str = "", begins: str = "", ends: str = ""
) -> Any:
    collecting = Collecting(environment, service, begins, ends)
    verified = verify_file(trail.file(), None, collecting.take)
    return collecting.changes(), verified


def signed(**chains: list[bytes]) -> Trail:
    trail = Trail({name.replace("__", "--").replace("_", "."): lines for name, lines in chains.items()})
    trail.check(NOON + timedelta(minutes=30), *(head_of(name, lines) for name, lines in trail.chains.items()))
    return trail


def test_a_change_says_who_let_it_through_on_what_and_how_it_ended() -> None:
    (change,), verified = collected(signed(checkout__1_1_0=a_release()))
    assert verified.intact
    assert (change.service, change.version, change.digest, change.author) == (
        "checkout",
        "1.1.0",
        "sha256:d",
        "bob@shop.example",
    )
    (approval,) = change.approvals
    assert "Alice says approve" in approval and "roles approver" in approval and "of Carol until Friday" in approval
    assert [words.partition(" ")[2][6:] for words in change.refusals] == [
        "Bob says approve",
        "refused: the author may not (code IS_AUTHOR)",
    ]
    assert change.gates == ["sarif: passed, evidence sha256 ab12"]
    assert len(change.overrides) == 1 and "the sale begins" in change.overrides[0]
    assert change.live_at == "2026-12-01T12:07:00Z" and change.back_at == "2026-12-01T12:10:00Z"
    assert change.ended.startswith("rolled-back") and change.missing == []


def test_gates_hotfixes_and_a_void_approval_are_told_as_they_are_recorded() -> None:
    digest = f"sha256:{'0' * 64}"
    passed = {**PLACE, "gate": "coverage", "digest": digest, "produced_at": "2026-12-01T11:58:00Z"}
    release = chain(
        ("promotion.started", "begins", {"build": {**BUILD, "hotfix": "the till is down"}}),
        ("stage.gate-open", "gate coverage: nobody sent it", {**PLACE, "gate": "coverage"}),
        ("evidence.supplied", "Dan supplies evidence coverage", {"evidence": "coverage", "digest": digest}),
        ("stage.gate-passed", "gate coverage: line 86 % of at least 80 %", passed),
        ("approval.approve", "Bob says approve", {"stage": "production", "id": "his"}),
        ("approval.refused", "refused: the author may not", {"said": "his", "code": "IS_AUTHOR"}),
        ("stage.waiting-for-the-lock", "waits for frozen by the freeze payday", PLACE),
        ("approval.void", "the approval is void: evidence changed", {**PLACE, "parts": ["evidence"]}),
        ("stage.deploying", "deploys", PLACE),
        ("stage.deploying", "deploys", {"of": {"stage": "staging", "environment": "staging"}}),
    )
    trail = signed(checkout__1_1_0=release)
    (change,), _ = collected(trail)
    assert {words.partition(" ")[2][6:] for words in change.gates} == {
        "coverage open: nobody sent it",
        f"Dan supplies evidence coverage, {digest}",
        f"coverage passed: line 86 % of at least 80 %, evidence {digest} of 2026-12-01 11:58",
    }
    assert change.overrides == ["hotfix: the till is down"]
    assert [words[17:] for words in change.holds] == ["waits for frozen by the freeze payday"]
    assert any("the approval is void: evidence changed" in words for words in change.refusals)
    assert "no gate's evidence" not in change.missing
    (staging,), _ = collected(trail, environment="staging")
    assert staging.refusals == [], "a vote that was refused is told where it was cast"


def test_what_never_reached_the_environment_is_no_change_of_it() -> None:
    waits = chain(
        ("promotion.started", "begins", {"build": BUILD}),
        ("stage.waiting-for-approval", "asks", PLACE),
        ("stage.cancelled", "nobody wanted it", PLACE),
    )
    assert collected(signed(checkout__1_1_0=waits))[0] == []
    assert collected(signed(checkout__1_1_0=a_release()), environment="test")[0] == []
    assert collected(signed(checkout__1_1_0=a_release()), service="orders")[0] == []
    assert collected(signed(checkout__1_1_0=a_release()), begins="2026-12-02T00:00:00+00:00")[0] == []
    assert len(collected(signed(checkout__1_1_0=a_release()), ends="2026-12-01T12:03:00+00:00")[0]) == 1


def test_a_hold_that_stood_meanwhile_is_told_and_one_that_was_lifted_before_is_not() -> None:
    until = "2026-12-03T00:00:00Z"
    said = chain(
        ("intent.hold", "Eve holds checkout", {"id": "a", "expires_at": until}),
        ("intent.lift", "Eve lifts it", {"id": "a"}),
        ("intent.hold", "Eve holds it again", {"id": "b", "expires_at": until}),
    )
    release = a_release()
    trail = signed(**{"environment-production__checkout": said, "checkout__1_1_0": release})
    (change,), _ = collected(trail)
    assert [words[17:] for words in change.holds] == ["Eve holds checkout", "Eve lifts it", "Eve holds it again"]
    before = rewritten([line.replace(b"2026-12-01T12", b"2026-11-30T12") for line in said])
    (change,), _ = collected(signed(**{"environment-production__checkout": before, "checkout__1_1_0": release}))
    assert [words[17:] for words in change.holds] == ["Eve holds it again"]
    elsewhere = signed(**{"environment-test__checkout": said, "checkout__1_1_0": release})
    assert collected(elsewhere)[0][0].holds == []


def test_what_is_not_on_record_is_said() -> None:
    bare = chain(("promotion.started", "begins", {"build": {"service": "checkout"}}), ("stage.deploying", "", PLACE))
    (change,), _ = collected(signed(checkout__1_1_0=bare))
    assert change.missing == [
        "no digest of the build",
        "no commit",
        "no author",
        "no approval by a person",
        "no gate's evidence",
        "no end so far",
    ]


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(hostile: str) -> None:
    (change,), _ = collected(signed(checkout__1_1_0=a_release(author=hostile)))
    text = as_csv([change])
    assert text.endswith("\r\n")
    header, row = list(csv.reader(io.StringIO(text, newline="")))
    assert dict(zip(header, row, strict=True))["author"] == f"'{hostile}"


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_shows_the_verdict_first_and_runs_nothing_from_a_record() -> None:
    hostile = '<script>alert(1)</script><img src=x onerror="alert(1)">&amp;'
    changes, verified = collected(signed(checkout__1_1_0=a_release(author=hostile, commit=hostile)))
    page = Page()
    page.feed(as_page(changes, verified, f"all services in {hostile}"))
    assert "script" not in page.tags and "img" not in page.tags and page.text.count(hostile) == 4
    assert page.text.index("The audit trail is whole.") < page.text.index("sha256:d")
    assert "checkpoint 1" in page.text and "nobody has vouched for it" in page.text


def test_a_page_of_a_broken_trail_says_so_and_what_was_found() -> None:
    trail = signed(checkout__1_1_0=a_release())
    trail.chains["checkout--1.1.0"] = a_release()[:9]
    changes, verified = collected(trail)
    page = as_page(changes, verified, "production")
    assert "NOT whole" in page and "its end is cut off" in page and "The audit trail is whole" not in page
    assert "No change reached" in as_page([], verified, "production")


def test_a_page_of_nothing_is_a_page() -> None:
    assert as_csv([]).count("\r\n") == 1
    assert Change("p", "s", "e").missing
