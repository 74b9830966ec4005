"""The web hooks of CI systems: let in by a key of their own, put on the queue, and told what will come of it."""

import ast
import base64
import hashlib
import hmac
import inspect
import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.keyvault.secrets import SecretClient

from slipway.adapters.rows import Rows
from slipway.settings import settings
from tests.app_host import AppHost, Reply
from tests.laptop import AzureStandin, Bus, Watched, properties_of
from tests.owner import vault_of
from tests.promotion.ci_events import BUILD_2, EVENTS, MISSING, PACKAGE, PUSHED, RUN_STATE, WORKFLOW_RUN, body, event
from tests.promotion.test_ci_envelopes import in_base64
from tests.triggers.conftest import ALICE, a_message, intake
from triggers import hook_keys
from triggers.hook_keys import KEY_HEADER, SIGNATURE_HEADER
from triggers.openapi import document

KEY, SECRET = "the key of Azure DevOps", "the secret of GitHub"
NAMES = tuple(f"hook-{secrets.token_hex(4)}" for _ in range(2))
DEVOPS, GITHUB = "/api/hooks/azure-devops", "/api/hooks/github"
OF_CHECKOUT = {"resource.definition.name": "checkout"}
OF_CI = {"repository.name": "checkout", "workflow.path": ".github/workflows/ci.yml", "workflow_run.head_branch": "main"}


@pytest.fixture(scope="module")
def builds(broker: Bus) -> Iterator[Watched]:
    with broker.watch("builds") as watched:
        yield watched


@pytest.fixture(scope="module")
def vault(azure: AzureStandin) -> SecretClient:
    """The vault, with a secret for each hook under a name that no other test has."""
    client = vault_of(azure)
    for name, value in zip(NAMES, (KEY, SECRET), strict=True):
        client.set_secret(name, value)
    return client


@pytest.fixture(autouse=True)
def _hooks_are_open(
    configured: None, azure: AzureStandin, vault: SecretClient, builds: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    monkeypatch.setenv("SLIPWAY_AZURE_DEVOPS_HOOK_SECRET", NAMES[0])
    monkeypatch.setenv("SLIPWAY_GITHUB_HOOK_SECRET", NAMES[1])
    settings.cache_clear()
    builds.new()


def basic(key: str, name: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()}


def signed(content: bytes, secret: str = SECRET, event: str = "workflow_run", delivery: str = "d-1") -> dict[str, str]:
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "Content-Type": "application/json"}
    return {**headers, SIGNATURE_HEADER: f"sha256={signature}"}


def from_devops(app: AppHost, name: str = BUILD_2, changes: dict[str, Any] | None = None) -> Reply:
    return app.http("POST", DEVOPS, basic(KEY), body(name, changes))


def from_github(app: AppHost, content: bytes, **headers: Any) -> Reply:
    return app.http("POST", GITHUB, signed(content, **headers), content)


# let in


def test_a_build_of_azure_devops_is_on_the_queue_as_it_came_and_says_where_to_look(
    app: AppHost, builds: Watched, version: str
) -> None:
    content = body(BUILD_2, OF_CHECKOUT | {"resource.buildNumber": version})
    for headers in (basic(KEY), {KEY_HEADER: KEY}):
        reply = app.http("POST", DEVOPS, headers, content)
        assert (reply.status, reply.headers["location"]) == (202, f"/api/promotions/checkout--{version}")
    one, again = builds.new()
    assert b"".join(one.body) == content
    assert one.message_id == again.message_id == reply.json["message_id"] == f"azure-devops-{event(BUILD_2)['id']}"
    app.deliver(content, str(one.message_id))
    assert intake(f"checkout--{version}")["commit"] == event(BUILD_2)["resource"]["sourceVersion"]
    assert app.http("POST", DEVOPS, basic(KEY), content).json["known"], "a replay is the same promotion"


def test_a_run_of_a_github_workflow_is_on_the_queue_by_its_delivery(app: AppHost, builds: Watched) -> None:
    content = body(WORKFLOW_RUN, OF_CI | {"workflow_run.run_number": secrets.randbelow(10**9)})
    reply = from_github(app, content, delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert (reply.status, reply.json["known"]) == (202, False), reply
    (message,) = builds.new()
    assert b"".join(message.body) == content
    assert message.message_id == "github-72d3162e-cc78-11e3-81ab-4c9367dc0958"
    app.deliver(content)
    assert intake(reply.json["promotion"])["state"] == "new"
    assert from_github(app, content, delivery="another").json["known"], "replayed under another delivery"


@pytest.mark.parametrize("delivery", ["", "a b"])
def test_a_delivery_without_a_sound_id_is_known_by_its_body(app: AppHost, builds: Watched, delivery: str) -> None:
    content = body(WORKFLOW_RUN, OF_CI)
    from_github(app, content, delivery=delivery)
    (message,) = builds.new()
    assert message.message_id == f"github-{hashlib.sha256(content).hexdigest()[:32]}"


# kept out


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("another key"),
        basic(""),
        basic(KEY + " "),
        {"Authorization": "Basic nothing!"},
        {"Authorization": f"Bearer {KEY}"},
        {KEY_HEADER: "another"},
        {KEY_HEADER: SECRET},
        ALICE,
    ],
)
def test_without_the_key_nothing_gets_in_and_a_person_is_no_key(
    app: AppHost, builds: Watched, headers: dict[str, str]
) -> None:
    reply = app.http("POST", DEVOPS, headers, body(BUILD_2, OF_CHECKOUT))
    assert reply.problem == (401, "HOOK_KEY_WRONG")
    assert reply.headers["www-authenticate"] == 'Basic realm="slipway"'
    assert KEY not in reply.text and builds.new() == []


