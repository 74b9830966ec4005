"""Checkpoints of the audit trail: what grew is signed by the vault's key, and nothing is ever unsigned in silence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.keyvault.keys import KeyClient

from slipway.adapters.audit_checkpoints import DUE, AuditCheckpoints
from slipway.adapters.audit_log import AuditLog, container_of
from slipway.adapters.audit_reading import AuditReading
from slipway.adapters.audit_signer import AuditSigner
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.credentials import credential
from slipway.promotion.audit import AuditRecord
from slipway.promotion.audit_checkpoint import NotACheckpoint, read_checkpoint
from slipway.promotion.audit_file import chain_line, end, header, verify_file
from slipway.promotion.audit_keys import is_signed
from slipway.promotion.audit_scope import Scope
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import iso
from slipway.settings import Settings
from tests.laptop import AzureStandin


@pytest.fixture
def settings(azure: AzureStandin) -> Settings:
    """Of an audit container and a key of its own."""
    name = uuid4().hex[:12]
    made = replace(azure.settings, audit_container=f"audit-{name}", audit_key=f"{azure.url}/keys/audit-{name}")
    vault(made).create_key(f"audit-{name}", "EC", curve="P-256")
    return made


@pytest.fixture(autouse=True)
def _no_fault_is_left(azure: AzureStandin) -> Iterator[None]:
    yield
    azure.forget_faults()


def vault(settings: Settings) -> KeyClient:
    url = settings.audit_key.partition("/keys/")[0]
    return KeyClient(url, credential(), verify_challenge_resource=False, connection_verify=str(settings.ca_file))


class Clock:
    """Time goes on by the storage's clock, and further when a test says so."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def append(settings: Settings, chain: str, *ids: str) -> None:
    for id in ids:
        AuditLog(settings).append(chain, AuditRecord(id, datetime.now(UTC), "alice", "command.abort", "stop", {}))


def exported(settings: Settings) -> list[bytes]:
    reading = AuditReading(settings)
    signed = [each.name for each in reading.chains("checkpoints/")]
    names = [*signed, *(each.name for each in reading.chains() if each.name not in signed)]
    lines, count = [header(iso(datetime.now(UTC)), Scope()).encode()], 0
    for name in names:
        records = reading.part(name, 0, 10_000_000)[0].splitlines(keepends=True)
        lines += [chain_line(name).encode(), *records]
        count += len(records)
    return [*lines, end(len(names), count).encode()]


def test_what_grew_is_signed_and_what_did_not_is_not_looked_at_again(settings: Settings) -> None:
    clock = Clock()
    checkpoints = AuditCheckpoints(settings, clock)
    append(settings, "checkout--1.0.0", "a", "b")
    append(settings, "environment-dev--checkout", "c")
    first = checkpoints.take()
    assert first and [(head.chain, head.records) for head in first.heads] == [
        ("checkout--1.0.0", 2),
        ("environment-dev--checkout", 1),
    ]
    assert checkpoints.take() is None  # nothing is new
    append(settings, "checkout--1.0.0", "d")
    second = checkpoints.take()
    assert second and (second.number, second.prev, second.since) == (2, first.digest.hex(), first.at)
    assert [(head.chain, head.records) for head in second.heads] == [("checkout--1.0.0", 3)]
    verified = verify_file(exported(settings), {second.key["kid"]: second.key})
    assert verified.intact and (verified.checkpoints, verified.records, verified.unsigned) == (2, 4, 0)


def test_an_hour_without_news_is_signed_too(settings: Settings) -> None:
    clock = Clock()
    assert AuditCheckpoints(settings, clock).take()  # of nothing at all: the first one
    clock.ahead = DUE
    taken = AuditCheckpoints(settings, clock).take()
    assert taken and taken.number == 2 and taken.heads == ()


