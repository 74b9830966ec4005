"""Evidence in a build message: what is taken, what stays as it is, and what is refused by its name."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.build_messages.slipway import parse_slipway_build
from slipway.promotion.errors import BuildRejected

EXAMPLE = Path(__file__).parents[2] / "examples" / "build-with-evidence.json"


def parsed(evidence: Any) -> dict[str, Any]:
    message = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return parse_slipway_build(message | {"evidence": evidence}).evidence


def test_the_example_brings_its_evidence_and_what_is_none_stays_as_it_is() -> None:
    written = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    found = parse_slipway_build(written).evidence
    assert found == written["evidence"]
    assert parsed({"coverage": {"line": 0.81}, "ci": {"url": "ci/7"}}) == {
        "coverage": {"line": 0.81},
        "ci": {"url": "ci/7"},
    }


def test_a_moment_of_any_zone_becomes_utc() -> None:
    found = parsed({"coverage": {"inline": "TN:", "produced_at": "2026-11-24T12:58:00+01:00"}})
    assert found["coverage"]["produced_at"] == "2026-11-24T11:58:00Z"


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("coverage", {"url": "http://artifacts.example/x"}, "coverage.url"),
        ("coverage", {"url": "https://a.example/x y"}, "coverage.url"),
        ("coverage", {"url": "https://a.example/x", "inline": "TN:"}, "has either `url` or `inline`"),
        ("coverage", {"sha256": "a" * 64}, "has either `url` or `inline`"),
        ("coverage", {"inline": 7}, "coverage.inline"),
        ("coverage", {"inline": "TN:", "sha265": "a"}, "coverage.sha265"),
        ("coverage", {"inline": "TN:", "sha256": "short"}, "coverage.sha256"),
        ("uat", {"inline": "TN:", "produced_at": "2026-11-24T12:00:00"}, "time zone"),
        ("uat", {"inline": "TN:", "produced_at": "2026-13-45T12:00:00Z"}, "is not a moment"),
        ("uat", {"inline": "x" * 40_000}, "give what is larger by its address"),
    ],
)
def test_evidence_that_no_gate_could_read_is_refused_where_it_stands(
    name: str, entry: dict[str, Any], words: str
) -> None:
    with pytest.raises(BuildRejected) as refused:
        parsed({name: entry})
    assert refused.value.code == "INVALID_BUILD" and words in refused.value.words, refused.value.words