def test_a_forged_or_missing_signature_gets_nothing_in(app: AppHost, builds: Watched) -> None:
    content = body(WORKFLOW_RUN, OF_CI)
    right = signed(content)
    forged = [
        signed(content, secret="guessed"),
        signed(content + b" "),
        {**right, SIGNATURE_HEADER: right[SIGNATURE_HEADER].removeprefix("sha256=")},
        {**right, SIGNATURE_HEADER: right[SIGNATURE_HEADER].upper()},
        {**right, SIGNATURE_HEADER: ""},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), content, hashlib.sha1).hexdigest()},
        {KEY_HEADER: SECRET, **basic(SECRET)},
        ALICE,
    ]
    for headers in forged:
        assert app.http("POST", GITHUB, headers, content).problem == (401, "HOOK_SIGNATURE_WRONG")
    assert app.http("POST", GITHUB, right, content[:-1]).problem == (401, "HOOK_SIGNATURE_WRONG")
    assert builds.new() == []
    assert app.http("POST", GITHUB, right, content).status == 202


def test_what_is_no_text_is_no_key(app: AppHost) -> None:
    for headers in ({KEY_HEADER: "\udcff"}, {"Authorization": "Basic \udcff"}):
        assert app.http("POST", DEVOPS, headers, b"{}").problem == (401, "HOOK_KEY_WRONG")
    assert app.http("POST", GITHUB, {SIGNATURE_HEADER: "sha256=\udcff"}, b"{}").problem == (401, "HOOK_SIGNATURE_WRONG")


