"""Evidence for the tests of gates: files as the tools write them, and a build that they are of."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.kinds import judge
from slipway.promotion.gates.plan import GatePlan

FILES = Path(__file__).parent / "files"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COMMIT = "0f5ec23aa1b0c4d5e6f708192a3b4c5d6e7f8091"
DIGEST = "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def a_build(**changes: Any) -> Build:
    """checkout 1.1.0, which the files are of."""
    said = {"commit": COMMIT, "branch": "main", "author": "bob@shop.example", "digest": DIGEST, "finished_at": NOW}
    return Build(**{"service": "checkout", "version": "1.1.0", **said, **changes})


def answer(
    kind: str,
    evidence: str | bytes,
    settings: dict[str, Any],
    previous: dict[str, Any] | None = None,
    now: datetime = NOW,
    **of_build: Any,
) -> GateAnswer:
    """What a gate of that kind answers of a file of the folder, or of these bytes."""
    content = evidence if isinstance(evidence, bytes) else (FILES / evidence).read_bytes()
    gate = GatePlan(kind, kind, settings, evidence=kind)
    return judge(gate, io.BytesIO(content), a_build(**of_build), previous, now)


def text(name: str) -> str:
    return (FILES / name).read_text()
