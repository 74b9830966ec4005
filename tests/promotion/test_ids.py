from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion import ids

names = st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True)
versions = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}", fullmatch=True)


def test_ids_read_as_the_design_says() -> None:
    promotion = ids.promotion_id("checkout", "1.4.2+5")
    assert promotion == "checkout--1.4.2~5"
    assert ids.promotion_id("checkout", "1.4.2", 2) == "checkout--1.4.2=2"
    assert ids.is_promotion_id("checkout--1.4.2=2") and not ids.is_promotion_id("checkout--1.4.2=")
    assert ids.stage_id(promotion, "dev") == "checkout--1.4.2~5:dev"
    assert ids.stage_id(promotion, "dev", 2) == "checkout--1.4.2~5:dev:2"
    assert ids.environment_key("production", "checkout") == "production--checkout"


@given(names, versions, names, names)
def test_every_id_is_short_printable_and_without_what_azure_forbids(
    service: str, version: str, stage: str, target: str
) -> None:
    promotion = ids.promotion_id(service, version, 12)
    built = [
        promotion,
        ids.promotion_id(service, version),
        ids.stage_id(promotion, stage),
        ids.child_id(ids.stage_id(promotion, stage), target, "deploy", "1"),
        f"@environment@{ids.environment_key(stage, service)}",
        f"@decisions@{ids.decisions_key(promotion)}",
    ]
    for id in built:
        assert len(id) <= 100 and id.isascii() and id.isprintable()
        assert not set(id) & set("/\\#?")


@given(st.sets(st.tuples(names, versions, st.integers(1, ids.MOST_RUNS)), min_size=2, max_size=8))
def test_two_builds_or_runs_of_one_never_share_an_id(builds: set[tuple[str, str, int]]) -> None:
    assert len({ids.promotion_id(*build) for build in builds}) == len(builds)


def test_long_ids_that_differ_only_at_the_end_stay_apart() -> None:
    parent = "checkout--" + "9" * 60
    assert ids.child_id(parent, "a" * 60, "deploy", "1") != ids.child_id(parent, "a" * 60, "deploy", "2")


@given(st.text(max_size=70))
def test_names_and_versions_are_told_from_other_text(text: str) -> None:
    if ids.is_name(text):
        assert text == text.lower() and "--" not in text and not text.startswith("-")
    if ids.is_version(text):
        assert text[0].isalnum() and len(text) <= 64