def test_more_chains_than_one_checkpoint_holds_are_several(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.adapters.audit_checkpoints.MOST_HEADS", 2)
    for number in range(5):
        append(settings, f"checkout--1.0.{number}", "a")
    taken = AuditCheckpoints(settings).take()
    assert taken and taken.number == 3
    verified = verify_file(exported(settings))
    assert verified.intact and verified.unsigned == 0


def test_a_rotated_key_signs_the_next_one_and_the_old_one_still_counts(settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    first = AuditCheckpoints(settings).take()
    vault(settings).create_key(settings.audit_key.rpartition("/")[2], "RSA")
    append(settings, "checkout--1.0.0", "b")
    second = AuditCheckpoints(settings).take()
    assert first and second and first.key["kid"] != second.key["kid"] and second.key["kty"] == "RSA"
    keys = {each.key["kid"]: each.key for each in (first, second)}
    assert verify_file(exported(settings), keys).intact


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_the_vault_signs_and_its_public_half_proves_it(settings: Settings, kind: str) -> None:
    vault(settings).create_key(settings.audit_key.rpartition("/")[2], kind)
    signer, digest = AuditSigner(settings), bytes(range(32))
    assert is_signed(signer.public, digest, signer.sign(digest))
    assert not is_signed(signer.public, bytes(32), signer.sign(digest))


def test_an_append_whose_answer_is_lost_is_one_checkpoint(azure: AzureStandin, settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    AuditCheckpoints(settings).take()
    append(settings, "checkout--1.0.0", "b")
    azure.fault("PUT", "comp=appendblock", drop="after")
    taken = AuditCheckpoints(settings).take()
    assert taken and taken.number == 2 and AuditCheckpoints(settings).last() == taken
    assert verify_file(exported(settings)).intact


def test_whoever_is_second_writes_nothing(azure: AzureStandin, settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    slow, quick = AuditCheckpoints(settings), AuditCheckpoints(settings)
    slow.take()
    before = slow._last()
    append(settings, "checkout--1.0.0", "b")
    quick.take()
    slow._last = lambda: before  # type: ignore[method-assign]
    with pytest.raises(AzureProblem) as late:
        slow.take()
    assert late.value.fault.kind is FaultKind.CONFLICT and verify_file(exported(settings)).intact


@pytest.mark.parametrize("fault", [{"method": "POST", "path": "/sign"}, {"method": "GET", "path": "/keys/"}])
def test_a_vault_that_cannot_sign_leaves_nothing_unsigned_behind(
    azure: AzureStandin, settings: Settings, fault: dict[str, str]
) -> None:
    append(settings, "checkout--1.0.0", "a")
    azure.fault(fault["method"], fault["path"], times=1, answer={"status": 403})
    with pytest.raises(AzureProblem):
        AuditCheckpoints(settings).take()
    assert AuditCheckpoints(settings).last() is None
    taken = AuditCheckpoints(settings).take()
    assert taken and [head.chain for head in taken.heads] == ["checkout--1.0.0"]


def test_a_vault_that_is_busy_is_asked_again(azure: AzureStandin, settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    azure.fault("POST", "/sign", times=2, answer={"status": 429, "headers": {"retry-after": "0"}})
    assert AuditCheckpoints(settings).take()


def test_a_disabled_key_and_none_at_all_are_said(settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    name = settings.audit_key.rpartition("/")[2]
    vault(settings).update_key_properties(name, vault(settings).get_key(name).properties.version, enabled=False)
    with pytest.raises(AzureProblem):
        AuditCheckpoints(settings).take()
    with pytest.raises(SlipwayError) as missing:
        AuditCheckpoints(replace(settings, audit_key="")).take()
    assert "SLIPWAY_AUDIT_KEY" in missing.value.words


def test_nothing_is_signed_upon_a_checkpoint_that_is_none(settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    taken = AuditCheckpoints(settings).take()
    assert taken
    blob = container_of(settings).get_blob_client(f"checkpoints/{taken.at[:7]}.jsonl")
    blob.append_block(b'{"format":"slipway-checkpoint/1"}\n')
    append(settings, "checkout--1.0.0", "b")
    with pytest.raises(NotACheckpoint):
        AuditCheckpoints(settings).take()


def test_a_checkpoint_is_kept_where_it_can_be_read_by_hand(settings: Settings) -> None:
    append(settings, "checkout--1.0.0", "a")
    taken = AuditCheckpoints(settings).take()
    assert taken
    (line,) = AuditReading(settings).part(f"checkpoints/{taken.at[:7]}", 0, 10_000)[0].splitlines()
    read, signature = read_checkpoint(line)
    assert read == taken and is_signed(taken.key, taken.digest, signature)
    assert json.loads(line)["alg"] == "ES256" and "d" not in taken.key
