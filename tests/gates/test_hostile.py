"""Whatever lies in the place of evidence, a gate has an answer, and a small one."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.gates.answer import MOST_WORDS, GateAnswer
from slipway.promotion.gates.kinds import KINDS
from tests.gates.evidence_files import FILES, answer
from tests.gates.test_provenance import envelope, limits

SETTINGS: dict[str, dict[str, Any]] = {
    "tests": {"skipped": 0},
    "coverage": {"line": 0.5, "branch": 0.5, "not_lower": True},
    "sarif": {"max": {"error": 0}, "new": 0},
    "sbom": {"max": {"critical": 0}, "denied_licences": ["AGPL-*"]},
    "provenance": limits(),
}
KIND_OF = {".sarif": "sarif", ".lcov": "coverage"}


def kind_of(name: str) -> str:
    if name.startswith("slsa"):
        return "provenance"
    if name.startswith(("pytest", "jest.xml", "surefire")):
        return "tests"
    if "coverage" in name or "cobertura" in name:
        return "coverage"
    return next((kind for ending, kind in KIND_OF.items() if name.endswith(ending)), "sbom")


def is_an_answer(said: GateAnswer) -> None:
    assert said.outcome in ("passed", "failed", "broken")
    assert (said.code == "") == said.passed and said.words
    assert len(said.words) <= MOST_WORDS and "\n" not in said.words
    assert len(json.dumps(said.facts, ensure_ascii=False).encode()) <= 2048


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_a_file_that_is_cut_off_or_changed_anywhere_has_an_answer(name: str) -> None:
    """What was changed may still be sound; what was cut off is not."""
    kind, content = kind_of(name), (FILES / name).read_bytes()
    whole = envelope(content) if kind == "provenance" else content
    draw = random.Random(name)
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.choice(b'"{}[]<>&,:0-\\\x00\xff')
        is_an_answer(answer(kind, bytes(changed), SETTINGS[kind], {"line": 0.9, "findings": ""}))
        cut_off = answer(kind, whole[: draw.randrange(len(whole.rstrip()) - 1)], SETTINGS[kind])
        is_an_answer(cut_off)
        assert not cut_off.passed or name.endswith(".lcov"), "a part of lcov may end between two records"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_any_other_gate_is_refused_not_passed(kind: str) -> None:
    for path in FILES.iterdir():
        if kind_of(path.name) != kind:
            said = answer(kind, path.read_bytes(), SETTINGS[kind])
            assert said.outcome == "broken", (kind, path.name, said)


KEYS = (
    "version runs tool driver results bomFormat specVersion components vulnerabilities spdxVersion packages "
    "payloadType payload signatures sig mediaType rules locations message suppressions metadata"
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["2.1.0", "CycloneDX"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from(["sarif", "sbom", "provenance"]))
def test_json_of_any_shape_has_an_answer(document: Any, kind: str) -> None:
    is_an_answer(answer(kind, json.dumps(document).encode(), SETTINGS[kind]))
