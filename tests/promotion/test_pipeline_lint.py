"""What lint says: the place, a stable code, the words, and what was meant."""

import pytest

from slipway.promotion.pipeline import Finding, lint
from tests.promotion.pipeline_texts import (
    CHECKOUT,
    a_pipeline,
    a_stage,
    a_target,
    site,
    verified_by,
    without,
)


def linted(text: str) -> list[Finding]:
    return lint(text, "p.yaml")


def codes(text: str) -> list[str]:
    return [finding.code for finding in linted(text)]


def only(text: str) -> Finding:
    findings = linted(text)
    assert len(findings) == 1, [str(finding) for finding in findings]
    return findings[0]


def stage_with(more: str, top: str = "") -> str:
    return a_pipeline(a_stage("dev", more), top=top)


def load(keys: str) -> str:
    return stage_with(verified_by(f"load: {{{keys}}}"))


def test_a_misspelled_key_is_named_where_it_stands_with_the_right_one() -> None:
    finding = only(CHECKOUT.replace("    approval:\n", "    aproval:\n"))
    line = CHECKOUT.splitlines().index("    approval:") + 1
    assert str(finding) == (f'p.yaml:{line}:5: UNKNOWN_KEY "aproval" is not a key of a stage; did you mean "approval"?')


def test_all_mistakes_are_found_at_once_in_the_order_of_the_text() -> None:
    text = a_pipeline(
        a_stage("dev", "    bake: 30\n    rollout: all-at-onc\n"),
        a_stage("Test", needs="dve"),
        a_stage("prod", "    freeze: []\n", needs="prod"),
        top="builds: [{}]\n",
    )
    findings = linted(text)
    assert [finding.code for finding in findings] == [
        "ONE_SYSTEM_AN_ITEM",
        "INVALID_DURATION",
        "UNKNOWN_VALUE",
        "INVALID_NAME",  # of the stage, its environment and its target
        "INVALID_NAME",
        "UNKNOWN_STAGE",
        "INVALID_NAME",
        "SELF_NEED",
    ]
    assert findings == sorted(findings, key=lambda finding: (finding.line, finding.column))


@pytest.mark.parametrize(
    ("more", "top", "named"),
    [
        ("    approval: {approvers: ['person:1']}\n", "", "person:1"),
    ],
)
def test_what_this_version_cannot_run_is_refused_by_name_and_never_ignored(more: str, top: str, named: str) -> None:
    refused = [finding for finding in linted(stage_with(more, top)) if finding.code == "DOES_NOT_RUN"]
    assert len(refused) == 1
    assert f'"{named}"' in refused[0].words
    assert "this version" in refused[0].words


def test_a_target_that_is_said_to_be_of_another_kind_than_its_resource_is_refused() -> None:
    assert only(a_pipeline().replace("kind: app-service", "kind: virtual-machine")).code == "UNKNOWN_VALUE"
    assert {each.code for each in linted(a_pipeline().replace("kind: app-service", "kind: aks"))} == {
        "RESOURCE_MISMATCH"
    }


