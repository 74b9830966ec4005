"""The audit trail over the API: all of it, byte for byte, to auditors; and its checkpoints, by the timer."""

from typing import Any
from uuid import uuid4

import pytest

from slipway.adapters.audit_checkpoints import AuditCheckpoints
from slipway.adapters.audit_log import AuditLog
from slipway.adapters.clock import now
from slipway.local.functions.invocation import InvocationFailed
from slipway.promotion.audit import AuditRecord, verify
from tests.app_host import AppHost, a_principal
from tests.laptop import AzureStandin
from tests.triggers.conftest import ALICE, ERIN

pytestmark = pytest.mark.usefixtures("configured")

AUDITOR = a_principal("Ann Auditor", "77777777-7777-4777-8777-777777777777", ("auditor",))
DAVE = a_principal("Dave Diaz", "44444444-4444-4444-8444-444444444444", ("admin",))


@pytest.fixture
def chain() -> str:
    """A chain of its own, with three records."""
    name = f"audited-{uuid4().hex[:8]}"
    for number in range(3):
        AuditLog().append(name, AuditRecord(f"r{number}", now(), "alice", "command.abort", "“stop”", {"n": number}))
    return name


def every(app: AppHost, who: dict[str, str] = AUDITOR) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = app.http("GET", f"/api/audit/chains?top=2&after={after}", who).json
        found += page["chains"]
        after = page["after"]
        if not after:
            return found


def test_every_chain_is_listed_once_and_its_bytes_are_those_that_are_stored(app: AppHost, chain: str) -> None:
    names = [each["name"] for each in every(app)]
    assert names.count(chain) == 1 and len(names) == len(set(names))
    part = app.http("GET", f"/api/audit/chain?name={chain}", AUDITOR).json
    assert part["text"].splitlines() == AuditLog().lines(chain) and verify(part["text"].splitlines()) is None
    assert part["next"] is None and part["size"] == len(part["text"])


def test_a_long_chain_comes_in_parts(app: AppHost, chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triggers.audit_api.PART", 300)
    text, offset = "", 0
    while offset is not None:
        part = app.http("GET", f"/api/audit/chain?name={chain}&offset={offset}", AUDITOR).json
        text, offset = text + part["text"], part["next"]
    assert text.splitlines() == AuditLog().lines(chain)


@pytest.mark.parametrize("path", ["/api/audit/chains", "/api/audit/chain?name=x"])
def test_it_is_for_auditors_and_admins(app: AppHost, path: str) -> None:
    assert [app.http("GET", path, who).status for who in (AUDITOR, DAVE, ALICE, ERIN)] == [200, 200, 403, 403]


def test_a_chain_that_is_not_there_is_empty_and_a_name_that_none_has_is_refused(app: AppHost) -> None:
    none = app.http("GET", "/api/audit/chain?name=nobody--1.0.0", AUDITOR).json
    assert (none["text"], none["next"], none["size"]) == ("", None, 0)
    assert app.http("GET", "/api/audit/chain?name=../secret", AUDITOR).status == 422


def test_the_timer_signs_what_grew(app: AppHost, chain: str) -> None:
    app.tick("audit_checkpoint")
    last = AuditCheckpoints().last()
    assert last and chain in [head.chain for head in last.heads]


def test_a_timer_that_cannot_sign_fails_and_the_next_one_signs(app: AppHost, azure: AzureStandin, chain: str) -> None:
    azure.fault("POST", "/sign", answer={"status": 403})
    with pytest.raises(InvocationFailed):
        app.tick("audit_checkpoint")
    app.tick("audit_checkpoint")
    last = AuditCheckpoints().last()
    assert last and chain in [head.chain for head in last.heads]
