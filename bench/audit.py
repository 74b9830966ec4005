"""The audit trail: what verifying costs beside a plain loop of json and hashlib, and what an append takes."""

import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure, ms
from slipway.adapters.audit_log import AuditLog
from slipway.promotion.audit import BEGINNING, AuditRecord, chained
from slipway.promotion.audit_file import chain_line, end, header, verify_file
from slipway.promotion.audit_scope import Scope
from slipway.settings import Settings
from tests.laptop import run_standin

RECORDS, CHAINS, ROUNDS, APPENDS = 100_000, 2_000, 5, 300
LEAST, MOST_MS = 200_000, 10.0


def figures() -> Iterator[Figure]:
    lines = _lines()
    ours, plain = [], []
    for _ in range(ROUNDS):  # in turns, so that both meet the same machine
        ours.append(RECORDS / _cpu_s(lambda: _verified(lines)))
        plain.append(RECORDS / _cpu_s(lambda: _plainly(lines)))
    mine, peer = statistics.median(ours), statistics.median(plain)
    name = "records verified a second on one core; peer: a loop of json and hashlib"
    yield Figure(name, mine, peer, f">= {LEAST:,}/s", mine >= LEAST)
    took = _appends()
    at_95 = statistics.quantiles(took, n=20)[-1]
    yield Figure("append of a record, against the stand-in, median, ms", statistics.median(took))
    yield Figure("append of a record, p95, ms", at_95, None, f"<= {MOST_MS:g} ms", at_95 <= MOST_MS)


def _lines() -> list[bytes]:
    """An export of many chains, as one of some years would be."""
    at, lines = datetime(2026, 12, 1, tzinfo=UTC), [header("2026-12-01T00:00:00Z", Scope()).encode()]
    for chain in range(CHAINS):
        prev, name = BEGINNING, f"checkout--1.{chain}.0"
        lines.append(chain_line(name).encode())
        for number in range(RECORDS // CHAINS):
            where = {"stage": "production", "environment": "production"}
            evidence = {"code": "", "targets": ["weu", "neu"], "of": where}
            words, id = f"deploys 1.{chain}.0 to production", f"{name}:production:{number}"
            line = chained(AuditRecord(id, at, "slipway", "stage.deploying", words, evidence), prev)
            prev = json.loads(line)["hash"]
            lines.append(line.encode())
    return [*lines, end(CHAINS, RECORDS).encode()]


def _verified(lines: list[bytes]) -> None:
    verified = verify_file(lines)
    assert verified.records == RECORDS and [each.what for each in verified.findings] == ["unsigned"]


def _plainly(lines: list[bytes]) -> None:
    """The same by hand: read the record, write it anew without its hash, hash that."""
    for line in lines:
        record = json.loads(line)
        if "hash" in record:
            found = record.pop("hash")
            text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
            assert hashlib.sha256(text.encode()).hexdigest() == found


def _appends() -> list[float]:
    """Milliseconds each; a promotion's chain has some dozens."""
    with tempfile.TemporaryDirectory() as folder, run_standin(Path(folder)) as standin:
        ready = standin.ready
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        settings = Settings(blobs_endpoint=f"{ready['url']}/blob", ca_file=Path(ready["ca"]))
        log, at = AuditLog(settings), datetime(2026, 12, 1, tzinfo=UTC)

        def append(number: int) -> None:
            chain = f"checkout--1.{number // 30}.0"
            log.append(chain, AuditRecord(f"r{number}", at, "slipway", "stage.deploying", "deploys", {"n": number}))

        for number in range(30):
            append(number)
        return [ms(lambda number=number: append(number)) for number in range(30, APPENDS)]  # type: ignore[misc]


def _cpu_s(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
