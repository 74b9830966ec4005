"""A message is a build, or is rejected with the reason."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion import schema
from slipway.promotion.build import Build
from slipway.promotion.build_messages import parse_build
from slipway.promotion.errors import BuildRejected

DIGEST = "sha256:" + "0af" * 21 + "0"
MESSAGE: dict[str, Any] = {
    "service": "checkout",
    "version": "1.4.2",
    "commit": "9b2c1de",
    "branch": "main",
    "author": "bob@shop.example",
    "finished_at": "2026-03-01T09:30:00Z",
}
FULL = MESSAGE | {"result": "failed", "digest": DIGEST, "evidence": {"coverage": {"line": 0.81}}}
SCHEMA = json.loads((Path(schema.__file__).parent / "build.schema.json").read_text(encoding="utf-8"))


def a_message(**changes: Any) -> bytes:
    return json.dumps(MESSAGE | changes).encode()


def rejected(body: bytes) -> BuildRejected:
    with pytest.raises(BuildRejected) as refused:
        parse_build(body)
    assert len(refused.value.words) < 2000
    refused.value.words.encode()
    return refused.value


def test_the_shortest_message_is_a_succeeded_build() -> None:
    assert parse_build(a_message()) == Build(
        service="checkout",
        version="1.4.2",
        commit="9b2c1de",
        branch="main",
        author="bob@shop.example",
        finished_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        result="succeeded",
        digest="",
        source="slipway",
        evidence={},
    )


def test_a_full_message_keeps_all_that_it_says() -> None:
    build = parse_build(json.dumps(FULL).encode())
    assert (build.result, build.digest, build.evidence) == ("failed", DIGEST, {"coverage": {"line": 0.81}})
    assert Build.load(json.loads(json.dumps(build.dump()))) == build


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-03-01T10:30:00+01:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00.1234567Z", datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-02-28T23:30:00-10:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_moments_of_any_zone_are_kept_in_utc(written: str, utc: datetime) -> None:
    build = parse_build(a_message(finished_at=written))
    assert build.finished_at == utc
    assert build.dump()["finished_at"].endswith("Z")


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse_build(b"\xef\xbb\xbf" + a_message()).version == "1.4.2"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("service", "Checkout", "service: is not a name"),
        ("service", " checkout", "service: is not a name"),
        ("service", "check--out", "service: is not a name"),
        ("service", None, "service: is not text"),
        ("version", "1.4.2\n", "version: is not a version"),
        ("version", " 1.4.2", "version: is not a version"),
        ("version", "1/4", "version: is not a version"),
        ("version", "v" * 65, "version: is not a version"),
        ("version", 1.4, "version: is not text"),
        ("commit", "", "commit: is empty or holds control characters"),
        ("commit", "a" * 101, "commit: is longer than 100 characters"),
        ("branch", "ma\x00in", "branch: is empty or holds control characters"),
        ("author", "bob\n", "author: is empty or holds control characters"),
        ("finished_at", "2026-03-01T09:30:00", "finished_at: has no time zone"),
        ("finished_at", "2026-13-01T09:30:00Z", "finished_at: is not a moment"),
        ("finished_at", "0001-01-01T00:00:00+10:00", "finished_at: is not a moment"),
        ("finished_at", "2026-03-01", "finished_at: is not a moment"),
        ("finished_at", 1772357400, "finished_at: is not a moment"),
        ("finished_at", "２０２６-03-01T09:30:00Z", "finished_at: is not a moment"),
        ("result", "success", "result: can be 'succeeded', 'partially-succeeded', 'failed' or 'canceled'"),
        ("digest", "sha256:abc", "digest: is not sha256: and 64 small hex digits"),
        ("digest", DIGEST.upper(), "digest: is not sha256: and 64 small hex digits"),
        ("digest", None, "digest: is not text"),
        ("evidence", [], "evidence: is not an object"),
        ("evidence", {"log": "ä" * 16_384}, "evidence: has 32778 bytes; at most 32768 are kept"),
        ("colour", "blue", "colour: is not a field"),
        ("members", ["api"], "members: is not an object"),
        ("members", {"api": 1}, "members.api: is not text"),
        ("members", {"api": "1/4"}, "members.api: is not a version"),
        ("members", {"API": "1.4.2"}, "members.API: is not a name"),
        ("members", {f"m{n}": "1" for n in range(11)}, "members: names 11 members; a group has at most 10"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(field: str, value: Any, words: str) -> None:
    refused = rejected(a_message(**{field: value}))
    assert refused.code == "INVALID_BUILD"
    assert refused.words.startswith(words)


def test_another_composition_under_the_same_version_is_another_build() -> None:
    one, same, other = (
        parse_build(a_message(members=members))
        for members in ({"api": "1", "web": "2"}, {"web": "2", "api": "1"}, {"api": "1", "web": "3"})
    )
    assert one.is_same(same.digest, same.commit)
    assert not one.is_same(other.digest, other.commit), "though it has the same commit"
    assert parse_build(a_message(members=one.members, digest=one.digest)) == one, "as it is sent once more"
    assert rejected(a_message(members=one.members, digest=DIGEST)).words.startswith("digest: is none that a group has")


@pytest.mark.parametrize("field", [field for field in MESSAGE if field != "service"])
def test_a_missing_field_is_named(field: str) -> None:
    refused = rejected(json.dumps({key: value for key, value in MESSAGE.items() if key != field}).encode())
    assert (refused.code, refused.words) == ("INVALID_BUILD", f"{field}: is missing")


def test_all_wrong_fields_are_named_at_once() -> None:
    refused = rejected(a_message(version="1/4", branch=""))
    assert "version: " in refused.words
    assert "branch: " in refused.words


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"service": "checkout"',
        b"\xff\xfe{}",
        json.dumps(MESSAGE).encode("utf-16"),
        b'{"service": "checkout", "evidence": {"share": NaN}}',
        b'{"service": "checkout", "evidence": {"share": -Infinity}}',
        b'{"service": "checkout", "evidence": {"share": 1e999}}',
        b'{"service": "checkout", "evidence": {"share": ' + b"9" * 5000 + b"}}",
        b'{"service": "checkout", "author": "\\ud800"}',
        b'{"service": "checkout", "\\udfff": 1}',
        b'{"service": "checkout", "service": "cart"}',
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[" * 33 + b"]" * 33,
        a_message(evidence=json.loads("[" * 900 + "]" * 900)),
    ],
)
def test_what_is_no_sound_json_is_rejected_as_such(body: bytes) -> None:
    assert rejected(body).code == "NOT_JSON"


def test_more_than_256_kib_are_not_read() -> None:
    assert rejected(b" " * (256 * 1024 + 1)).code == "TOO_LARGE"
    assert rejected(b" " * (256 * 1024)).code == "NOT_JSON"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b'"service"', b'{"eventType": "build.complete"}'])
def test_an_unknown_shape_is_told_which_are_known(body: bytes) -> None:
    refused = rejected(body)
    assert refused.code == "UNKNOWN_SHAPE"
    assert "the shapes known are: slipway, Azure DevOps service hook, GitHub workflow_run" in refused.words


def test_the_published_schema_accepts_what_is_parsed() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(MESSAGE)
    validator.validate(FULL)
    assert not validator.is_valid(MESSAGE | {"colour": "blue"})
    assert not validator.is_valid(MESSAGE | {"version": "1/4"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_a_build_or_rejected(body: bytes) -> None:
    rejected(body)


@given(st.dictionaries(st.sampled_from([*FULL, "colour"]), JSON, max_size=4))
@settings(deadline=None)
def test_any_message_with_changed_fields_is_a_build_or_rejected(changes: dict[str, Any]) -> None:
    body = json.dumps(FULL | changes).encode()
    try:
        build = parse_build(body)
    except BuildRejected as refused:
        refused.words.encode()
    else:
        assert Build.load(json.loads(json.dumps(build.dump(), allow_nan=False).encode())) == build


RANGE = {"from": 12, "to": 15, "expand": 13, "contract": 14}


def test_a_build_says_on_which_versions_of_its_database_it_runs() -> None:
    build = parse_build(a_message(schema=RANGE))
    assert build.schema == RANGE and Build.load(build.dump()) == build
    assert parse_build(a_message(schema={"from": 12, "to": 12})).schema == {"from": 12, "to": 12}
    assert parse_build(a_message()).schema == {} and "schema" not in parse_build(a_message()).dump()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"from": 12}, "schema.to: is missing"),
        ({"from": 13, "to": 12}, "schema: has to rise"),
        ({**RANGE, "expand": 16}, "schema: has to rise"),
        ({**RANGE, "contract": 13}, "expands and contracts to one version"),
        ({**RANGE, "from": "12"}, "schema.from: "),
        ({**RANGE, "from": 0}, "schema.from: "),
        ({**RANGE, "rollback": 1}, "schema.rollback: is not a field"),
        ("12", "schema: "),
    ],
)
def test_a_range_that_is_none_is_refused_by_field(schema: object, words: str) -> None:
    refused = rejected(a_message(schema=schema))
    assert refused.code == "INVALID_BUILD" and words in refused.words
