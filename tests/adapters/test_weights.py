"""Weights of a container app: what a change of one revision's part leaves alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.adapters.container_apps.apps import Place
from slipway.adapters.container_apps.weights import Weights, percent_of

NEW, LIVE = "shop--v2", "shop--v1"
LABELS = st.sampled_from(["", "green"])


def an_entry(revision: str, weight: int, label: str = "") -> dict[str, Any]:
    return {"revisionName": revision, "weight": weight, **({"label": label} if label else {})}


@st.composite
def divisions(draw: st.DrawFn) -> tuple[Weights, int]:
    """Weights that add up to 100 with parts of others, and what NEW may have of it."""
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=3, max_size=3)))
    new, live, other, rest = (b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True))
    parts = [(NEW, new), (LIVE, live), ("other", other), ("another", rest)]
    entries = [an_entry(name, weight, draw(LABELS)) for name, weight in draw(st.permutations(parts))]
    return Weights.of(entries), draw(st.integers(0, new + live))


@given(divisions())
def test_a_part_is_exact_and_everybody_elses_stays(division: tuple[Weights, int]) -> None:
    before, percent = division
    after = before.divided(NEW, percent, LIVE)
    assert after.percent(NEW) == percent
    assert sum(entry["weight"] for entry in after.entries) == 100
    for other in ("other", "another"):
        assert after.percent(other) == before.percent(other)
    labels = [(entry["revisionName"], entry["label"]) for entry in before.entries if "label" in entry]
    assert [(each["revisionName"], each["label"]) for each in after.entries if "label" in each] == labels
    back = after.divided(NEW, before.percent(NEW), LIVE)
    assert all(back.percent(name) == before.percent(name) for name in (NEW, LIVE, "other", "another"))


def test_nobody_gets_what_others_have() -> None:
    weights = Weights.of([an_entry(LIVE, 30), an_entry("other", 70)])
    with pytest.raises(ValueError, match="30 % together, which is less than 31 %"):
        weights.divided(NEW, 31, LIVE)


def test_the_last_one_cannot_give_its_part_away_to_nobody() -> None:
    with pytest.raises(ValueError, match="no other revision"):
        Weights.of([an_entry(NEW, 100)]).divided(NEW, 5, "")


def test_the_live_one_has_the_most_and_is_the_first_of_equals() -> None:
    weights = Weights.of([an_entry("c", 0), an_entry("a", 40), an_entry("b", 40), an_entry(NEW, 20)])
    assert weights.live() == "a" and weights.live(but="a") == "b"
    assert Weights(()).live() == "" and weights.others("a", NEW) == ("b",)


def test_who_gave_everything_away_gets_it_back() -> None:
    alone = Weights.of([an_entry(LIVE, 100)]).divided(NEW, 100, LIVE)
    assert alone.percent(NEW) == 100 and alone.live(but=NEW) == LIVE
    assert alone.divided(NEW, 0, LIVE).entries == (an_entry(LIVE, 100),)
    later = alone.divided("shop--v3", 10, NEW)
    assert [entry["revisionName"] for entry in later.entries] == [NEW, "shop--v3"], "who is gone for good leaves"


@given(st.floats(0, 1))
def test_a_share_is_rounded_down_but_never_to_nothing(share: float) -> None:
    percent = percent_of(share)
    if share >= 0.01:
        assert percent / 100 <= share + 1e-9 and share * 100 - percent < 1
    else:
        assert percent == (1 if share else 0)


@pytest.mark.parametrize(("share", "percent"), [(0.29, 29), (0.07, 7), (0.999, 99), (1.0, 100)])
def test_a_share_in_round_figures_stays_as_it_is(share: float, percent: int) -> None:
    assert percent_of(share) == percent


VERSIONS = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}", fullmatch=True)


@given(VERSIONS, VERSIONS)
def test_two_versions_have_two_revisions_whose_names_azure_takes(one: str, other: str) -> None:
    place = Place("s", "g", "checkout")
    first, second = place.revision_of(one), place.revision_of(other)
    assert (first == second) == (one == other)
    suffix = first.removeprefix("checkout--")
    assert len(first) <= 54 and "--" not in suffix and suffix.strip("-") == suffix
    assert suffix[0] == "v" and suffix.replace("-", "").isalnum() and suffix == suffix.lower()


def test_a_plain_version_can_be_read_in_its_revision() -> None:
    assert Place("s", "g", "checkout").revision_of("2.0.0") == "checkout--v2-0-0"
