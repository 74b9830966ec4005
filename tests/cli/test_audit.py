"""`slipway audit`: a trail is taken away, verified on its own, and reported from."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from slipway.promotion.outcomes import iso
from tests.cli.api_server import ApiServer
from tests.cli.conftest import Slipway
from tests.promotion.audit_trails import NOON, a_trail, signing_key
from tests.promotion.test_audit_report import a_release, signed

SIGNED = "checkpoints/2026-12"


def written(lines: list[bytes], name: str = "trail.jsonl") -> str:
    Path(name).write_bytes(b"".join(lines))
    return name


def serve(server: ApiServer, **chains: list[bytes]) -> None:
    """Each chain comes in two parts, cut in the middle of a line."""
    listed = [{"name": name, "size": len(b"".join(lines)), "grew_at": iso(NOON)} for name, lines in chains.items()]
    page = {"chains": listed, "after": None, "at": iso(NOON + timedelta(hours=1))}
    server.on("GET /api/audit/chains", (200, page))
    parts = []
    for name in sorted(chains, key=lambda each: (not each.startswith("checkpoints/"), list(chains).index(each))):
        text = b"".join(chains[name]).decode("latin-1")
        parts.append((200, {"text": text[:200], "next": 200, "size": len(text)}))
        parts.append((200, {"text": text[200:], "next": None, "size": len(text)}))
    server.on("GET /api/audit/chain", *parts)


def test_a_trail_is_exported_and_verifies(slipway: Slipway, server: ApiServer) -> None:
    trail = a_trail()
    serve(server, **trail.chains, **{SIGNED: trail.checkpoints})
    taken = slipway("audit", "export", "trail.jsonl")
    assert taken.exit_code == 0, taken.stderr
    assert Path("trail.jsonl").read_bytes() == b"".join(trail.file())
    verified = slipway("audit", "verify", "trail.jsonl")
    assert verified.exit_code == 0 and "✓ whole: 12 records in 2 chains, 3 checkpoints" in verified.stdout
    assert "nobody vouches for the key" in verified.stdout and "2 records came later" in verified.stdout


def test_only_what_grew_in_the_time_and_is_of_the_service_is_taken(slipway: Slipway, server: ApiServer) -> None:
    trail = a_trail()
    only = {SIGNED: trail.checkpoints, "orders--2.0.0": trail.chains["orders--2.0.0"]}
    serve(server, **only, **{"checkout--1.0.0": trail.chains["checkout--1.0.0"]})
    taken = slipway(
        "audit", "export", "trail.jsonl", "--service", "orders", "--from", "2026-12-01", "--to", "2026-12-01"
    )
    assert taken.exit_code == 0, taken.stderr
    asked = [query["name"] for asked, query, _ in server.heard if asked == "GET /api/audit/chain"]
    assert set(asked) == {SIGNED, "orders--2.0.0"}
    assert slipway("audit", "verify", "trail.jsonl").exit_code == 0


def test_a_key_that_is_named_vouches_and_another_one_does_not(slipway: Slipway) -> None:
    file = written(a_trail().file())
    Path("jwks.json").write_text(json.dumps({"keys": [signing_key().jwk]}))
    assert "one of yours" in slipway("audit", "verify", file, "--key", "jwks.json").stdout
    Path("jwks.json").write_text(json.dumps({"keys": [signing_key("https://vault.example/keys/other/1").jwk]}))
    refused = slipway("audit", "verify", file, "--key", "jwks.json")
    assert refused.exit_code == 1 and "none of your keys" in refused.stdout


def test_a_broken_trail_ends_with_1_and_names_the_record(slipway: Slipway) -> None:
    trail = a_trail()
    trail.chains["orders--2.0.0"].pop(2)
    result = slipway("audit", "verify", written(trail.file()))
    assert result.exit_code == 1
    assert "missing: orders--2.0.0, record 3 (orders--2.0.0:4)" in " ".join(result.stdout.split())
    told = json.loads(slipway("audit", "verify", "trail.jsonl", "--json").stdout)
    assert told["intact"] is False and told["findings"][0]["number"] == 3


@pytest.mark.parametrize("lines", [[b"no trail\n"], [b"\xef\xbb\xbf{}\n"], []])
def test_what_is_no_trail_ends_with_2(slipway: Slipway, lines: list[bytes]) -> None:
    assert slipway("audit", "verify", written(lines)).exit_code == 2
    assert slipway("audit", "verify", "absent.jsonl").exit_code == 2


def test_a_trail_is_fetched_from_an_address_with_limits(
    slipway: Slipway, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("GET /trail.jsonl", (200, b"".join(a_trail().file()).decode()))
    assert slipway("audit", "verify", f"{server.url}/trail.jsonl").exit_code == 0
    monkeypatch.setattr("slipway.cli.audit.verify.LARGEST", 100)
    assert slipway("audit", "verify", f"{server.url}/trail.jsonl").exit_code == 2
    for place in (f"{server.url}/absent", "http://audit.example/trail.jsonl", "ftp://audit.example/trail"):
        assert slipway("audit", "verify", place).exit_code == 2, place


def test_a_report_is_made_of_an_export_as_a_page_and_as_a_table(slipway: Slipway) -> None:
    file = written(signed(checkout__1_1_0=a_release()).file())
    page = slipway("audit", "report", "--environment", "production", "--file", file, "-o", "report.html")
    assert page.exit_code == 0, page.stderr
    assert "The audit trail is whole." in Path("report.html").read_text("utf-8")
    table = slipway("audit", "report", "--environment", "production", "--file", file, "--format", "csv")
    assert table.exit_code == 0 and table.stdout.count("\n") >= 2 and "bob@shop.example" in table.stdout


def test_a_report_takes_the_trail_itself_and_ends_with_1_when_it_is_not_whole(
    slipway: Slipway, server: ApiServer
) -> None:
    trail = signed(checkout__1_1_0=a_release())
    serve(server, **{SIGNED: trail.checkpoints}, **trail.chains)
    assert slipway("audit", "report", "--environment", "production").exit_code == 0
    serve(server, **{SIGNED: trail.checkpoints, "checkout--1.1.0": a_release()[:9]})
    broken = slipway("audit", "report", "--environment", "production")
    assert broken.exit_code == 1 and "NOT whole" in broken.stdout and "cut off" in broken.stderr


def test_a_day_that_is_none_is_wrong_usage(slipway: Slipway) -> None:
    result = slipway("audit", "report", "--environment", "production", "--from", "2026-13-01")
    assert result.exit_code == 2 and "2026-13-01" in result.stderr


def test_a_trail_that_nobody_signed_for_long_is_stale(slipway: Slipway) -> None:
    late = replace(a_trail(), exported_at=NOON + timedelta(days=1))
    assert "stale" in slipway("audit", "verify", written(late.file())).stdout
