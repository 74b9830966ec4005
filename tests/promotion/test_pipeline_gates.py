"""`gates:` of a stage and of its switch: what they compile to, and what lint has against them."""

import pytest

from slipway.cli.gates_view import gate_words
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan, StagePlan, load_stage
from tests.promotion.pipeline_texts import a_pipeline, a_stage, verified_by

KEY = "-----BEGIN PUBLIC KEY-----\\nMCow\\n-----END PUBLIC KEY-----\\n"
LOAD = "load: {rate: 40/s, duration: 10s, error_rate: 1%}"


def gates(*items: str) -> str:
    return "    gates:\n" + "".join(f"      - {item}\n" for item in items)


def planned(*stages: str) -> tuple[StagePlan, ...]:
    return compile_plan(read_pipeline(a_pipeline(*stages), "shop.yaml"), "sha256:0").stages


def findings(*stages: str) -> list[tuple[str, str, str]]:
    return [(each.code, each.words, each.suggestion) for each in lint(a_pipeline(*stages), "shop.yaml")]


def again(stage: StagePlan) -> StagePlan:
    """As it travels."""
    plan = PromotionPlan("shop", "team", "sha256:0", "", (stage,))
    return load_stage(plan.dump()["stages"][0])


def test_each_kind_compiles_to_its_limits_in_plain_numbers() -> None:
    written = gates(
        "coverage: {line: 80%, branch: 60%, not_lower: true, max_age: 24h}",
        "sarif: {max: {error: 0, warning: 5}, new: 0, tools: [CodeQL]}",
        "tests: {skipped: 3, at_least: 100, evidence: junit, within: 10m}",
        "sbom: {max: {critical: 0}, denied_licences: [AGPL-3.0-only], "
        "ignore: [{id: CVE-2026-1, until: 2026-12-31, reason: not reachable}]}",
        f'provenance: {{keys: ["{KEY}"], builders: ["https://ci.example"], source: "https://git.example/shop"}}',
        "kql: {query: 'Incidents | where Open', over: 2h, within: 30m}",
        "webhook: {url: 'https://changes.example/ask', secret: change-key, max_age: 4h}",
        "defender: {max: {critical: 0, high: 2}}",
    )
    (stage,) = planned(a_stage("dev", written))
    by_name = {gate.name: gate for gate in stage.gates}
    settings = {"line": 0.8, "branch": 0.6, "not_lower": True}
    assert by_name["coverage"] == GatePlan("coverage", "coverage", settings, "coverage", 86400.0, 3600.0)
    assert by_name["sarif"].settings == {"max": {"error": 0, "warning": 5}, "new": 0, "tools": ["CodeQL"]}
    assert by_name["tests"] == GatePlan(
        "tests", "tests", {"failed": 0, "skipped": 3, "at_least": 100}, "junit", 0.0, 600.0
    )
    assert by_name["sbom"].settings["ignore"] == [
        {"id": "CVE-2026-1", "until": "2026-12-31", "reason": "not reachable"}
    ]
    assert by_name["provenance"].settings["builders"] == ["https://ci.example"]
    assert by_name["provenance"].settings["keys"] == [KEY.replace("\\n", "\n")]
    query = {"query": "Incidents | where Open", "expect": "none", "over": 7200.0}
    assert by_name["kql"] == GatePlan("kql", "kql", query, "", 0.0, 1800.0), "it reads no evidence of the build"
    assert by_name["webhook"].settings == {"url": "https://changes.example/ask", "secret": "change-key"}
    assert by_name["defender"].settings == {"max": {"critical": 0, "high": 2}}
    assert again(stage) == stage


def test_a_plan_of_before_there_were_gates_has_none() -> None:
    (stage,) = planned(a_stage("dev", gates("tests: {}")))
    old = PromotionPlan("shop", "team", "sha256:0", "", (stage,)).dump()["stages"][0]
    before = load_stage({key: value for key, value in old.items() if key not in ("gates", "switch_gates")})
    assert before.gates == before.switch_gates == ()


def test_two_of_one_kind_and_those_of_the_switch_have_names_of_their_own() -> None:
    switch = "    rollout: {blue-green: {gates: [{tests: {evidence: smoke}}, {kql: {query: A, name: quiet}}]}}\n"
    (stage,) = planned(a_stage("dev", gates("tests: {}", "tests: {evidence: uat}", "tests: {name: last}") + switch))
    assert [gate.name for gate in stage.gates] == ["tests", "tests-2", "last"]
    assert [gate.name for gate in stage.switch_gates] == ["tests-3", "quiet"]
    assert again(stage) == stage


def test_a_canary_has_gates_before_users_are_moved() -> None:
    (stage,) = planned(a_stage("dev", "    rollout: {canary: {gates: [{kql: {query: A}}]}}\n    bake: 10m\n"))
    assert [gate.kind for gate in stage.switch_gates] == ["kql"]


