"""What is known of a target: its sides, and which release is live there."""

from dataclasses import replace

from slipway.promotion.stage_parts import Site


def test_what_is_live_is_what_answers_else_the_platforms_word_else_what_the_other_side_says() -> None:
    site = Site("http://live", "http://idle", "", "1.0.0")
    assert site.has("2.0.0", "1.0.0"), "the way back stands on the other side, so it is not live"
    assert not site.has("2.0.0", "0.9.0") and not site.has("2.0.0", "")
    assert not replace(site, previous="1.0.0").has("2.0.0", "1.0.0")
    assert not replace(site, held="1.0.0").has("2.0.0", "1.0.0"), "it has gone back already, and is silent"
    assert replace(site, held="2.0.0", idle_was="").has("2.0.0", "1.0.0")
    assert replace(site, idle_was="").says_nothing and not site.says_nothing
