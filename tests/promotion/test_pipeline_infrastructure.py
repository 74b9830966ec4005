"""Targets that are planned first: their resources, artifacts and sections, and what a stage of them cannot have."""

import json

import pytest

from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage, site, verified_by

TEMPLATES = "{template: 'https://feed.example/{service}/{version}.json'}"
NETWORK = site("net").replace("Microsoft.Web/sites", "Microsoft.Resources/deploymentStacks")
ASKS = "    rollout: {blue-green: {approval: {approvers: [role:release-manager]}}}\n"


def a_stack_target(section: str = "", name: str = "net") -> str:
    stack = f", stack: {{{section}}}" if section else ""
    return f'{{name: {name}, kind: bicep, resource: "{NETWORK}"{stack}}}'


def of_templates(text: str, artifact: str = TEMPLATES) -> str:
    return text.replace("{zip: 'https://feed.example/{version}.zip'}", artifact)


def a_text(section: str = "", more: str = ASKS, artifact: str = TEMPLATES) -> str:
    return of_templates(a_pipeline(a_stage("dev", more, target=a_stack_target(section))), artifact)


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_a_template_is_planned_for_a_stack_and_its_address_travels_with_the_target() -> None:
    text = a_text("parameters: {size: small, zones: 3}, deny: denyDelete, unmanaged: delete, deletes: allow")
    plan = compile_plan(read_pipeline(text, "p.yaml"), "")
    (stage,) = plan.stages
    (target,) = stage.targets
    assert (target.kind, target.resource, target.slot) == ("bicep", NETWORK, "")
    assert target.settings == {
        "artifact": "https://feed.example/shop/{version}.json",
        "stack": {
            "parameters": {"size": "small", "zones": 3},
            "deny": "denyDelete",
            "unmanaged": "delete",
            "deletes": "allow",
        },
    }
    assert stage.rollback_reach == 1 and stage.way_back.startswith("the previous release's template is applied again")
    assert stage.switch_approval is not None and stage.switch_within_s(target) == stage.deploy_within_s
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_a_file_of_parameters_goes_with_the_template() -> None:
    both = "{template: 'https://feed.example/{version}.json', parameters: 'https://feed.example/{version}.p.json'}"
    (stage,) = compile_plan(read_pipeline(a_text(artifact=both), "p.yaml"), "").stages
    addresses = "https://feed.example/{version}.json https://feed.example/{version}.p.json"
    assert stage.targets[0].settings["artifact"] == addresses


def test_infrastructure_comes_before_the_code_that_needs_it() -> None:
    app = f'{{name: app, kind: app-service, resource: "{site("app")}", after: [net]}}'
    both = "{zip: 'https://feed.example/{version}.zip', template: 'https://feed.example/{version}.json'}"
    text = of_templates(a_pipeline(a_stage("dev", ASKS, target=f"{a_stack_target()}, {app}")), both)
    (stage,) = compile_plan(read_pipeline(text, "p.yaml"), "").stages
    assert [[target.name for target in level] for level in stage.levels] == [["net"], ["app"]]
    assert stage.rollback_reach == 1
    verified = of_templates(
        a_pipeline(a_stage("dev", ASKS + verified_by("health: {}"), target=f"{a_stack_target()}, {app}")), both
    )
    assert lint(verified, "p.yaml") == [], "the app can be verified"


STORE = NETWORK.replace(
    "Microsoft.Resources/deploymentStacks/net", "Microsoft.AppConfiguration/configurationStores/shop1"
)
JOB = NETWORK.replace("Microsoft.Resources/deploymentStacks/net", "Microsoft.App/jobs/infra")
SETTINGS = "configuration: {label: '{environment}-{version}', key_filter: 'shop:*'}\n"


def pointed(pointer: str = "{key: shop/release, label: prod}", top: str = SETTINGS) -> str:
    section = f", pointer: {pointer}" if pointer else ""
    target = f'{{name: set, kind: configuration, resource: "{STORE}"{section}}}'
    return a_pipeline(a_stage("dev", ASKS, target=target), top=top)


def terraformed(section: str = "{image: 'registry.example/infra:{version}', within: 15m}") -> str:
    more = f", terraform: {section}" if section else ""
    return a_pipeline(a_stage("dev", ASKS, target=f'{{name: tf, kind: terraform, resource: "{JOB}"{more}}}'))


def test_a_pointer_is_told_where_the_settings_of_each_release_lie() -> None:
    (stage,) = compile_plan(read_pipeline(pointed(), "p.yaml"), "").stages
    (target,) = stage.targets
    assert target.within == "shop/release@prod"
    assert target.settings == {
        "pointer": {"key": "shop/release", "label": "prod"},
        "configuration": {
            "label": "dev-{version}",
            "key_filter": "shop:*",
            "snapshot": "shop-dev-{version}",
            "service": "shop",
        },
    }


def test_terraform_is_a_job_of_the_teams_image() -> None:
    (stage,) = compile_plan(read_pipeline(terraformed(), "p.yaml"), "").stages
    (target,) = stage.targets
    wanted = {"image": "registry.example/infra:{version}", "within": 900.0, "deletes": "refuse"}
    assert (target.kind, target.settings) == ("terraform", {"terraform": wanted})


def test_parameters_alone_are_no_artifact() -> None:
    findings = lint(a_text(artifact="{parameters: 'https://feed.example/{version}.json'}"), "p.yaml")
    assert ("MISSING_KEY", 'an artifact needs "zip" or "image" or "chart" or "template"') in [
        (each.code, each.words) for each in findings
    ]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (pointed(top=""), "MISSING_KEY", "no `configuration` says where they lie"),
        (pointed(""), "MISSING_KEY", 'needs "pointer"'),
        (pointed("{key: 'a#b'}"), "INVALID_NAME", "is not the key or label of a pointer"),
        (terraformed(""), "MISSING_KEY", 'needs "terraform"'),
        (terraformed("{image: 'registry.example/infra:latest'}"), "INVALID_ARTIFACT", "the same for every build"),
        (a_text("deletes: allow"), "CONFLICTING_KEYS", "nothing is deleted"),
        (a_text("unmanaged: destroy"), "UNKNOWN_VALUE", "detach, delete"),
        (a_text("parameters: {sizes: [1, 2]}"), "WRONG_TYPE", "put it into the file of parameters"),
        (a_text(artifact="{zip: 'https://feed.example/{version}.zip'}"), "ARTIFACT_MISMATCH", "given as `template`"),
        (a_text(artifact="{template: 'https://feed.example/main.json'}"), "INVALID_ARTIFACT", "same for every build"),
        (a_text(more=ASKS + verified_by("health: {}")), "CANNOT_SUCCEED", "has an address to be verified at"),
        (a_text(more="    rollout: {canary: {}}\n"), "NO_ROUTER", "nothing divides the traffic of bicep"),
        (a_text(more="    rollout: {flag: {name: new-cart}}\n"), "CONFLICTING_KEYS", "a flag asks nobody"),
        (
            a_text().replace(NETWORK, site("net")),
            "RESOURCE_MISMATCH",
            "the resource is one of the kind app-service, not bicep",
        ),
        (
            a_pipeline(a_stage("dev", target=f'{{name: d, kind: app-service, resource: "{site("d")}", stack: {{}}}}')),
            "CONFLICTING_KEYS",
            "app-service has no stack",
        ),
    ],
)
def test_what_does_not_fit_is_named(text: str, code: str, words: str) -> None:
    finding = only(text)
    assert finding.code == code and words in finding.words