@pytest.mark.parametrize(
    ("text", "code", "suggestion"),
    [
        (stage_with("", "onwer: x\n"), "UNKNOWN_KEY", "owner"),
        (stage_with("    approval: {aprovers: [role:qa], approvers: [role:qa]}\n"), "UNKNOWN_KEY", "approvers"),
        (stage_with("    approval: {approvers: [qa]}\n"), "INVALID_APPROVER", "role:qa"),
        (stage_with("    approval: {approvers: [role:qa], not: [auther]}\n"), "UNKNOWN_VALUE", "author"),
        (stage_with("    approval: {approvers: [role:qa], at_least: 0}\n"), "OUT_OF_RANGE", ""),
        (stage_with("    approval: {approvers: [role:qa], at_least: true}\n"), "WRONG_TYPE", ""),
        (stage_with("    approval: {approvers: []}\n"), "TOO_FEW", ""),
        (stage_with("    approval: {approvers: [role:qa], within: 31d}\n"), "OUT_OF_RANGE", ""),
        (stage_with("    rollout: all-at-onc\n"), "UNKNOWN_VALUE", "all-at-once"),
        (stage_with("    bake: 8d\n"), "OUT_OF_RANGE", ""),
        (stage_with("    bake: 5 minutes\n"), "INVALID_DURATION", ""),
        (stage_with("    bake: P1M\n"), "INVALID_DURATION", ""),
        (stage_with("    bake: -5s\n"), "INVALID_DURATION", ""),
        (stage_with("    deploy_within: 0s\n"), "OUT_OF_RANGE", ""),
        (stage_with("    lock_within:\n"), "EMPTY_VALUE", ""),
        (stage_with(verified_by("health: {path: up}")), "INVALID_PATH", "/up"),
        (stage_with(verified_by("health: {path: '/a b'}")), "INVALID_PATH", ""),
        (stage_with(verified_by("health: {successes: 50}")), "CANNOT_SUCCEED", ""),
        (stage_with(verified_by("health: {for: 10s, fro: 1}")), "UNKNOWN_KEY", "for"),
        (stage_with(verified_by("{}")), "ONE_CHECK_AN_ITEM", ""),
        (stage_with(verified_by("health: {}", "health: {}")), "TOO_MANY", ""),
        (load("rate: 1/s, duration: 5s"), "NO_THRESHOLD", ""),
        (load("duration: 5s, p95: 1s"), "MISSING_KEY", ""),
        (load("profile: x, rate: 1/s, duration: 5s, p95: 1s"), "CONFLICTING_KEYS", ""),
        (load("rate: 40, duration: 5s, p95: 1s"), "INVALID_RATE", ""),
        (load("rate: 0/s, duration: 5s, p95: 1s"), "INVALID_RATE", ""),
        (load("rate: 40/h, duration: 5s, p95: 1s"), "INVALID_RATE", ""),
        (load("rate: 1/s, duration: 31m, p95: 1s"), "OUT_OF_RANGE", ""),
        (load("rate: 0.1/s, duration: 5s, p95: 1s"), "CANNOT_SUCCEED", ""),
        (load("rate: 1/s, duration: 5s, error_rate: 1"), "INVALID_SHARE", ""),
        (load("rate: 1/s, duration: 5s, error_rate: 100%"), "INVALID_SHARE", ""),
        (load("rate: 1/s, duration: 5s, error_rate: 0.1, p95: 300"), "INVALID_DURATION", ""),
        (load("rate: 2001/s, duration: 5s, p95: 1s"), "TOO_MUCH_LOAD", ""),
        (a_pipeline(top="profiles: {Peak: {rate: 1/s}}\n"), "INVALID_NAME", "peak"),
        (a_pipeline(top="triggers: {branches: ['a b']}\n"), "INVALID_BRANCH", ""),
        (a_pipeline(top="triggers: {branches: []}\n"), "TOO_FEW", ""),
        (a_pipeline(top="triggers: [main]\n"), "WRONG_TYPE", ""),
        (a_pipeline(top="owner: other\n"), "DUPLICATE_KEY", ""),
        (without(a_pipeline(), "owner:"), "MISSING_KEY", ""),
        (a_pipeline().replace("shop\n", "7\n", 1), "WRONG_TYPE", ""),
        (a_pipeline().replace("service: shop", "service: Shop_1"), "INVALID_NAME", "shop-1"),
        (a_pipeline(a_stage("dev", target=a_target("dev", slot="production"))), "NO_WAY_BACK", "staging"),
        (a_pipeline(a_stage("dev", target=a_target("dev", slot="a/b"))), "INVALID_NAME", ""),
        (
            a_pipeline(a_stage("dev", target=a_target("dev", resource=site("dev") + "/slots/x"))),
            "INVALID_RESOURCE",
            site("dev"),
        ),
        (a_pipeline(a_stage("dev", target=a_target("dev", resource="/subscriptions/x"))), "INVALID_RESOURCE", ""),
        (a_pipeline().replace("targets: [", "targets: [] # ["), "TOO_FEW", ""),
        (without(a_pipeline(), "targets:"), "MISSING_KEY", ""),
    ],
)
def test_each_mistake_has_its_code_and_the_nearest_valid_word(text: str, code: str, suggestion: str) -> None:
    finding = only(text)
    assert (finding.code, finding.suggestion) == (code, suggestion)


@pytest.mark.parametrize(
    ("address", "code", "suggestion"),
    [
        ("https://feed.example/{verison}.zip", "UNKNOWN_PLACEHOLDER", "{version}"),
        ("https://feed.example/{}.zip", "UNKNOWN_PLACEHOLDER", ""),
        ("https://feed.example/{{version}}.zip", "INVALID_ARTIFACT", ""),
        ("https://feed.example/latest.zip", "INVALID_ARTIFACT", ""),
        ("ftp://feed.example/{version}.zip", "INVALID_ARTIFACT", ""),
        ("https:///{version}.zip", "INVALID_ARTIFACT", ""),
        ("https://user:word@feed.example/{version}.zip", "INVALID_ARTIFACT", ""),
        ("https://feed.example:99999/{version}.zip", "INVALID_ARTIFACT", ""),
        ("https://[feed/{version}.zip", "INVALID_ARTIFACT", ""),
    ],
)
def test_an_artifact_is_a_web_address_with_the_version_in_it(address: str, code: str, suggestion: str) -> None:
    finding = only(a_pipeline().replace("https://feed.example/{version}.zip", address))
    assert (finding.code, finding.suggestion) == (code, suggestion)


