"""Container Apps as targets: an image in place of a zip, a revision in place of a slot, weights as the router."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan, Target
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target, an_app, an_app_target, of_images

SOUND = of_images(a_pipeline(a_stage("dev", target=an_app_target("dev"))))
RAMPED = of_images(a_pipeline(a_stage("dev", "    rollout: {canary: {CANARY}}\n", target=an_app_target("dev"))))


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_an_image_runs_as_a_revision_of_a_container_app() -> None:
    plan = compile_plan(read_pipeline(SOUND, "p.yaml"), "")
    (stage,) = plan.stages
    assert stage.targets == (Target("dev", "container-apps", an_app("dev"), ""),)
    assert plan.artifact_of("1.4.2") == "registry.example/shop:1.4.2"
    assert stage.rollback_reach == 1
    assert stage.way_back.startswith("all the weight returns to the previous revision")
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_the_published_schema_takes_images_and_container_apps() -> None:
    published = json.loads((Path(schema.__file__).parent / "pipeline.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(yaml.safe_load(SOUND))
    assert not validator.is_valid(yaml.safe_load(of_images(SOUND).replace(":{version}", ":latest")))


def test_its_canary_goes_by_revision_weights_which_settle_sooner() -> None:
    canary = compile_plan(read_pipeline(RAMPED.replace("CANARY", ""), "p.yaml"), "").stages[0].canary
    assert canary is not None and canary.settle_s == 10
    assert lint(RAMPED.replace("CANARY", "router: {kind: container-apps}, tick: 10s"), "p.yaml") == []


@pytest.mark.parametrize(
    ("canary", "code", "words"),
    [
        ("router: {kind: app-service-slots}", "ROUTER_MISMATCH", "container-apps is divided by container-apps"),
        ("steps: [0.5%, 50%, 100%]", "STEP_TOO_FINE", "container-apps sets multiples of 1%, and 0.5% is none"),
        ("steps: [1%, 12.5%, 100%]", "STEP_TOO_FINE", "12.5% is none"),
        ("tick: 5s", "TICK_TOO_SHORT", "container-apps has settled, which takes 10s"),
    ],
)
def test_what_its_router_cannot_do_is_named(canary: str, code: str, words: str) -> None:
    finding = only(RAMPED.replace("CANARY", canary))
    assert finding.code == code
    assert words in finding.words


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (a_pipeline(a_stage("dev", target=an_app_target("dev"))), "ARTIFACT_MISMATCH", "given as `image`"),
        (of_images(a_pipeline()), "ARTIFACT_MISMATCH", "app-service runs an artifact given as `zip`"),
        (SOUND.replace(an_app("dev"), f"{an_app('dev')}/slots/x"), "INVALID_RESOURCE", "or of a Container App"),
        (SOUND.replace(an_app("dev"), an_app("d" * 33)), "INVALID_RESOURCE", "or of a Container App"),
        (SOUND.replace("kind: container-apps", "kind: app-service"), "RESOURCE_MISMATCH", "of the kind container-apps"),
        (
            a_pipeline(a_stage("dev", target=a_target("dev", resource=an_app("dev")))),
            "RESOURCE_MISMATCH",
            "of the kind container-apps, not app-service",
        ),
        (
            of_images(a_pipeline(a_stage("dev", target=an_app_target("dev", ", slot: staging")))),
            "CONFLICTING_KEYS",
            "has no slots",
        ),
        (
            of_images(SOUND).replace("{service}:{version}", "shop:latest"),
            "INVALID_ARTIFACT",
            "the same for every build",
        ),
        (SOUND.replace("{service}:{version}", "Shop:{version}"), "INVALID_ARTIFACT", "is not an image"),
        (SOUND.replace("registry.example/", "https://registry.example/"), "INVALID_ARTIFACT", "is not an image"),
        (SOUND.replace("{service}:", "{servce}:"), "UNKNOWN_PLACEHOLDER", "cannot be filled in"),
        (
            SOUND.replace("{image:", "{zip: 'https://a.example/{version}.zip', image:"),
            "CONFLICTING_KEYS",
            "no target runs",
        ),
        (SOUND.replace("kind: container-apps", "kind: container-app"), "UNKNOWN_VALUE", "container-apps"),
    ],
)
def test_what_does_not_belong_together_is_named(text: str, code: str, words: str) -> None:
    finding = only(text)
    assert finding.code == code
    assert words in finding.words


def test_an_artifact_without_an_address_says_both_ways() -> None:
    finding = only(a_pipeline().replace("{zip: 'https://feed.example/{version}.zip'}", "{}"))
    assert (finding.code, finding.words) == (
        "MISSING_KEY",
        'an artifact needs "zip" or "image" or "chart" or "template"',
    )
