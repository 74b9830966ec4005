"""What the topic carries: CloudEvents that anybody can read, a catalogue that is true, CDEvents that mean the same."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from slipway.promotion.about import About, about_build, about_stage
from slipway.promotion.cd_events import cd_events, purl
from slipway.promotion.event_catalogue import CATALOGUE, event_schema, type_of
from slipway.promotion.events import EventMessage, messages
from slipway.promotion.intents import KINDS
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_parts import Site
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_stage

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "cdevents"
OURS = Draft202012Validator(event_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
PACKAGE = "https://packages.example/checkout/1.1.0.zip?sig=hidden"


def a_run(**changes: Any) -> StageRun:
    plan = a_stage("production")
    sites = {"checkout-production": Site("https://live.example", "https://idle.example", "1.0.0", "")}
    run = StageRun("checkout--1.1.0", "checkout--1.1.0:production", plan, a_build(), PACKAGE, sites=sites)
    return replace(run, **changes)


def a_record(action: str, run: StageRun | None = None, **changes: Any) -> dict[str, Any]:
    run = run or a_run()
    record = {
        "promotion": run.promotion,
        "id": f"{run.instance}:7",
        "at": "2026-11-24T12:00:00Z",
        "actor": "slipway",
        "action": action,
        "stage": run.plan.name,
        "words": "so it is",
        "evidence": {"code": ""},
        "about": about_stage(run),
        "row": {"key": "stage:production", "rev": 7, "doc": stage_row(run)},
    }
    return {**record, **changes}


def of_the_promotion(action: str, **changes: Any) -> dict[str, Any]:
    told = {"id": "checkout--1.1.0:1", "about": about_build(a_build(), PACKAGE), "row": None}
    record = a_record(action, **told, **changes)
    return {key: value for key, value in record.items() if key not in ("stage", "row")}


def only_ours(record: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(next(messages(record)).body)
    return event


def cd_event(record: dict[str, Any]) -> tuple[EventMessage, dict[str, Any]]:
    """The CDEvent that a record becomes, checked as CDEvents and as CloudEvents has it."""
    _, message = messages(record)
    event = json.loads(message.body)
    document = event["data"]
    context = document["context"]
    (name,) = re.findall(r"dev\.cdevents\.(\w+\.\w+)\.\d", context["type"])
    schema = json.loads((SCHEMAS / f"{name.replace('.', '')}.json").read_text())
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    same = {"id": "id", "source": "source", "type": "type", "time": "timestamp"}
    assert {key: event[key] for key in same} == {key: context[of] for key, of in same.items()}
    assert (event["specversion"], event["subject"]) == ("1.0", document["subject"]["id"])
    assert message.id == event["id"] and message.properties["format"] == "cdevents"
    return message, document


# our own


def test_an_event_says_which_service_version_environment_and_commit_it_is_about() -> None:
    event = only_ours(a_record("stage.passed"))
    OURS.validate(event)
    told = {"service": "checkout", "version": "1.1.0", "environment": "production", "commit": "c0ffee"}
    assert event["data"].items() >= told.items()
    assert (event["type"], event["subject"]) == ("slipway.stage.passed", "production")


def test_a_subscription_can_choose_by_format_type_service_and_environment() -> None:
    message = next(messages(a_record("stage.passed")))
    wanted = {"format": "cloudevents", "type": "slipway.stage.passed", "service": "checkout"}
    assert message.properties.items() >= {**wanted, "environment": "production", "stage": "production"}.items()
    assert "reported" not in message.properties
    reported = a_run(plan=replace(a_stage("production"), reported=True))
    assert next(messages(a_record("stage.passed", reported))).properties["reported"] == "yes"


def test_a_record_that_an_older_package_made_becomes_an_event_all_the_same() -> None:
    record = {key: value for key, value in a_record("stage.passed").items() if key != "about"}
    (message,) = messages(record)
    OURS.validate(json.loads(message.body))
    assert message.properties["promotion"] == "checkout--1.1.0" and "service" not in message.properties


def test_an_event_of_no_promotion_says_where_it_belongs() -> None:
    where = "/slipway/environments/production/services/checkout"
    record = a_record("intent.hold", chain="environment-production--checkout", source=where)
    record = {key: value for key, value in record.items() if key not in ("promotion", "stage", "row")}
    event = only_ours(record)
    OURS.validate(event)
    assert (event["source"], event["subject"]) == (where, "environment-production--checkout")


@pytest.mark.parametrize("broken", ["specversion", "id", "type", "time", "data"])
def test_the_schema_refuses_an_event_without_what_every_event_has(broken: str) -> None:
    event = only_ours(a_record("stage.passed"))
    assert OURS.is_valid(event)
    assert not OURS.is_valid({key: value for key, value in event.items() if key != broken})


def test_the_schema_refuses_a_type_that_is_not_in_the_catalogue() -> None:
    assert not OURS.is_valid({**only_ours(a_record("stage.passed")), "type": "slipway.stage.exploded"})


def records_of_stored_histories() -> Iterator[dict[str, Any]]:
    """Every record that the orchestrators of each released version made in their histories."""
    for file in sorted((ROOT / "tests" / "upgrades" / "histories").rglob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            for line in lines:
                yield from _records_in(json.loads(line))


def _records_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.keys() >= {"id", "at", "actor", "action", "words", "evidence"}:
            yield value
        for each in value.values():
            yield from _records_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _records_in(each)
    elif isinstance(value, str) and '"evidence' in value and value[0] in '{["':
        yield from _records_in(json.loads(value))


def test_every_record_of_the_stored_histories_is_in_the_catalogue_with_its_evidence() -> None:
    seen = set()
    for record in records_of_stored_histories():
        known = type_of(record["action"])
        assert known is not None, record["action"]
        assert set(record["evidence"]) <= set(known.evidence), (record["action"], record["evidence"])
        OURS.validate(only_ours(record))
        seen.add(known.action)
    assert len(seen) > 30


def test_every_action_that_the_orchestrators_name_is_in_the_catalogue_and_no_other() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "orchestrators").glob("*.py"))
    of_a_stage = (
        r'record_stage\(\s*context, (?:run|replace\(.*?\)), "([a-z-]+)"',
        r'(?:carried_out|_answered)\(\s*context, run, "([a-z-]+)"',
    )
    named = {f"stage.{each}" for pattern in of_a_stage for each in re.findall(pattern, code)}
    named |= {f"watch.{each}" for each in re.findall(r'(?<!_)record\(context, run, "([a-z-]+)"', code)}
    named |= {f"promotion.{each}" for each in re.findall(r'_record\(context, run, 2, "([a-z-]+)"', code)}
    named |= set(re.findall(r'"(approval\.[a-z-]+)"', code))
    named |= {f"approval.{each}" for each in re.findall(r'_record\(context, asked, "([a-z-]+)"', code)}
    named |= {"promotion.started", "ramp.*", "stage.rolled-back"}
    named |= {f"intent.{each}" for each in (*KINDS, "lift", "refused")}
    ends = [each.replace(" ", "-") for each in Outcome]
    named |= {f"{of}.{end}" for of in ("promotion", "stage") for end in ends}
    assert named == {each.action for each in CATALOGUE}


def test_the_page_has_the_catalogue_and_the_schema_as_they_are() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    rows = re.findall(r"^\| `(slipway\.[\w.*-]+)` \| (.*) \| (.*) \|$", page, re.MULTILINE)
    wanted = [(each.type, each.when, ", ".join(f"`{key}`" for key in each.evidence)) for each in CATALOGUE]
    assert [(kind, when, evidence.strip()) for kind, when, evidence in rows] == wanted
    (written,) = re.findall(r"```json schema\n(.*?)```", page, re.DOTALL)
    schema = event_schema()
    assert json.loads(written) == {key: schema[key] for key in schema if key != "oneOf"}


# CDEvents


def test_a_release_that_serves_the_users_is_an_upgrade_and_where_nothing_was_before_a_deployment() -> None:
    message, document = cd_event(a_record("stage.verifying-live"))
    assert document["context"]["type"] == "dev.cdevents.service.upgraded.0.3.0"
    content = document["subject"]["content"]
    assert content["environment"]["id"] == "production"
    where = "https://packages.example/checkout/1.1.0.zip"
    assert content["artifactId"] == f"pkg:generic/checkout@1.1.0?download_url={where}", "nothing of a signature"
    assert message.properties.items() >= {"service": "checkout", "environment": "production"}.items()
    first = a_run(sites={"checkout-production": Site("https://live.example", "https://idle.example", "", "")})
    assert "service.deployed" in cd_event(a_record("stage.verifying-live", first))[1]["context"]["type"]


def test_what_is_told_twice_is_one_event_and_a_second_attempt_is_another() -> None:
    one, again = a_record("stage.verifying-live"), a_record("stage.verifying-live", id="checkout--1.1.0:production:9")
    assert cd_event(one)[0].id == cd_event(again)[0].id
    assert cd_event(a_record("stage.verifying-live", a_run(attempt=2)))[0].id != cd_event(one)[0].id


def test_a_proven_release_is_published() -> None:
    assert "service.published" in cd_event(a_record("stage.passed"))[1]["context"]["type"]


@pytest.mark.parametrize("action", ["stage.failed", "stage.rolled-back", "stage.cancelled", "stage.broken"])
def test_a_release_that_was_live_and_is_not_any_more_is_rolled_back_to_what_serves_again(action: str) -> None:
    _, document = cd_event(a_record(action, a_run(taken_back=True)))
    assert document["context"]["type"] == "dev.cdevents.service.rolledback.0.3.0"
    assert document["subject"]["content"]["artifactId"] == "pkg:generic/checkout@1.0.0"
    assert document["customData"]["version"] == "1.1.0"


def test_a_release_that_never_was_live_is_not_rolled_back() -> None:
    assert [*cd_events(a_record("stage.failed"), About.load(about_stage(a_run())))] == []


def test_a_promotion_is_a_run_of_a_pipeline_and_all_its_events_are_of_one_chain() -> None:
    _, started = cd_event(of_the_promotion("promotion.started"))
    assert started["context"]["type"] == "dev.cdevents.pipelinerun.started.0.3.0"
    assert started["subject"]["content"] == {
        "pipelineName": "checkout",
        "uri": "urn:slipway:promotion:checkout--1.1.0",
    }
    chain = {started["context"]["chainId"], cd_event(a_record("stage.passed"))[1]["context"]["chainId"]}
    assert len(chain) == 1


@pytest.mark.parametrize(
    ("action", "outcome"),
    [("passed", "success"), ("failed", "failure"), ("cancelled", "cancel"), ("not-enough-evidence", "error")],
)
def test_how_a_promotion_ended_is_said_in_the_words_of_cdevents(action: str, outcome: str) -> None:
    content = cd_event(of_the_promotion(f"promotion.{action}"))[1]["subject"]["content"]
    assert content["outcome"] == outcome
    assert content.get("errors") == (None if action == "passed" else "so it is")


def test_ids_are_as_long_as_service_bus_takes_them() -> None:
    longest = a_run(promotion="p" * 90, instance="i" * 100, attempt=12, taken_back=True)
    assert all(len(each.id) <= 128 for each in messages(a_record("stage.rolled-back", longest)))


def test_an_image_is_an_oci_package_with_its_digest_where_that_is_known() -> None:
    of = About(service="checkout", version="1.1.0", artifact="shop.azurecr.io/team/checkout:1.1.0")
    assert purl(of) == "pkg:oci/checkout@1.1.0?repository_url=shop.azurecr.io/team/checkout&tag=1.1.0"
    assert purl(replace(of, digest="sha256:ab")).startswith("pkg:oci/checkout@sha256%3Aab?")
