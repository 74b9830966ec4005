"""Traffic Manager and DNS in a pipeline: the sections of a target that say what sends its users to one of two sides."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers"
CLUSTER = f"{GROUP}/Microsoft.ContainerService/managedClusters"
PROFILE = f"{GROUP}/Microsoft.Network/trafficManagerProfiles/shop"
RECORD = f"{GROUP}/Microsoft.Network/dnsZones/shop.example/CNAME/www"
ROOT = f"{GROUP}/Microsoft.Network/dnsZones/shop.example/A/@"
IPS = [f"{GROUP}/Microsoft.Network/publicIPAddresses/{side}" for side in ("blue", "green")]
DIVIDED = f"traffic-manager: {{profile: {PROFILE}, blue: weu-blue, green: weu-green}}"
NAMED = f"dns: {{record: {RECORD}, blue: blue.shop.example, green: green.shop.example}}"
CANARY = "    rollout: {canary: {tick: 2m}}\n"


def a_release(switch: str, name: str = "weu") -> str:
    helm = f"{{namespace: shop, release: {name}}}"
    return f'{{name: {name}, kind: aks, resource: "{CLUSTER}/{name}", helm: {helm}, {switch}}}'


def of_charts(*stages: str) -> str:
    zip = "{zip: 'https://feed.example/{version}.zip'}"
    return a_pipeline(*stages).replace(zip, "{chart: 'registry.example/charts/shop:{version}'}")


def a_switched(switch: str, more: str = "") -> str:
    return of_charts(a_stage("dev", more, target=a_release(switch)))


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_the_sections_travel_with_the_target_as_its_adapter_reads_them() -> None:
    weu, neu = a_release(DIVIDED), a_release(NAMED, "neu")
    plan = compile_plan(read_pipeline(of_charts(a_stage("dev", target=f"{weu}, {neu}")), "p.yaml"), "")
    divided, named = (target.settings for target in plan.stages[0].targets)
    assert divided["traffic-manager"] == {
        **{"profile": PROFILE, "blue": "weu-blue", "green": "weu-green"},
        "version_path": "/version",
    }
    assert named["dns"] == {
        **{"record": RECORD, "blue": "blue.shop.example", "green": "green.shop.example"},
        **{"ttl": 30.0, "version_path": "/version"},
    }
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_an_alias_says_how_its_sides_are_reached() -> None:
    reached = "addresses: {blue: 'https://blue.shop.example', green: 'https://green.shop.example/'}"
    text = a_switched(f"dns: {{record: '{ROOT}', blue: {IPS[0]}, green: {IPS[1]}, ttl: 5s, {reached}}}")
    assert lint(text, "p.yaml") == []
    (target,) = compile_plan(read_pipeline(text, "p.yaml"), "").stages[0].targets
    assert target.settings["dns"]["addresses"] == {
        "blue": "https://blue.shop.example",
        "green": "https://green.shop.example",
    }


@pytest.mark.parametrize("switch", [DIVIDED, NAMED])
def test_the_published_schema_takes_them(switch: str) -> None:
    published = json.loads((Path(schema.__file__).parent / "pipeline.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(yaml.safe_load(a_switched(switch)))
    assert not validator.is_valid(yaml.safe_load(a_switched(switch.replace("green: ", "gren: "))))


@pytest.mark.parametrize(
    ("switch", "code", "words"),
    [
        (DIVIDED.replace("Profiles", "Things"), "INVALID_RESOURCE", "is not the resource id of a Traffic Manager"),
        (DIVIDED.replace("weu-green", "WEU-BLUE"), "CONFLICTING_KEYS", "blue and green are two endpoints"),
        (DIVIDED.replace("weu-green", "'we u'"), "INVALID_NAME", "is not the name of an endpoint"),
        (DIVIDED.replace(", green: weu-green", ""), "MISSING_KEY", "green"),
        (f"{DIVIDED}, {NAMED}", "CONFLICTING_KEYS", "a target has one switch: traffic-manager or dns"),
        (NAMED.replace("CNAME/www", "TXT/www"), "INVALID_RESOURCE", "is not the resource id of a CNAME, A or AAAA"),
        (NAMED.replace("CNAME/www", "A/www"), "CONFLICTING_KEYS", "an A or AAAA record says a side by the id"),
        (NAMED.replace("green.shop", "Blue.shop"), "CONFLICTING_KEYS", "blue and green are two names"),
        (NAMED.replace("green.shop.example", "green"), "INVALID_NAME", "is neither a name such as"),
        (NAMED.replace("green.shop.example", IPS[1]), "CONFLICTING_KEYS", "both sides are said by names"),
        (f"dns: {{record: '{ROOT}', blue: {IPS[0]}, green: {IPS[1]}}}", "MISSING_KEY", 'need "addresses"'),
        (NAMED.replace("}", ", ttl: 2h}"), "OUT_OF_RANGE", "1s to 1h"),
        (NAMED.replace("}", ", addresses: {users: www}}"), "INVALID_ADDRESS", "is not a web address"),
    ],
)
def test_what_is_wrong_with_a_section_is_said(switch: str, code: str, words: str) -> None:
    finding = only(a_switched(switch))
    assert finding.code == code and words in finding.words


def test_only_a_kind_with_two_sides_has_a_switch() -> None:
    text = a_pipeline().replace("kind: app-service", f"kind: app-service, {NAMED}")
    assert only(text).words == "app-service has no dns; take it out"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NAMED, NAMED.replace("www", "WWW")),
        (DIVIDED, DIVIDED.replace("weu-blue", "x").replace("weu-green", "weu-Blue")),
    ],
)
def test_two_targets_are_not_switched_by_the_same(one: str, other: str) -> None:
    text = of_charts(a_stage("dev", target=f"{a_release(one)}, {a_release(other, 'neu')}"))
    finding = only(text)
    assert finding.code == "DUPLICATE_TARGET" and "is switched by it, too" in finding.words


def test_traffic_manager_divides_the_users_of_a_canary_and_nothing_else_does() -> None:
    ramped = a_switched(DIVIDED, CANARY)
    assert lint(ramped, "p.yaml") == []
    (stage,) = compile_plan(read_pipeline(ramped, "p.yaml"), "").stages
    assert stage.canary is not None and stage.canary.settle_s == 120
    finding = only(a_switched(NAMED, CANARY))
    assert finding.code == "NO_ROUTER" and "a canary on aks needs traffic-manager" in finding.words
    finding = only(a_switched(DIVIDED, CANARY.replace("tick: 2m", "tick: 1m")))
    assert finding.code == "TICK_TOO_SHORT" and "before traffic-manager has settled, which takes 2m" in finding.words
    finding = only(a_switched(DIVIDED, CANARY.replace("tick: 2m", "tick: 2m, steps: [0.25%, 100%]")))
    assert finding.code == "STEP_TOO_FINE" and "multiples of 0.1%" in finding.words
