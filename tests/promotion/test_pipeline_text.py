"""Any text at all is a pipeline or gets findings, quickly."""

import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.promotion.pipeline import Pipeline, PipelineInvalid, compile_plan, lint, read_pipeline
from tests.promotion.pipeline_texts import CHECKOUT, a_pipeline

WORDS = sorted({word for word in CHECKOUT.replace(":", " ").replace(",", " ").split() if len(word) < 20})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


def assert_pipeline_or_findings(text: str) -> None:
    findings = lint(text, "p.yaml")
    for finding in findings:
        assert finding.line >= 1
        assert finding.column >= 1
        assert len(str(finding).splitlines()) == 1, finding
        str(finding).encode()
    if findings:
        with pytest.raises(PipelineInvalid):
            read_pipeline(text, "p.yaml")
    else:
        compile_plan(read_pipeline(text, "p.yaml"), "sha256:0")


@given(st.text(st.characters(exclude_categories=()), max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_findings_or_a_pipeline(text: str) -> None:
    assert_pipeline_or_findings(text)


@given(
    st.lists(
        st.sampled_from(
            [*WORDS, "\n", "\n  ", "- ", ": ", "{", "}", "[", "]", "&a ", "*a", "!!int ", "'", '"\\ud800"', "|\n", "%"]
        ),
        max_size=60,
    )
)
@settings(max_examples=100, deadline=None)
def test_any_heap_of_yaml_gives_findings_or_a_pipeline(pieces: list[str]) -> None:
    assert_pipeline_or_findings("".join(pieces))


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_pipeline_with_any_value_replaced_gives_findings_or_a_pipeline(data: st.DataObject) -> None:
    document = yaml.safe_load(CHECKOUT)
    place, key = data.draw(st.sampled_from(list(places(document))))
    place[key] = data.draw(JSON)
    assert_pipeline_or_findings(yaml.safe_dump(document))


@given(st.integers(0, len(CHECKOUT)), st.integers(0, 30), st.text(max_size=10))
@settings(max_examples=60, deadline=None)
def test_a_pipeline_with_a_slip_of_the_hand_gives_findings_or_a_pipeline(at: int, gone: int, put: str) -> None:
    assert_pipeline_or_findings(CHECKOUT[:at] + put + CHECKOUT[at + gone :])


def places(value: object) -> list[tuple[object, object]]:
    """Every container and key below `value`."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    own = [(value, key) for key in keys]
    return own + [found for _, key in own for found in places(value[key])]  # type: ignore[index]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "NOT_A_MAPPING", 1),
        ("# nothing but a comment\n", "NOT_A_MAPPING", 1),
        ("- a\n- b\n", "NOT_A_MAPPING", 1),
        ("just words", "NOT_A_MAPPING", 1),
        ("service: [\n", "YAML_SYNTAX", 2),
        ("a: b\n c: d\n", "YAML_SYNTAX", 2),
        ("a: 1\n---\nb: 2\n", "YAML_SYNTAX", 2),
        ("a: *nobody\n", "YAML_SYNTAX", 1),
        ("a: b\nc: \x07\n", "YAML_SYNTAX", 2),
        ('a: "\\UFFFFFFFF"\n', "YAML_SYNTAX", 1),
        ("%YAML " + "9" * 5000 + ".1\n---\na: 1\n", "YAML_SYNTAX", 1),
        ("[" * 20_000, "TOO_DEEP", 1),
        ("a: &a [*a]\n", "TOO_DEEP", 1),
        (BOMB, "TOO_LARGE", 1),
        ("x" * 40_001, "TOO_LARGE", 1),
    ],
)
def test_a_text_that_cannot_be_read_gets_one_finding(text: str, code: str, line: int) -> None:
    findings = lint(text, "p.yaml")
    assert [(finding.code, finding.line) for finding in findings] == [(code, line)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("service: !!python/object:os.system {}\n", "UNREADABLE_VALUE"),
        ("service: !!binary aGk=\n", "UNREADABLE_VALUE"),
        ("service: !!int word\n", "UNREADABLE_VALUE"),
        ("service: !!bool word\n", "UNREADABLE_VALUE"),
        ('service: "\\ud800"\n', "UNREADABLE_VALUE"),
        ('"\\ud800": a\n', "INVALID_KEY"),
        ("? [a, b]\n: c\n", "INVALID_KEY"),
    ],
)
def test_what_yaml_allows_and_a_pipeline_does_not_is_a_finding(line: str, code: str) -> None:
    findings = lint(line + a_pipeline().removeprefix("service: shop\n"), "p.yaml")
    assert code in {finding.code for finding in findings if finding.line == 1}


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number}: 1\n" for number in range(4000)),
        "stages:\n" + "  - name: a\n" * 3000,
        "stages: [{needs: [" + ",".join(f"n{number}" for number in range(6000)) + "]}]\n",
        "{" * 400 + "a: 1" + "}" * 400,
        "a: '" + "{version}" * 4000 + "'",
        "a,b: [" + "[],' '," * 5000 + "]",
    ],
    ids=["keys", "stages", "needs", "depth", "placeholders", "items"],
)
def test_a_large_text_full_of_mistakes_is_answered_soon_and_with_at_most_a_hundred(text: str) -> None:
    assert len(text) <= 40_000
    began = time.process_time()
    findings = lint(text, "p.yaml")
    assert time.process_time() - began < 10
    assert 1 <= len(findings) <= 100


def test_the_pipeline_model_is_frozen() -> None:
    pipeline = read_pipeline(CHECKOUT, "p.yaml")
    with pytest.raises(ValueError, match="frozen"):
        pipeline.service = "other"  # type: ignore[misc]
    assert isinstance(pipeline, Pipeline)