@pytest.mark.parametrize("check", [hook_keys.check_key, hook_keys.check_signature])
def test_a_secret_is_compared_in_a_time_that_tells_nothing_of_it(check: Callable[..., None]) -> None:
    """No clock shows that on a busy machine: so the source says it."""
    nodes = list(ast.walk(ast.parse(inspect.getsource(check))))
    assert "compare_digest" in {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not [node for node in nodes if isinstance(node, ast.Compare)]


def test_the_keys_open_no_other_route(app: AppHost) -> None:
    closed = [
        (
            method.upper(),
            re.sub(r"\{\w+\}", "x", path),
        )
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if operation["security"] == [{"entra": []}]
    ]
    assert len(closed) > 15
    for method, path in closed:
        for headers in ({**basic(KEY), KEY_HEADER: KEY}, signed(b"{}")):
            assert app.http(method, path, headers, b"{}").problem == (401, "NOT_SIGNED_IN"), path


def test_neither_key_opens_the_other_hook(app: AppHost) -> None:
    content = body(WORKFLOW_RUN, OF_CI)
    assert app.http("POST", DEVOPS, signed(content), content).status == 401
    assert app.http("POST", GITHUB, basic(KEY), content).status == 401


@pytest.mark.parametrize("path", [DEVOPS, GITHUB])
def test_a_body_too_large_is_refused_before_it_is_looked_at(app: AppHost, builds: Watched, path: str) -> None:
    assert app.http("POST", path, {}, b" " * (240 * 1024 + 1)).problem == (413, "TOO_LARGE")
    assert builds.new() == []


def test_the_largest_body_that_is_let_in_fits_on_the_queue(app: AppHost, builds: Watched, version: str) -> None:
    content = body(BUILD_2, OF_CHECKOUT | {"resource.buildNumber": version})
    content += b" " * (240 * 1024 - len(content))
    assert app.http("POST", DEVOPS, basic(KEY), content).status == 202
    assert len(builds.new()) == 1


@pytest.mark.parametrize(("path", "variable"), [(DEVOPS, "AZURE_DEVOPS"), (GITHUB, "GITHUB")])
def test_a_hook_without_a_secret_lets_nobody_in_and_says_what_is_missing(
    app: AppHost, vault: SecretClient, monkeypatch: pytest.MonkeyPatch, path: str, variable: str
) -> None:
    variable = f"SLIPWAY_{variable}_HOOK_SECRET"
    vault.set_secret("hook-empty", " ")
    for name, words in (("", variable), ("hook-nowhere", "hook-nowhere"), ("hook-empty", "hook-empty")):
        monkeypatch.setenv(variable, name)
        settings.cache_clear()
        for headers in ({}, basic(""), signed(b"{}", secret=" ")):
            reply = app.http("POST", path, headers, b"{}")
            assert reply.problem == (503, "HOOK_NOT_CONFIGURED") and words in reply.json["detail"]


def test_a_vault_without_the_secret_is_not_asked_at_every_call(
    app: AppHost, azure: AzureStandin, vault: SecretClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may call a hook, and a vault that is asked too often answers nobody."""
    name = f"hook-{secrets.token_hex(4)}"
    monkeypatch.setenv("SLIPWAY_AZURE_DEVOPS_HOOK_SECRET", name)
    settings.cache_clear()
    assert from_devops(app).problem == (503, "HOOK_NOT_CONFIGURED")
    azure.fault("GET", f"/secrets/{name}", times=100, answer={"status": 500, "headers": {"retry-after-ms": "5"}})
    assert from_devops(app).problem == (503, "HOOK_NOT_CONFIGURED"), "as it was a moment ago"
    azure.forget_faults()
    vault.set_secret(name, KEY)
    monkeypatch.setenv("FUNCTIONS_NOW", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    assert from_devops(app, BUILD_2, OF_CHECKOUT | {"resource.result": "failed"}).status == 200


def test_while_the_vault_is_away_the_hook_may_be_tried_again(
    app: AppHost, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_AZURE_DEVOPS_HOOK_SECRET", "hook-not-read-yet")
    settings.cache_clear()
    azure.fault("GET", "/secrets/", times=100, answer={"status": 500, "headers": {"retry-after-ms": "5"}})
    assert from_devops(app).problem == (503, "AZURE_UNAVAILABLE")


# not for promotion, and rejected


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        (BUILD_2, OF_CHECKOUT | {"resource.result": "failed"}, "BUILD_NOT_SUCCEEDED"),
        (BUILD_2, OF_CHECKOUT | {"resource.sourceBranch": "refs/heads/feature/x"}, "BRANCH_NOT_PROMOTED"),
        (BUILD_2, {"eventType": "git.push"}, "NOT_A_BUILD"),
        (RUN_STATE, {"resource.run.state": "inProgress"}, "NOT_A_BUILD"),
    ],
)
def test_what_is_not_for_promotion_is_answered_with_words_and_counted_by_the_queue(
    app: AppHost, builds: Watched, name: str, changes: dict[str, Any], code: str
) -> None:
    reply = from_devops(app, name, changes)
    assert (reply.status, reply.json["code"]) == (200, code) and reply.json["words"]
    (message,) = builds.new()
    for delivery_count in (1, 2):
        app.deliver(b"".join(message.body), str(message.message_id), delivery_count)
    partition = "events:azure-devops" if code == "NOT_A_BUILD" else "service:checkout"
    rows = [row for row in Rows("notpromoted").query(partition) if row.values["words"] == reply.json["words"]]
    assert [row.values["code"] for row in rows] == [code], "once, however often it comes"


@pytest.mark.parametrize(
    ("name", "changes", "status", "code"),
    [
        (BUILD_2, {}, 422, "UNKNOWN_SERVICE"),
        (BUILD_2, {"resource.result": MISSING}, 422, "INVALID_BUILD"),
        (BUILD_2, {"resourceVersion": "3.0"}, 422, "UNKNOWN_EVENT_VERSION"),
        (BUILD_2, OF_CHECKOUT | {"resource.finishTime": "2099-01-01T00:00:00Z"}, 422, "FINISHED_IN_THE_FUTURE"),
        (RUN_STATE, {"resource.pipeline.name": "checkout"}, 422, "BRANCH_UNKNOWN"),
    ],
)
def test_a_reject_shows_in_cis_own_log_and_is_on_the_queue_to_be_audited(
    app: AppHost, builds: Watched, name: str, changes: dict[str, Any], status: int, code: str
) -> None:
    assert from_devops(app, name, changes).problem == (status, code)
    assert len(builds.new()) == 1


def test_an_event_cut_off_on_its_way_is_no_json(app: AppHost, builds: Watched) -> None:
    assert app.http("POST", DEVOPS, basic(KEY), body(BUILD_2)[:-9]).problem == (400, "NOT_JSON")
    (message,) = builds.new()
    assert str(message.message_id).startswith("azure-devops-")


def test_a_ping_is_answered_and_goes_nowhere(app: AppHost, builds: Watched) -> None:
    ping = (EVENTS / "github-ping.json").read_bytes()
    reply = from_github(app, ping, event="ping")
    assert (reply.status, reply.json["words"]) == (200, "pong: the signature is right")
    reply = from_github(app, b"{}", event="push")
    assert (reply.status, reply.json["words"][:25]) == (200, "nothing is done with push")
    assert builds.new() == []


def test_a_form_says_which_content_type_to_choose(app: AppHost, builds: Watched) -> None:
    form = b"payload=%7B%7D"
    headers = {**signed(form), "Content-Type": "application/x-www-form-urlencoded"}
    reply = app.http("POST", GITHUB, headers, form)
    assert reply.problem == (400, "NOT_JSON") and "application/json" in reply.json["detail"]
    assert builds.new() == []


@pytest.mark.parametrize("wrap", [lambda content: content, in_base64], ids=["bare", "in a CloudEvent"])
def test_a_hook_takes_only_what_its_own_vendor_says(
    app: AppHost, builds: Watched, version: str, wrap: Callable[[bytes], bytes]
) -> None:
    """A key that can only submit is no operator's word: neither another service, author or artifact, nor once more."""
    of_devops, of_github = body(BUILD_2, OF_CHECKOUT | {"resource.buildNumber": version}), body(WORKFLOW_RUN, OF_CI)
    (push,) = event(PUSHED, {"data.target.repository": "team/checkout", "data.target.tag": version})
    pushed = json.dumps(push).encode()
    ours, once_more = a_message(version), a_message(version, run=2)
    foreign = [(DEVOPS, each) for each in (ours, once_more, of_github, pushed)]
    foreign += [(GITHUB, each) for each in (ours, once_more, of_devops, pushed)]
    for path, plain in foreign:
        content = wrap(plain)
        reply = app.http("POST", path, basic(KEY) if path == DEVOPS else signed(content), content)
        assert reply.problem == (422, "UNKNOWN_SHAPE"), plain
        assert "known are: slipway" not in reply.json["detail"], "it names what the hook takes"
    messages = builds.new()
    assert len(messages) == len(foreign), "each is on the queue, to be audited"
    for message in messages:
        app.deliver(b"".join(message.body), str(message.message_id), properties=properties_of(message))
    assert intake(f"checkout--{version}") == {} == intake(f"checkout--{version}=2")


def test_what_a_hook_may_not_say_it_may_not_say_when_it_is_put_back_either(
    app: AppHost, builds: Watched, version: str
) -> None:
    content = a_message(version)
    app.http("POST", DEVOPS, basic(KEY), content)
    (message,) = builds.new()
    app.deliver(content, f"forged-{version}", properties=properties_of(message))
    listed = app.http("GET", "/api/rejected?top=100&source=builds-rejected", ALICE).json["messages"]
    (id,) = [each["id"] for each in listed if each["message_id"] == f"forged-{version}"]
    assert app.http("POST", f"/api/rejected/{id}/resubmit", ALICE, {}).status == 200
    (back,) = builds.new()
    app.deliver(content, str(back.message_id), properties=properties_of(back))
    assert intake(f"checkout--{version}") == {}


# on the queue and over HTTP, in other words than ours


def test_a_build_may_be_posted_in_any_shape_and_a_binary_cloud_event_keeps_its_attributes(
    app: AppHost, builds: Watched, version: str
) -> None:
    (pushed,) = event(PUSHED, {"data.target.repository": "team/checkout", "data.target.tag": version})
    beside = {
        "ce-specversion": "1.0",
        "ce-type": "Microsoft.ContainerRegistry.ImagePushed",
        "ce-time": pushed["eventTime"],
    }
    reply = app.http("POST", "/api/builds", {**ALICE, **beside}, pushed["data"])
    assert (reply.status, reply.json["promotion"]) == (202, f"checkout--{version}"), reply
    (message,) = builds.new()
    properties = {key.decode(): value.decode() for key, value in message.application_properties.items()}
    assert properties["cloudEvents:type"] == beside["ce-type"]
    app.deliver(b"".join(message.body), str(message.message_id), properties=properties)
    assert intake(f"checkout--{version}")["digest"] == pushed["data"]["target"]["digest"]


def test_a_rejected_event_keeps_its_attributes_and_no_token_that_came_beside_it(
    app: AppHost, broker: Bus, version: str
) -> None:
    with broker.watch("builds-rejected") as rejected:
        rejected.new()
        properties = {"cloudEvents:type": "x", "cloudEvents:specversion": "1.0", "AuthToken": "a token of CI's job"}
        app.deliver(body(PACKAGE, {"action": MISSING}), f"m-{version}", properties=properties)
        (message,) = rejected.new()
    kept = {key.decode(): value.decode() for key, value in message.application_properties.items()}
    assert kept["cloudEvents:type"] == "x" and "AuthToken" not in kept
    assert "a token" not in json.dumps(kept)
