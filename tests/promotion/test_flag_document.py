"""A flag's document: who has it, on and off, and what is not changed because nobody knows what that would do."""

from datetime import timedelta
from typing import Any

import pytest

from slipway.adapters.flags.conclusion import Conclusion
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.flags.document import (
    Document,
    FlagRefused,
    FlagTesters,
    is_off,
    is_on_for,
    share_of,
    switched_off,
    with_share,
)
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.flags.stale import reasons
from tests.adapters.flag_store import targeting, variants
from tests.promotion.builders import NOON
from tests.workflow.flag_world import Flags

NOTE, TESS = Note("team-checkout", "2027-03-01", "checkout"), FlagTesters(("tess",))


def when_disabled(variant: str | None, **more: Any) -> Document:
    document = variants("new", **more)
    document["allocation"].pop("default_when_disabled")
    if variant:
        document["allocation"]["default_when_disabled"] = variant
    return document


@pytest.mark.parametrize("given", ["fast", "classic", "no-such", None])
def test_off_gives_everybody_the_control_whatever_a_disabled_flag_gave_them(given: str | None) -> None:
    flags = Flags()
    flags.changed_by_somebody("new", "", when_disabled(given, percent=30))
    off = Switch(flags).off("new", "", "Alice: orders are lost", "op").document
    assert is_off(off) and off["allocation"]["default_when_disabled"] == "classic"
    assert share_of(off) == share_of({**off, "enabled": True}) == 0 and not is_on_for(off, "bob")


def test_a_control_that_is_kept_is_what_everybody_has() -> None:
    flags = Flags()
    flags.changed_by_somebody("new", "", when_disabled(None, enabled=False))
    Switch(flags).prepare("new", "", TESS, NOTE, "op-1")
    Conclusion(flags).keep("new", "", "control", "control kept", "op-2")
    kept = flags.kept["new", ""].document
    assert not kept["enabled"] and kept["allocation"]["default_when_disabled"] == "classic"


def test_a_disabled_flag_that_gives_everybody_the_variant_counts_as_on_for_all() -> None:
    document = when_disabled("fast", enabled=False)
    assert share_of(document) == 1 and is_on_for(document, "bob") and not is_off(document)
    flags = Flags()
    flags.changed_by_somebody("new", "", document)
    assert Switch(flags).prepare("new", "", TESS, NOTE, "op").share == 1


def test_a_control_that_is_no_variant_is_what_everybody_has_when_it_is_off() -> None:
    document = when_disabled("fast")
    del document["allocation"]["default_when_enabled"]
    assert is_off(switched_off(document)) and "default_when_disabled" not in switched_off(document)["allocation"]


def test_off_leaves_no_share_behind_that_comes_back_when_somebody_enables_it() -> None:
    for document in (targeting("new", 30), variants("new", 30)):
        assert share_of({**switched_off(document), "enabled": True}) == 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Microsoft.Percentage", "FLAG_NOT_STICKY"),
        ("Microsoft.TimeWindow", "FLAG_SHAPE_UNKNOWN"),
        ("Microsoft.Targeting", "FLAG_SHAPE_UNKNOWN"),
        ("Own.Filter", "FLAG_SHAPE_UNKNOWN"),
    ],
)
def test_a_filter_beside_variants_is_refused_and_can_be_switched_off(name: str, code: str) -> None:
    document = variants("new", 30, conditions={"client_filters": [{"name": name, "parameters": {"Value": 10}}]})
    for ask in (share_of, lambda it: with_share(it, 0.5)):
        with pytest.raises(FlagRefused, match=code):
            ask(document)
    flags = Flags()
    flags.changed_by_somebody("new", "", {**document, "enabled": False})
    with pytest.raises(FlagRefused, match=code):
        Switch(flags).prepare("new", "", TESS, NOTE, "op")
    assert is_off(switched_off(document))


@pytest.mark.parametrize(("days", "share"), [(29, 100), (30, 100), (30, 0), (31, 50)])
def test_a_flag_that_is_the_same_for_all_for_a_month_is_stale(days: int, share: int) -> None:
    tags = {"owner": "team", "expires": "2027-03-01"}
    setting = FlagSetting("new", "", targeting("new", share), "", tags, NOON - timedelta(days=days))
    found = reasons(setting, [("new", "")], NOON)
    whom = "everybody" if share else "nobody"
    long = f"on for {whom} and unchanged for {days} days: take it out of the code"
    assert found == ((long,) if days >= 30 and share != 50 else ())


@pytest.mark.parametrize(("days", "stale"), [(-1, True), (0, False), (1, False)])
def test_a_flag_is_expired_from_the_day_after_its_day_of_expiry_on(days: int, stale: bool) -> None:
    ends = (NOON + timedelta(days=days)).date().isoformat()
    setting = FlagSetting("new", "", targeting("new", 30), "", {"owner": "team", "expires": ends}, NOON)
    assert reasons(setting, [("new", "")], NOON) == ((f"expired on {ends}",) if stale else ())


def test_a_word_that_keeps_a_flag_off_outlives_every_edit_that_leaves_it_off() -> None:
    flags = Flags()
    flags.changed_by_somebody("new", "", targeting("new", 30))
    switch = Switch(flags)
    switch.off("new", "", "Alice: orders are lost", "op-1")
    flags.changed_by_somebody("new", "", {**flags.kept["new", ""].document, "description": "see the incident"})
    assert flags.kept["new", ""].off_words == "Alice: orders are lost"
    assert switch.prepare("new", "", TESS, NOTE, "op-2").off == "Alice: orders are lost"
    switch.lift("new", "", "op-3")
    assert flags.kept["new", ""].off_words == "" and switch.prepare("new", "", TESS, NOTE, "op-4").off == ""
