import pytest

from slipway.promotion.pins import Manifest, Pin, Reference, contradicted, how_pinned, pinned_at, reference_of

ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
IMAGE = "shop.azurecr.io/team/storefront:2.4.0"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (IMAGE, Reference("shop.azurecr.io", "team/storefront", "2.4.0")),
        ("Shop.azurecr.io/a:1", Reference("shop.azurecr.io", "a", "1")),
        (f"{IMAGE}@{ONE}", None),
        ("ghcr.io/shop/storefront:2.4.0", None),
        ("shop.azurecr.io.evil.example/a:1", None),
        ("localhost:5000/a:1", None),
        ("shop.azurecr.io/a", None),
        ("https://shop.azurecr.io/a:1", None),
    ],
)
def test_only_a_tag_in_a_registry_of_azures_is_looked_up(address: str, place: Reference | None) -> None:
    assert reference_of(address) == place


def test_a_pinned_address_goes_by_its_digest_and_keeps_its_tag() -> None:
    pin = pinned_at(IMAGE, Manifest(ONE))
    assert pin.at == f"{IMAGE}@{ONE}" and pin.words == f"{IMAGE} is {ONE}"


@pytest.mark.parametrize(
    ("said", "pins", "is_contradicted"),
    [
        (ONE, [Pin("a", "a", ONE)], False),
        (OTHER, [Pin("a", "a", ONE)], True),
        (OTHER, [Pin("a", "a", ONE), Pin("b", "b", OTHER)], False),
        (OTHER, [Pin("a", "a", ONE, parts=(OTHER,))], False),
        (OTHER, [Pin("a", "a", ONE), Pin("b", "b", why_not="it is no blob that keeps its versions")], False),
        ("", [Pin("a", "a", ONE)], False),
        ("md5:1", [Pin("a", "a", ONE)], False),
        (ONE, [], False),
    ],
)
def test_cis_digest_is_contradicted_only_when_it_can_be_that_of_nothing(
    said: str, pins: list[Pin], is_contradicted: bool
) -> None:
    assert contradicted(said, pins) is is_contradicted


def test_a_plan_says_how_before_there_is_a_build() -> None:
    assert how_pinned("shop.azurecr.io/{service}:{version}") == "pinned to its digest when a promotion begins"
    assert how_pinned(f"ghcr.io/a:1@{ONE}").endswith("its pipeline names the digest")
    assert "ghcr.io is not an Azure container registry" in how_pinned("ghcr.io/a:{version}")