def test_a_performance_gate_knows_the_loads_of_the_stage_that_it_names() -> None:
    test = a_stage("test", verified_by(LOAD))
    prod = a_stage("prod", gates("performance: {stage: test}"), needs="test")
    gate = planned(test, prod)[1].gates[0]
    assert gate.settings["environment"] == "test" and gate.settings["targets"] == ["test"]
    assert [load["name"] for load in gate.settings["loads"]] == ["load"]


@pytest.mark.parametrize(
    ("item", "code", "words", "suggestion"),
    [
        ("covrage: {line: 80%}", "UNKNOWN_KEY", '"covrage" is not a key of a gate', "coverage"),
        ("junit: {}", "UNKNOWN_KEY", '"junit" is not a key of a gate', "tests"),
        ("coverage: {lines: 80%}", "UNKNOWN_KEY", '"lines" is not a key of a coverage gate', "line"),
        ("coverage: {}", "MISSING_KEY", "or it stops nothing", ""),
        ("sarif: {max: {}}", "MISSING_KEY", "or it stops nothing", ""),
        ("sbom: {ignore: []}", "MISSING_KEY", "or it stops nothing", ""),
        ("coverage: {line: 180%}", "INVALID_SHARE", "is not a percentage", ""),
        ("sarif: {max: {eror: 0}}", "UNKNOWN_KEY", "limits by level", "error"),
        ("kql: {query: A, expect: nothing}", "UNKNOWN_VALUE", "none, some", ""),
        ("webhook: {url: 'http://changes.example', secret: k}", "INVALID_ADDRESS", "https://", ""),
        ("webhook: {url: 'https://u:p@changes.example', secret: k}", "INVALID_ADDRESS", "https://", ""),
        ("provenance: {builders: [b], source: s}", "MISSING_KEY", "it would take any signature", ""),
        ("provenance: {keys: [-----BEGIN PRIVATE KEY-----], builders: [b], source: s}", "LITERAL_SECRET", "public", ""),
        ("tests: {within: 30d}", "OUT_OF_RANGE", "1m to 7d", ""),
        ("{tests: {}, kql: {query: A}}", "ONE_GATE_AN_ITEM", "each item of gates is one gate", ""),
        ("{}", "ONE_GATE_AN_ITEM", "each item of gates is one gate", ""),
    ],
)  # fmt: skip
def test_a_gate_that_is_written_badly_is_refused_with_what_was_meant(
    item: str, code: str, words: str, suggestion: str
) -> None:
    found = findings(a_stage("dev", gates(item)))
    assert [each[0] for each in found] == [code], found
    assert words in found[0][1] and found[0][2] == suggestion


def test_gates_of_one_name_are_refused_where_the_second_stands() -> None:
    text = a_pipeline(a_stage("dev", gates("tests: {name: unit}", "coverage: {line: 1%, name: unit}")))
    (finding,) = lint(text, "shop.yaml")
    assert finding.code == "DUPLICATE_NAME" and finding.line == text.splitlines().index(
        "      - coverage: {line: 1%, name: unit}"
    ) + 1  # fmt: skip


@pytest.mark.parametrize(
    ("of", "code"), [("tset", "UNKNOWN_STAGE"), ("prod", "UNKNOWN_STAGE"), ("plain", "NOTHING_TO_COMPARE")]
)
def test_a_performance_gate_compares_by_a_stage_before_that_has_a_load(of: str, code: str) -> None:
    before = a_stage("test", verified_by(LOAD)), a_stage("plain", needs="test")
    found = findings(*before, a_stage("prod", gates(f"performance: {{stage: {of}}}"), needs="plain"))
    assert [each[0] for each in found] == [code]


def test_more_gates_than_run_side_by_side_are_refused() -> None:
    assert [each[0] for each in findings(a_stage("dev", gates(*["tests: {}"] * 11)))] == ["TOO_MANY"]


def test_the_plan_says_of_each_gate_what_it_asks() -> None:
    written = gates("coverage: {line: 80%, max_age: 1d, name: unit}", "kql: {query: A, expect: some}",
                    "sarif: {new: 0, max: {error: 0}}", "webhook: {url: 'https://c.example/q', secret: k}")  # fmt: skip
    (stage,) = planned(a_stage("dev", written))
    assert [gate_words(gate) for gate in stage.gates] == [
        "unit (coverage): line 80 %; reads coverage, not older than 1 d; waits 1 h",
        "kql: rows of a query: some; waits 10 min",
        "sarif: new 0, max error 0; reads sarif; waits 1 h",
        "webhook: asks https://c.example/q, which calls back; waits 1 h",
    ]


def test_what_a_hotfix_may_skip_is_a_gate_that_there_is() -> None:
    lane = "    hotfix: {skips: [%s]}\n"
    stage = a_stage("prod", gates("coverage: {line: 80%}") + lane % "coverage")
    assert planned(stage)[0].hotfix_skips == ("coverage",) and again(planned(stage)[0]) == planned(stage)[0]
    ((code, words, _),) = findings(a_stage("prod", gates("coverage: {line: 80%}") + lane % "covrage"))
    assert code == "UNKNOWN_GATE" and '"covrage" is no gate of this stage' in words
