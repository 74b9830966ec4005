"""Headers of verifications in a pipeline: literals, references, and what is refused."""

import json

import pytest

from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.plan import Header, PromotionPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage, verified_by

REFERENCE = "{x-probe-key: {secret: probe-key}, accept: text/plain}"


def with_checks(health: str = "{}", load: str = "{}") -> str:
    checks = f"health: {{headers: {health}}}", f"load: {{rate: 10/s, duration: 5s, p95: 1s, headers: {load}}}"
    return a_pipeline(a_stage("dev", verified_by(*checks)))


def found(text: str) -> list[tuple[str, int, int]]:
    return [(finding.code, finding.line, finding.column) for finding in lint(text, "p.yaml")]


def test_references_travel_as_references_and_survive_the_journey_as_json() -> None:
    plan = compile_plan(read_pipeline(with_checks(REFERENCE, REFERENCE), "p.yaml"), "sha256:0")
    expected = (Header("x-probe-key", secret="probe-key"), Header("accept", value="text/plain"))
    assert plan.stages[0].health.headers == expected and plan.stages[0].loads[0].headers == expected
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_a_plan_of_before_headers_existed_can_still_be_read() -> None:
    plan = compile_plan(read_pipeline(with_checks(), "p.yaml"), "sha256:0")
    old = json.loads(json.dumps(plan.dump()))
    del old["stages"][0]["health"]["headers"], old["stages"][0]["loads"][0]["headers"]
    assert PromotionPlan.load(old) == plan


@pytest.mark.parametrize(
    "name",
    ["authorization", "Cookie", "x-functions-key", "x-api-key", "api_key", "apikey", "X-Token", "x-secret", "pass"],
)
@pytest.mark.parametrize("where", ["health", "load"])
def test_a_credential_written_as_text_is_refused_and_not_repeated(name: str, where: str) -> None:
    text = with_checks(**{where: f"{{{name}: hunter2}}"})
    findings = lint(text, "p.yaml")
    if name == "pass":
        assert not findings
        return
    assert [finding.code for finding in findings] == ["LITERAL_SECRET"]
    assert "key vault" in findings[0].words and "{secret: " in findings[0].words
    assert "hunter2" not in str(findings[0])
    line = text.splitlines()[findings[0].line - 1]
    assert line[findings[0].column - 1 :].startswith("hunter2"), "the finding points at the value"
    assert not lint(with_checks(**{where: f"{{{name}: {{secret: a-name}}}}"}), "p.yaml")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ("{'x y': a}", "INVALID_HEADER"),
        ("{'': a}", "INVALID_HEADER"),
        ("{'x:y': a}", "INVALID_HEADER"),
        ("{x-a: 'a\\n b'}".replace("'", '"'), "INVALID_HEADER"),
        ("{x-a: ' a'}", "INVALID_HEADER"),
        ("{x-a: ''}", "INVALID_HEADER"),
        ("{x-a: é}", "INVALID_HEADER"),
        ("{x-a: 5}", "WRONG_TYPE"),
        ("{x-a: [b]}", "WRONG_TYPE"),
        ("{x-a: true}", "WRONG_TYPE"),
        ("[x-a]", "WRONG_TYPE"),
        ("{Host: elsewhere}", "DOES_NOT_RUN"),
        ("{content-length: '3'}", "DOES_NOT_RUN"),
        ("{x-a: {}}", "MISSING_KEY"),
        ("{x-a: {secrt: b}}", "UNKNOWN_KEY"),
        ("{x-a: {secret: b, version: c}}", "UNKNOWN_KEY"),
        ("{x-a: {secret: under_score}}", "INVALID_SECRET_NAME"),
        ("{x-a: {secret: ''}}", "INVALID_SECRET_NAME"),
        ("{x-a: {secret: 7}}", "INVALID_SECRET_NAME"),
        (f"{{x-a: {{secret: {'a' * 128}}}}}", "INVALID_SECRET_NAME"),
        ("{x-a: b, X-A: c}", "DUPLICATE_KEY"),
        (f"{{{', '.join(f'x-{n}: a' for n in range(21))}}}", "TOO_MANY"),
    ],
)
def test_what_cannot_be_sent_is_named(headers: str, code: str) -> None:
    for text in (with_checks(health=headers), with_checks(load=headers)):
        assert code in [finding.code for finding in lint(text, "p.yaml")], lint(text, "p.yaml")


def test_a_misspelt_reference_is_shown_at_its_key_with_the_right_word() -> None:
    text = with_checks(health="{x-a: {secrt: b}}")
    unknown = next(finding for finding in lint(text, "p.yaml") if finding.code == "UNKNOWN_KEY")
    assert unknown.suggestion == "secret"
    assert text.splitlines()[unknown.line - 1][unknown.column - 1 :].startswith("secrt")
    assert "a reference to a secret" in unknown.words


def test_a_value_in_the_wrong_place_is_never_printed() -> None:
    for wrong in ("' hunter2'", "'hunter2é'", "{secret: hunter2!}", "{secret: [hunter2]}"):
        for finding in lint(with_checks(health=f"{{x-a: {wrong}}}"), "p.yaml"):
            assert "hunter2" not in str(finding)
