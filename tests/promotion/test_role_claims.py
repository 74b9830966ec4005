"""What a role claim gives, and where; and that no other text gives anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.role_claims import (
    EVERYWHERE,
    LONGEST,
    MOST,
    Place,
    Right,
    right_of,
    roles_anywhere,
    roles_at,
    roles_for_service,
)

STOREFRONT = Place(("production",), "storefront")


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("approver", Right("approver", "*", "*")),
        ("approver@production", Right("approver", "production", "*")),
        ("approver@production/storefront", Right("approver", "production", "storefront")),
        ("operator@*/storefront", Right("operator", "*", "storefront")),
        ("release-manager@*", Right("release-manager", "*", "*")),
        ("ActionGroupsSecureWebhook", Right("ActionGroupsSecureWebhook", "*", "*")),
    ],
)
def test_a_claim_names_a_role_an_environment_and_a_service(claim: str, right: Right) -> None:
    assert right_of(claim) == right


@pytest.mark.parametrize(
    "claim",
    [
        *("", "@", "@production", "approver@", "approver@/", "approver@/storefront", "approver@production/"),
        *("approver@production/storefront/x", "approver@@production", "approver@production@staging"),
        *("approver@Production", "approver@prod*", "approver@**", "approver@*/*x", "approver@production /storefront"),
        *("approver@pro\nduction", "approver\n", " approver", "approver ", "approver@production/storefront\n"),
        *("approver@production/store_front", "approver@..", "approver@../*", "ap prover@*", "*", "*@*", "*@*/*"),
        *("аpprover@production", "approver@prоduction", "approver＠production", "approver\u200b", "approver\x00"),
        "a" * (LONGEST + 1),
        "approver@" + "a" * 64,
    ],
)
def test_what_is_written_otherwise_gives_nothing_anywhere(claim: str) -> None:
    assert right_of(claim) is None
    assert roles_at([claim], STOREFRONT) == roles_at([claim], EVERYWHERE) == roles_anywhere([claim]) == ()


def test_a_role_holds_in_its_place_and_in_no_other() -> None:
    claims = ["approver@production/storefront"]
    assert roles_at(claims, STOREFRONT) == ("approver",)
    for elsewhere in (
        Place(("staging",), "storefront"),
        Place(("production",), "checkout"),
        Place(("production-eu",), "storefront"),
        Place(("production",), ""),
        Place((), "storefront"),
        EVERYWHERE,
    ):
        assert roles_at(claims, elsewhere) == (), elsewhere


def test_a_ring_is_its_own_environment_and_the_one_it_is_written_under() -> None:
    ring = Place(("production-eu", "production"), "storefront")
    assert roles_at(["operator@production"], ring) == roles_at(["operator@production-eu"], ring) == ("operator",)
    assert roles_at(["operator@production-us"], ring) == ()
    whole = Place(("production",), "storefront")
    assert roles_at(["operator@production-eu"], whole) == ()


def test_several_claims_of_one_role_add_up_and_are_named_once() -> None:
    claims = ["qa@staging", "qa@production", "reader"]
    assert roles_at(claims, Place(("staging",), "x")) == ("qa", "reader")
    assert roles_anywhere(claims) == ("qa", "reader")
    assert roles_at(claims, EVERYWHERE) == ("reader",)


def test_what_holds_for_a_service_in_some_environment() -> None:
    claims = ["approver@production/storefront", "operator@*/checkout", "reader@staging"]
    assert roles_for_service(claims, "storefront") == ("approver", "reader")
    assert roles_for_service(claims, "checkout") == ("operator", "reader")
    assert roles_for_service(claims, "billing") == ("reader",)


def test_beyond_so_many_claims_none_is_read() -> None:
    claims = [f"role-{n}" for n in range(MOST)]
    assert roles_at([*claims, "admin"], EVERYWHERE) == tuple(claims)
    assert "admin" in roles_at(["admin", *claims], EVERYWHERE)


_NAMES = st.sampled_from(["production", "staging", "storefront", "checkout", "a"])


@given(st.text(max_size=40), _NAMES, _NAMES)
def test_whatever_text_a_claim_is_it_gives_at_most_the_role_that_it_begins_with(
    claim: str, environment: str, service: str
) -> None:
    found = roles_at([claim], Place((environment,), service))
    assert found in ((), (claim.partition("@")[0],))
    if "@" not in claim:
        assert found in ((), (claim,))


@given(_NAMES, _NAMES, _NAMES, _NAMES)
def test_a_scoped_claim_holds_exactly_where_both_parts_agree(e: str, s: str, environment: str, service: str) -> None:
    holds = roles_at([f"operator@{e}/{s}"], Place((environment,), service)) == ("operator",)
    assert holds == ((e, s) == (environment, service))
