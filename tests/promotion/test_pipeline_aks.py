"""AKS as targets: a chart and its image as one unit, and the section that says which release and where users ask."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage, site

CLUSTER = site("shop").replace("Microsoft.Web/sites", "Microsoft.ContainerService/managedClusters")
HELM = "namespace: shop, release: web, address: https://shop.example/, preview: 'https://{side}.shop.example'"
ARTIFACT = "{chart: 'registry.example/charts/web:{version}', image: 'registry.example/web:{version}'}"


def a_release(name: str, helm: str = HELM, more: str = "") -> str:
    return f'{{name: {name}, kind: aks, resource: "{CLUSTER}", helm: {{{helm}}}{more}}}'


def of_charts(*stages: str, artifact: str = ARTIFACT) -> str:
    return a_pipeline(*stages).replace("{zip: 'https://feed.example/{version}.zip'}", artifact)


def with_helm(helm: str, more: str = "") -> str:
    return of_charts(a_stage("dev", target=a_release("dev", helm, more)))


SOUND = with_helm(HELM)


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_a_chart_and_its_image_are_one_unit_for_a_release_of_two_sides() -> None:
    plan = compile_plan(read_pipeline(SOUND, "p.yaml"), "")
    (stage,) = plan.stages
    (target,) = stage.targets
    assert (target.kind, target.resource, target.within) == ("aks", CLUSTER, "shop/web")
    assert target.settings["helm"] == {
        "namespace": "shop",
        "release": "web",
        "deployment": "web-{side}",
        "address": "https://shop.example",
        "preview": {"blue": "https://blue.shop.example", "green": "https://green.shop.example"},
        "values": {},
        "reach": "kubernetes-api",
    }
    assert stage.group is not None
    assert stage.group.packages["dev"] == "registry.example/charts/web:{version} registry.example/web:{version}"
    assert stage.rollback_reach == 1 and stage.way_back.startswith("the users are sent to the side before again")
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_the_pipeline_of_the_page_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "aks.md").read_text(encoding="utf-8")
    assert lint(page.partition("```yaml\n")[2].partition("```")[0], "aks.md") == []


def test_two_releases_of_one_cluster_are_two_targets_and_one_release_is_one() -> None:
    other = a_release("web-2", HELM.replace("release: web", "release: web-2"))
    assert lint(of_charts(a_stage("dev", target=f"{a_release('web')}, {other}")), "p.yaml") == []
    twice = only(of_charts(a_stage("dev", target=f"{a_release('web')}, {a_release('again')}")))
    assert twice.code == "DUPLICATE_TARGET"


def test_another_switch_knows_the_addresses() -> None:
    bare = "namespace: shop, release: web"
    assert [each.code for each in lint(with_helm(bare), "p.yaml")] == ["MISSING_KEY", "MISSING_KEY"]
    assert not [each for each in lint(with_helm(bare, ", dns: {}"), "p.yaml") if "helm" in each.words]


def test_the_published_schema_takes_them() -> None:
    published = json.loads((Path(schema.__file__).parent / "pipeline.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(yaml.safe_load(SOUND))
    both = HELM.replace("'https://{side}.shop.example'", "{blue: 'https://a.example', green: 'https://b.example'}")
    validator.validate(yaml.safe_load(with_helm(both)))
    assert lint(with_helm(both), "p.yaml") == []
    assert not validator.is_valid(yaml.safe_load(SOUND.replace("{side}.", "")))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("release: web", "release: Web"), "INVALID_NAME", '"Web" is not a name'),
        (("release: web", f"release: {'w' * 48}"), "INVALID_NAME", "longer than 47 characters"),
        (("namespace: shop, ", ""), "MISSING_KEY", "namespace"),
        (("https://{side}.shop.example", "https://shop.example"), "SAME_SIDES", "put {side} into it"),
        (("https://{side}.shop.example", "{side}.shop.example"), "INVALID_ADDRESS", "is not a web address"),
        (("'https://{side}.shop.example'", "{blue: https://a.example}"), "WRONG_TYPE", "blue and green"),
        (("'https://{side}.shop.example'", "{blue: 'https://a', green: 'https://a'}"), "SAME_SIDES", "of both sides"),
        (("https://shop.example/", "shop.example"), "INVALID_ADDRESS", "is not a web address"),
        (("release: web", "release: web, deployment: web"), "SAME_SIDES", "put {side} into it"),
        (("release: web", "release: web, deployment: 'We b-{side}'"), "INVALID_NAME", "not the name of a Deployment"),
        (("release: web", f"release: web, values: {{a: '{'x' * 17_000}'}}"), "INVALID_VALUE", "more than 16 KiB"),
        (("release: web", "release: web, reach: vpn"), "UNKNOWN_VALUE", '"vpn" is not known here'),
    ],
)
def test_a_section_that_cannot_be_is_refused(change: tuple[str, str], code: str, words: str) -> None:
    finding = only(with_helm(HELM.replace(*change)))
    assert finding.code == code and words in finding.words


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (SOUND.replace(ARTIFACT, "{image: 'registry.example/web:{version}'}"), "ARTIFACT_MISMATCH", "given as `chart`"),
        (SOUND.replace("'registry.example/charts", "'oci://registry.example/charts"), "INVALID_ARTIFACT", "no"),
        (SOUND.replace(f", helm: {{{HELM}}}", ""), "MISSING_KEY", 'needs "helm"'),
        (with_helm(HELM, ", slot: staging"), "CONFLICTING_KEYS", "aks has no slots"),
        (
            of_charts(a_stage("dev", "    rollout: {canary: {}}\n", target=a_release("dev"))),
            "NO_ROUTER",
            "on aks needs traffic-manager",
        ),
    ],
)
def test_what_a_cluster_cannot_do_is_named(text: str, code: str, words: str) -> None:
    found = {each.code: each for each in lint(text, "p.yaml")}
    assert code in found and (words in found[code].words or words == "no"), found
