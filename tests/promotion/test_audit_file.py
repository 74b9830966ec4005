"""An audit trail in a file: whole as exported, and every attack upon it is named at the record where it shows."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.audit_checkpoint import NotACheckpoint, place_of
from slipway.promotion.audit_file import AuditUnreadable, verify_file
from slipway.promotion.audit_keys import KeyUnreadable, read_jwks, thumbprint
from slipway.promotion.audit_line import LONGEST
from slipway.promotion.audit_scope import Scope
from slipway.promotion.outcomes import iso
from tests.promotion.audit_trails import NOON, Trail, a_trail, head_of, lines_of, rewritten, signing_key

ONE, TWO = "checkout--1.0.0", "orders--2.0.0"
MONTH = place_of(iso(NOON))
WHOLE = a_trail()


def test_a_trail_is_whole_and_says_how_far_it_is_signed() -> None:
    verified = WHOLE.verified()
    assert verified.intact, verified.findings
    assert (verified.chains, verified.records, verified.checkpoints, verified.unsigned) == (2, 12, 3, 2)
    assert verified.newest and verified.newest.number == 3 and not verified.pinned
    assert verified.thumbprints == (thumbprint(signing_key().jwk),)


def test_every_sound_record_is_told_in_order() -> None:
    told: list[tuple[str, str]] = []
    verify_file(WHOLE.file(), None, lambda chain, record: told.append((chain, record.id)))
    assert told == [(name, f"{name}:{number}") for name in (ONE, TWO) for number in range(1, 7)]


@pytest.mark.parametrize("place", range(len(WHOLE.chains[ONE][3])))
def test_each_byte_of_a_record_shows_when_it_is_altered(place: int) -> None:
    line = WHOLE.chains[ONE][3]
    for other in {line[place] ^ 1, line[place] ^ 0x20, 0x20, 0x30} - {line[place], 0x0A}:
        lines = [*WHOLE.chains[ONE]]
        lines[3] = line[:place] + bytes([other]) + line[place + 1 :]
        found = replace(WHOLE, chains={**WHOLE.chains, ONE: lines}).found()
        assert found[0] == ("altered", ONE, 4), (place, other, found)


@settings(max_examples=150)
@given(st.data())
def test_any_byte_of_a_whole_file_shows_when_it_is_altered(data: st.DataObject) -> None:
    text = b"".join(WHOLE.file())
    after_the_header = len(WHOLE.file()[0])
    place = data.draw(st.integers(after_the_header, len(text) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda each: each != text[place]))
    changed = (text[:place] + bytes([other]) + text[place + 1 :]).splitlines(keepends=True)
    # An altered byte may make a line end: the file is then read as what it has become.
    with suppress(AuditUnreadable, NotACheckpoint):
        assert verify_file(changed).findings


def test_one_record_removed_is_named_by_the_one_that_follows_it() -> None:
    lines = WHOLE.chains[TWO]
    trail = replace(WHOLE, chains={**WHOLE.chains, TWO: lines[:2] + lines[3:]})
    (finding,) = trail.verified().findings
    assert (finding.what, finding.chain, finding.number, finding.id) == ("missing", TWO, 3, f"{TWO}:4")


def test_two_records_swapped_are_reordered() -> None:
    one, two, three, *rest = WHOLE.chains[ONE]
    trail = replace(WHOLE, chains={**WHOLE.chains, ONE: [one, three, two, *rest]})
    assert trail.found() == [("reordered", ONE, 2)]


def test_a_record_that_is_there_twice_or_put_in_is_doubled() -> None:
    lines = WHOLE.chains[ONE]
    assert replace(WHOLE, chains={**WHOLE.chains, ONE: [*lines[:3], *lines[2:]]}).found() == [("doubled", ONE, 4)]
    other = lines_of(ONE, 3, code="ANOTHER")[0]
    put_in = replace(WHOLE, chains={**WHOLE.chains, ONE: [lines[0], other, *lines[1:]]})
    assert put_in.found() == [("doubled", ONE, 2)]


def test_a_tail_that_was_cut_shows_as_far_as_it_was_signed() -> None:
    lines = WHOLE.chains[ONE]
    assert replace(WHOLE, chains={**WHOLE.chains, ONE: lines[:4]}).found() == [("missing", ONE, 5)]
    after_the_last_checkpoint = replace(WHOLE, chains={**WHOLE.chains, ONE: lines[:5]})
    assert after_the_last_checkpoint.found() == []  # the window that docs/audit.md names


def test_a_chain_written_anew_with_right_hashes_is_not_what_was_signed() -> None:
    lines = [*WHOLE.chains[ONE]]
    lines[1] = lines[1].replace(b'"actor":"slipway"', b'"actor":"nobody!"')[: len(lines[1])]
    trail = replace(WHOLE, chains={**WHOLE.chains, ONE: rewritten(lines)})
    (finding,) = trail.verified().findings
    assert (finding.what, finding.chain, finding.number) == ("altered", ONE, 3)
    assert "checkpoint 1" in finding.words and "from record 1 on" in finding.words


def test_a_chain_removed_is_named() -> None:
    trail = replace(WHOLE, chains={ONE: WHOLE.chains[ONE]})
    (finding,) = trail.verified().findings
    assert (finding.what, finding.chain) == ("missing", TWO) and "checkpoint 3 signed 5 records" in finding.words


def test_a_checkpoint_forged_with_another_key_shows_to_whoever_names_the_right_one() -> None:
    other = signing_key("https://vault.example/keys/audit/forged")
    forged = Trail(dict(WHOLE.chains))
    forged.check(
        NOON + timedelta(minutes=5), *(head_of(name, lines) for name, lines in forged.chains.items()), key=other
    )
    right = {signing_key().jwk["kid"]: signing_key().jwk}
    assert WHOLE.verified(right).intact and WHOLE.verified(right).pinned
    (first, *_) = forged.verified(right).findings
    assert first.what == "forged" and other.jwk["kid"] in first.words
    # Under the right key's name it is no better.
    posed = Trail(dict(WHOLE.chains))
    pretends = replace(other, jwk={**other.jwk, "kid": signing_key().jwk["kid"]})
    posed.check(NOON, *(head_of(name, lines) for name, lines in posed.chains.items()), key=pretends)
    assert posed.verified(right).findings[0].what == "forged"
    # Whoever names no key learns whose it is, and that nobody vouches for it.
    assert forged.verified().intact and forged.verified().thumbprints != WHOLE.verified().thumbprints


def test_a_checkpoint_whose_signature_is_another_ones_is_forged() -> None:
    one, two, three = WHOLE.checkpoints
    signature = json.loads(one)["signature"]
    mixed = two.replace(json.loads(two)["signature"].encode(), signature.encode())
    assert replace(WHOLE, checkpoints=[one, mixed, three]).found()[0] == ("forged", MONTH, 0)


def test_a_checkpoint_removed_replayed_or_swapped_shows() -> None:
    one, two, three = WHOLE.checkpoints
    assert replace(WHOLE, checkpoints=[one, three]).found()[0] == ("missing", MONTH, 0)
    assert replace(WHOLE, checkpoints=[two, three]).found()[0] == ("missing", MONTH, 0)
    assert replace(WHOLE, checkpoints=[one, two, three, one]).found()[0] == ("doubled", MONTH, 0)
    assert replace(WHOLE, checkpoints=[one, three, two]).found()[0] == ("missing", MONTH, 0)


def test_no_checkpoint_at_all_is_no_proof() -> None:
    assert replace(WHOLE, checkpoints=[]).found() == [("unsigned", "", 0)]


def test_checkpoints_cut_at_their_end_show_by_their_age() -> None:
    late = replace(WHOLE, exported_at=NOON + timedelta(hours=3))
    assert late.found() == [("stale", "", 0)]


def test_a_key_is_rotated_and_both_have_signed() -> None:
    trail, newer = a_trail(), signing_key("https://vault.example/keys/audit/2", "RSA")
    trail.check(NOON + timedelta(minutes=20), head_of(ONE, trail.chains[ONE]), key=newer)
    keys = read_jwks(json.dumps({"keys": [signing_key().jwk, newer.jwk]}))
    assert trail.verified(keys).intact and len(trail.verified(keys).thumbprints) == 2
    (finding,) = trail.verified({newer.jwk["kid"]: newer.jwk}).findings[:1]
    assert finding.what == "forged" and "none of your keys" in finding.words


def test_another_version_of_the_format_is_said_and_not_guessed() -> None:
    newer = [WHOLE.file()[0].replace(b"slipway-audit/1", b"slipway-audit/2"), *WHOLE.file()[1:]]
    with pytest.raises(AuditUnreadable) as refused:
        verify_file(newer)
    assert refused.value.code == "AUDIT_FORMAT_NEWER"
    signed = [each.replace(b"slipway-checkpoint/1", b"slipway-checkpoint/2") for each in WHOLE.checkpoints]
    with pytest.raises(NotACheckpoint) as newer_checkpoint:
        replace(WHOLE, checkpoints=signed).verified()
    assert newer_checkpoint.value.code == "AUDIT_FORMAT_NEWER"


@pytest.mark.parametrize("first", [b"", b"\xef\xbb\xbf{}\n", b"[" * 100_000, b'{"audit":1}\n', b"PK\x03\x04"])
def test_a_file_of_another_kind_is_named(first: bytes) -> None:
    with pytest.raises(AuditUnreadable) as refused:
        verify_file([first])
    assert refused.value.code == "AUDIT_FILE_UNREADABLE"


def test_line_ends_of_another_system_are_an_alteration() -> None:
    lines = [line.replace(b"\n", b"\r\n") for line in WHOLE.chains[ONE]]
    assert replace(WHOLE, chains={**WHOLE.chains, ONE: lines}).found() == [("altered", ONE, 1)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"action":"a","action":"b"}\n', id="a member twice"),
        pytest.param(b'{"action":"a","evidence":{"n":NaN}}\n', id="NaN"),
        pytest.param(b'{"action":"' + b"x" * (LONGEST + 1) + b'"}\n', id="a huge line"),
        pytest.param(b'{"action":"' + b"[" * 200_000 + b"\n", id="deep"),
        pytest.param(b"\xff\xfe\n", id="no text"),
        pytest.param(b"\n", id="nothing"),
        pytest.param(b'{"action":"a"}', id="no line end"),
    ],
)
def test_a_line_that_no_record_can_be_is_altered(line: bytes) -> None:
    lines = [*WHOLE.chains[TWO][:2], line, *WHOLE.chains[TWO][2:]]
    assert replace(WHOLE, chains={**WHOLE.chains, TWO: lines}).found() == [("altered", TWO, 3)]


def test_a_file_that_was_cut_or_lengthened_says_so() -> None:
    whole = WHOLE.file()
    assert [each.what for each in verify_file(whole[:-1]).findings] == ["missing"]
    assert [each.what for each in verify_file([*whole, b"more\n"]).findings] == ["altered"]
    assert [each.what for each in verify_file([*whole[:-1], whole[-1].replace(b"15", b"16")]).findings] == ["missing"]


def test_a_part_of_the_trail_needs_what_grew_in_its_time_and_is_of_its_service() -> None:
    of_orders = replace(WHOLE, chains={TWO: WHOLE.chains[TWO]}, scope=Scope(service="orders"))
    assert of_orders.found() == []
    assert replace(of_orders, chains={}).found() == [("missing", TWO, 0)]
    before = Scope(ends=iso(NOON - timedelta(hours=1)))
    assert replace(WHOLE, chains={}, scope=before).found() == []
    after = Scope(begins=iso(NOON + timedelta(minutes=12)))
    assert replace(WHOLE, chains={}, scope=after).found() == [("missing", ONE, 0), ("missing", TWO, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}',
        '{"kty": "EC", "kid": "1", "crv": "P-256", "x": 1, "y": "b"}',
    ],
)
def test_keys_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(KeyUnreadable):
        read_jwks(text)


def test_a_weak_key_and_another_curve_are_refused() -> None:
    weak = {"kty": "RSA", "kid": signing_key().jwk["kid"], "n": "AQAB", "e": "AQAB"}
    for jwk in (weak, {**signing_key().jwk, "crv": "P-384"}, {**signing_key().jwk, "x": "AQAB"}):
        with pytest.raises(KeyUnreadable):
            WHOLE.verified({jwk["kid"]: jwk})