def test_a_missing_key_is_reported_at_the_mapping_that_lacks_it() -> None:
    finding = only(without(a_pipeline(), "environment:"))
    assert (finding.line, finding.column) == (5, 5)
    assert finding.words == 'a stage needs "environment"'


def test_a_wrong_value_deep_in_a_list_is_reported_at_its_own_place() -> None:
    text = stage_with(verified_by("health: {}", "load: {rate: 1/s, duration: 5s,\n          p95: 300}"))
    finding = only(text)
    assert (finding.line, finding.column) == (text[: text.index("300}")].count("\n") + 1, 16)


def test_a_need_that_does_not_exist_gets_the_nearest_stage() -> None:
    finding = only(a_pipeline(a_stage("staging"), a_stage("prod", needs="stagin")))
    assert (finding.code, finding.suggestion) == ("UNKNOWN_STAGE", "staging")


def test_a_need_is_named_once() -> None:
    assert codes(a_pipeline(a_stage("a"), a_stage("b", needs="a, a"))) == ["DUPLICATE_NEED"]


def test_a_cycle_is_one_finding_that_names_every_stage_behind_it() -> None:
    text = a_pipeline(
        a_stage("dev"),
        a_stage("a", needs="b"),
        a_stage("b", needs="a, dev"),
        a_stage("after", needs="b"),
        a_stage("last", needs="after"),
    )
    assert only(text).words == "these stages wait for each other: a → b → a; unreachable behind them: after, last"
    assert only(text).code == "CYCLE"


def test_two_cycles_are_two_findings() -> None:
    text = a_pipeline(
        a_stage("a", needs="b"), a_stage("b", needs="a"), a_stage("c", needs="d"), a_stage("d", needs="c")
    )
    assert codes(text) == ["CYCLE", "CYCLE"]


@pytest.mark.parametrize(
    ("more", "code", "words", "suggestion"),
    [
        ("rollout: {all-at-once: {}}", "WRONG_TYPE", '"all-at-once" takes no settings here', "all-at-once"),
        ("rollout: {strategy: all-at-once}", "WRONG_TYPE", '"all-at-once" takes no settings here', "all-at-once"),
        ("rollout: canary", "WRONG_TYPE", '"canary" has settings: write {canary: {}} for its defaults', ""),
        ("rollout: {strategy: canary}", "WRONG_TYPE", '"canary" has settings', ""),
        ("rollout: {canary: {}, bake: 1m}", "UNKNOWN_KEY", '"bake" is not a key of a rollout', ""),
        ("canary: {}", "UNKNOWN_KEY", 'it belongs into "rollout"', ""),
        ("rollout: cannary", "UNKNOWN_VALUE", "it can be all-at-once, canary, blue-green, flag", "canary"),
        ("rollout: {cannary: {}}", "UNKNOWN_VALUE", '"cannary" is not known here', "canary"),
        ("rollout: [canary]", "UNKNOWN_VALUE", '["canary"] is not known here', ""),
        ("strategy: canary", "UNKNOWN_KEY", '"strategy" is not a key of a stage', "rollout"),
        ("tests: integration", "UNKNOWN_KEY", 'it belongs into "gates" or "verify"', ""),
        ("health: {}", "UNKNOWN_KEY", 'it belongs into "verify"', ""),
        ("slot: staging", "UNKNOWN_KEY", 'it belongs into "targets"', ""),
    ],
)
def test_a_word_at_the_wrong_place_is_led_to_the_right_one(more: str, code: str, words: str, suggestion: str) -> None:
    finding = only(stage_with(f"    {more}\n"))
    assert (finding.code, finding.suggestion) == (code, suggestion)
    assert words in finding.words


