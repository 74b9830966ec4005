"""Files of policies: what is read, and what is wrong with them, with its place."""

import json
from pathlib import Path

import jsonschema
import pytest

from slipway.promotion import schema as published
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from slipway.promotion.pipeline.positions import read_document
from slipway.promotion.policies import Policies, PoliciesInvalid, findings_of, read_policies, unmet_by
from tests.promotion.builders import NOON

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "policies" / "organisation.yaml"

RULE = """policies:
  - name: two-people
    why: One person errs.
    owner: team-risk
    requires: {approval: {at_least: 2, not: [author]}}
"""
PIPELINE = """service: checkout
owner: team-checkout
artifact: {zip: "https://host/{version}.zip"}
stages:
  - name: prod
    environment: prod
    targets:
      - name: a
        kind: app-service
        resource: /subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/s/providers/Microsoft.Web/sites/a
"""


def read(*texts: str) -> Policies:
    return read_policies([(f"p{number}.yaml", text) for number, text in enumerate(texts)])


def wrong(*texts: str) -> list[str]:
    with pytest.raises(PoliciesInvalid) as raised:
        read(*texts)
    return [str(finding) for finding in raised.value.findings]


def told(pipeline: str, *texts: str) -> list[str]:
    plan = compile_plan(read_pipeline(pipeline, "checkout.yaml"), digest_of(pipeline))
    return [str(each) for each in findings_of(unmet_by(read(*texts), plan, NOON), plan, pipeline, "checkout.yaml")]


def test_a_pipeline_that_is_weaker_hears_which_rule_from_where_and_what_to_write() -> None:
    (finding,) = told(PIPELINE, RULE)
    assert finding.startswith(
        "checkout.yaml:5:5: POLICY_UNMET stage prod: the policy two-people (p0.yaml:2, owner team"
    )
    assert "it needs an approval, and asks nobody. One person errs." in finding
    assert finding.endswith("write in the stage: approval: {approvers: ['role:<who>'], at_least: 2, not: [author]}")


@pytest.mark.parametrize(
    "requires",
    [
        "approval: {at_least: 2, approvers: [role:qa], not: [author], comment: required, max_age: 1h}",
        "gates: {coverage: {line: 70%}, sarif: {max: {error: 0}, new: 0}, tests: {at_least: 10, failed: 0}}",
        "gates: {sbom: {max: {critical: 0}, denied_licences: [AGPL-3.0-only], at_least: 3}}",
        "freeze: [{name: x, from: 12-20, to: 01-02, recurring: yearly}, {name: y, from: 2026-12-24, to: 2026-12-27}]",
        "hours: {days: [mon-thu], from: '09:00', to: '16:00', time_zone: Europe/Berlin}",
        "rate: {at_most: 2, per: 24h}",
        "bake: 30m",
        "retain_previous: 24h",
    ],
)
def test_what_is_said_to_comply_does_comply(requires: str) -> None:
    """The very YAML of the finding, put into the stage, and nothing is left to mend."""
    rule = RULE.replace("approval: {at_least: 2, not: [author]}", requires)
    pipeline, keys = PIPELINE, dict[str, list[str]]()
    for finding in told(PIPELINE, rule):
        key, value = finding.rsplit("write in the stage: ", 1)[1].split(": ", 1)
        keys.setdefault(key, []).append(value)
    for key, values in keys.items():
        joined = values[0] if len(values) == 1 else "[" + ", ".join(value[1:-1] for value in values) + "]"
        pipeline += f"    {key}: {joined.replace('<who>', 'qa')}\n"
    assert keys and told(pipeline, rule) == []


def test_what_is_wrong_is_told_with_its_place_and_the_nearest_word() -> None:
    (finding,) = wrong(RULE.replace("approval:", "aproval:"))
    assert finding.startswith("p0.yaml:5:16: UNKNOWN_KEY") and finding.endswith('did you mean "approval"?')
    (finding,) = wrong(RULE.replace("    why: One person errs.\n", ""))
    assert finding == 'p0.yaml:2:5: MISSING_KEY a policy needs "why"'
    (finding,) = wrong(RULE.replace("{approval: {at_least: 2, not: [author]}}", "{}"))
    assert "MISSING_KEY requires nothing" in finding
    (finding,) = wrong(RULE.replace("owner: team-risk", "owner: team-risk\n    applies_to: {kinds: [app-servic]}"))
    assert finding.endswith('did you mean "app-service"?')
    (finding,) = wrong("- a\n")
    assert "a file of policies is a mapping that begins with `policies:`" in finding


def test_policies_of_all_files_count_together() -> None:
    exception = "exceptions: [{policy: two-people, service: a, until: 2027-01-01, reason: So., approved_by: Ann}]"
    assert len(read(RULE, exception).exemptions) == 1
    (twice,) = wrong(RULE, RULE)
    assert twice == 'p1.yaml:2:1: DUPLICATE_NAME the policy "two-people" is there already, at p0.yaml:2'
    (unknown,) = wrong(RULE, exception.replace("two-people", "two-poeple"))
    assert unknown == 'p1.yaml:1:1: UNKNOWN_POLICY there is no policy "two-poeple"; did you mean "two-people"?'
    (never,) = wrong(RULE + "    never_override: true\n", exception)
    assert "NEVER_OVERRIDDEN" in never
    assert read(RULE).digest != read(RULE + "# more\n").digest


@pytest.mark.parametrize("day", ["2026-02-30", "soon", "2026-1-1", "20261231", "2026-12-31T00:00", "1e9"])
def test_a_day_that_is_none_is_no_exception(day: str) -> None:
    exception = f"exceptions: [{{policy: two-people, service: a, until: {day}, reason: So., approved_by: Ann}}]"
    assert "INVALID_TIME" in wrong(RULE, exception)[0]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "policies: " + "[" * 500,
        "policies: !!python/object/apply:os.system [id]",
        "policies: *nothing",
        "policies: [&a {name: *a}]",
        "x" * 50_000,
        "policies: []\npolicies: []",
        "\x00",
    ],
    ids=["bomb", "deep", "tag", "alias", "loop", "long", "twice", "nul"],
)
def test_hostile_texts_are_refused_and_no_more(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize("pattern", ["'*a*a*a*a*a*'", "'../x'", "'a b'", "''", f"'{'a' * 101}'", "'[a-z]'", "'\\x1b'"])
def test_hostile_patterns_are_refused(pattern: str) -> None:
    rule = RULE.replace("owner: team-risk", f"owner: team-risk\n    applies_to: {{services: [{pattern}]}}")
    assert wrong(rule)


def test_the_example_is_met_by_the_pipelines_that_are_shipped() -> None:
    rules = read_policies([(EXAMPLE.name, EXAMPLE.read_text(encoding="utf-8"))])
    for path in sorted((REPOSITORY / "pipelines").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        plan = compile_plan(read_pipeline(text, path.name), digest_of(text))
        assert list(unmet_by(rules, plan, NOON)) == [], path.name
        assert any(list(rules.concerning(stage, plan.service, plan.owner, NOON)) for stage in plan.stages), path.name


def test_the_example_fits_the_published_schema() -> None:
    schema = json.loads((Path(published.__file__).parent / "policies.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(read_document(EXAMPLE.read_text(encoding="utf-8"), "o.yaml").data)