@pytest.mark.parametrize("tagged", ["!!python/object/apply:os.system [ls]", "!!python/object/apply:os.system {a: 1}"])
def test_a_tag_that_is_not_read_is_named_without_what_stands_behind_it(tagged: str) -> None:
    finding = only(a_pipeline(top=f"on_newer_build: {tagged}\n"))
    assert finding.code == "UNREADABLE_VALUE"
    assert '"!!python/object/apply:os.system" is not read here' in finding.words
    assert "Node" not in finding.words


def test_stages_share_neither_name_nor_environment_nor_slot() -> None:
    twice = a_pipeline(a_stage("dev"), a_stage("dev", target=a_target("other")))
    assert codes(twice) == ["DUPLICATE_NAME", "DUPLICATE_ENVIRONMENT"]
    capitals = a_target("x", resource=site("dev").replace("resourceGroups", "resourcegroups"))
    same_slot = only(a_pipeline(a_stage("dev"), a_stage("test", target=capitals)))
    assert same_slot.code == "DUPLICATE_TARGET"
    assert same_slot.words == "there is already a target with this resource and slot, on line 8"


def test_targets_of_one_stage_have_different_names() -> None:
    both = f"{a_target('weu')}, {a_target('weu', resource=site('neu'))}"
    assert codes(a_pipeline(a_stage("dev", target=both))) == ["DUPLICATE_NAME"]


def test_twenty_stages_and_twenty_targets_are_enough() -> None:
    stages = [a_stage(f"s{number}") for number in range(21)]
    assert codes(a_pipeline(*stages[:20])) == []
    assert codes(a_pipeline(*stages)) == ["TOO_MANY"]
    targets = [a_target(f"t{number}") for number in range(21)]
    assert codes(a_pipeline(a_stage("dev", target=", ".join(targets[:20])))) == []
    assert only(a_pipeline(a_stage("dev", target=", ".join(targets)))).code == "TOO_MANY"


def test_load_tests_are_three_a_stage_and_ten_drivers_together() -> None:
    def loads(*rates: int) -> str:
        return stage_with(verified_by(*(f"load: {{rate: {rate}/s, duration: 5s, p95: 1s}}" for rate in rates)))

    assert codes(loads(1000, 800, 200)) == []
    assert only(loads(1000, 800, 201)).code == "TOO_MUCH_LOAD"
    assert only(loads(1, 1, 1, 1)).code == "TOO_MANY"


def test_an_unknown_profile_gets_the_nearest_one() -> None:
    text = stage_with(
        verified_by("load: {profile: peek, duration: 5s, p95: 1s}"), top="profiles: {peak: {rate: 1/s}}\n"
    )
    finding = only(text)
    assert (finding.code, finding.suggestion) == ("UNKNOWN_PROFILE", "peak")


def test_a_broken_profile_is_one_finding_not_one_for_each_load() -> None:
    text = stage_with(
        verified_by("load: {profile: peak, duration: 5s, p95: 1s}"), top="profiles: {peak: {rate: fast}}\n"
    )
    assert only(text).code == "INVALID_RATE"


LOADED = "load: {{rate: 60/s, duration: {duration}, p95: 1s, against: {against}}}"


def test_a_load_may_be_compared_with_the_previous_release() -> None:
    assert linted(stage_with(verified_by(LOADED.format(duration="4s", against="previous")))) == []


@pytest.mark.parametrize("written", ["prevoius", "previus", "Previous"])
def test_against_what_a_load_is_compared_is_one_word(written: str) -> None:
    finding = only(stage_with(verified_by(LOADED.format(duration="4s", against=written))))
    assert (finding.code, finding.suggestion) == ("UNKNOWN_VALUE", "previous")


def test_against_is_suggested_for_what_is_like_it() -> None:
    finding = only(stage_with(verified_by("load: {rate: 60/s, duration: 4s, p95: 1s, agianst: previous}")))
    assert (finding.code, finding.suggestion) == ("UNKNOWN_KEY", "against")


def test_a_load_too_small_to_show_a_difference_is_not_compared() -> None:
    finding = only(stage_with(verified_by(LOADED.format(duration="1s", against="previous"))))
    assert finding.code == "TOO_FEW_TO_COMPARE"
    assert "60/s for 1s are 60 requests" in finding.words and "at least 100" in finding.words


def test_a_comparison_alone_is_no_threshold_for_a_first_release() -> None:
    finding = only(stage_with(verified_by("load: {rate: 60/s, duration: 4s, against: previous}")))
    assert finding.code == "NO_THRESHOLD" and "first" in finding.words


def test_only_a_load_is_compared() -> None:
    finding = only(stage_with("    against: previous\n"))
    assert finding.code == "UNKNOWN_KEY"
