"""The pipelines of `examples/` for CI systems: what they hand over is a build message, and they wait as they say."""

import json
import os
import re
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from slipway.promotion.build import Build
from slipway.promotion.build_messages import build_schema, parse_build

EXAMPLES = Path(__file__).parents[1] / "examples"
AZURE = yaml.safe_load((EXAMPLES / "azure-pipelines.yml").read_text(encoding="utf-8"))
GITHUB = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text(encoding="utf-8"))
needs_tools = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="CI's agents have jq and curl, this machine does not"
)
DIGEST = "sha256:" + "0af" * 21 + "0"
SAID_BY_AZURE = {
    "SERVICE": "storefront",
    "BUILD_BUILDNUMBER": "1.4.7",
    "BUILD_SOURCEVERSION": "9b2c1de",
    "BUILD_SOURCEBRANCH": 'refs/heads/feature/"quoted"',
    "BUILD_REQUESTEDFOREMAIL": "bob@shop.example",
    "DIGEST": DIGEST,
}
SAID_BY_GITHUB = {
    "SERVICE": "storefront",
    "VERSION": "1.4.7",
    "GITHUB_SHA": "9b2c1de",
    "GITHUB_REF_NAME": "main",
    "GITHUB_ACTOR": "bob",
    "DIGEST": DIGEST,
}


def steps_of(part: Any) -> Iterator[dict[str, Any]]:
    """Every step of a pipeline or workflow, in its order."""
    if isinstance(part, list):
        for each in part:
            yield from steps_of(each)
    elif isinstance(part, dict):
        yield from part.get("steps", ())
        for each in part.values():
            yield from steps_of(each)


def script_of(step: dict[str, Any]) -> str:
    return str(
        step.get("bash") or step.get("script") or step.get("run") or step.get("inputs", {}).get("inlineScript", "")
    )


def azures(name: str) -> dict[str, Any]:
    return next(step for step in steps_of(AZURE) if step.get("displayName") == name)


def githubs(name: str) -> dict[str, Any]:
    return next(step for step in steps_of(GITHUB["jobs"]) if step.get("name") == name)


WAIT = script_of(azures("Wait for the outcome"))


@dataclass
class Slipway:
    """Answers the looks at a promotion one after the other, the last one for ever, and keeps what is posted."""

    url: str
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    posted: list[bytes] = field(default_factory=list)


@pytest.fixture
def slipway() -> Iterator[Slipway]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said.looks.append(self.path)
            status, body = said.answers.pop(0) if len(said.answers) > 1 else said.answers[0]
            self._answer(status if self.headers["Authorization"] == "Bearer a-token" else 401, body)

        def do_POST(self) -> None:
            said.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(202 if self.headers["Authorization"] == "Bearer a-token" else 401, {"path": self.path})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said = Slipway(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield said
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a script as an agent does: with the command `az`, here one that knows a single token, but for the first
    `AWAY` times."""
    az = tmp_path / "az"
    az.write_text("#!/bin/sh\n[ ${AWAY:-0} -lt $(echo >>$0.asked; wc -l <$0.asked) ] && echo a-token\n")
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1", "APPLICATION": "api://slipway"}

    def run(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        shell = ["bash", "--noprofile", "--norc", "-c", script]
        return subprocess.run(shell, env=path | variables, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize("document", [AZURE, GITHUB["jobs"]], ids=["azure", "github"])
def test_every_script_is_sound_shell(document: Any) -> None:
    scripts = [script_of(step) for step in steps_of(document)]
    assert len([script for script in scripts if script]) >= 4
    for script in scripts:
        shell = re.sub(r"\$\{\{.*?\}\}", "value", script)
        checked = subprocess.run(["bash", "-n"], input=shell, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), script


def test_one_step_hands_over_and_one_waits_where_the_deploy_stages_were() -> None:
    publish = azures("Hand over to Slipway")
    assert publish["task"] == "PublishToAzureServiceBus@2"
    assert (publish["inputs"]["serviceBusQueueName"], publish["inputs"]["useDataContractSerializer"]) == (
        "builds",
        False,
    )
    assert [stage["stage"] for stage in AZURE["stages"]] == ["build", "promote"]
    hand_over, outcome = AZURE["stages"][1]["jobs"]
    assert hand_over["pool"] == "server" and hand_over["steps"] == [publish], "the task runs without an agent"
    assert outcome["dependsOn"] == hand_over["job"]
    job, name = re.findall(r"build\.(\w+)\.outputs\['(\w+)\.json'\]", AZURE["stages"][1]["variables"]["message"])[0]
    assert AZURE["stages"][0]["jobs"][0]["job"] == job and azures("Say what was built")["name"] == name
    assert [step.get("name") for step in GITHUB["jobs"]["promote"]["steps"]][1:] == [
        "Hand over to Slipway",
        "Wait for the outcome",
    ]
    assert script_of(githubs("Wait for the outcome")) == WAIT, "both wait in the same way"


@needs_tools
def test_what_azure_pipelines_hands_over_is_a_build_message(run: Any) -> None:
    ended = run(script_of(azures("Say what was built")), **SAID_BY_AZURE)
    assert (ended.returncode, ended.stderr) == (0, "")
    message = ended.stdout.strip().removeprefix("##vso[task.setvariable variable=json;isOutput=true]")
    jsonschema.Draft202012Validator(build_schema()).validate(json.loads(message))
    build = parse_build(message.encode())
    assert isinstance(build, Build)
    assert (build.service, build.version, build.digest) == ("storefront", "1.4.7", DIGEST)
    assert (build.branch, build.author) == ('feature/"quoted"', "bob@shop.example")


@needs_tools
def test_what_github_hands_over_is_a_build_message(run: Any, slipway: Slipway) -> None:
    ended = run(script_of(githubs("Hand over to Slipway")), SLIPWAY=slipway.url, **SAID_BY_GITHUB)
    assert (ended.returncode, ended.stdout) == (0, '{"path": "/api/builds"}'), ended
    (message,) = slipway.posted
    jsonschema.Draft202012Validator(build_schema()).validate(json.loads(message))
    build = parse_build(message)
    assert isinstance(build, Build) and (build.promotion, build.branch) == ("storefront--1.4.7", "main")


@needs_tools
@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        (
            [
                (404, {}),
                (200, {"state": "running"}),
                (500, {}),
                (200, {"state": "waiting"}),
                (200, {"state": "passed"}),
            ],
            0,
            "passed",
        ),
        ([(200, {"state": "running"}), (200, {"state": "failed"})], 1, "says why: slipway status storefront--1.4.7"),
        ([(200, {"state": "not enough evidence"})], 1, "storefront--1.4.7: not enough evidence"),
        ([(200, {"state": "cancelled"})], 1, "cancelled"),
        ([(403, {})], 2, "does not let this pipeline read (403)"),
        ([(404, {})], 3, "has not taken storefront--1.4.7 in"),
    ],
)
def test_the_wait_ends_as_the_promotion_does(
    run: Any, slipway: Slipway, answers: list[tuple[int, dict[str, Any]]], status: int, said: str
) -> None:
    slipway.answers = list(answers)
    quick = {"EVERY_S": "0.01", "TAKEN_IN_WITHIN_S": "0"}
    ended = run(
        WAIT,
        SLIPWAY=slipway.url,
        PROMOTION="storefront--1.4.7",
        **quick if status == 3 else {**quick, "TAKEN_IN_WITHIN_S": "60"},
    )
    assert ended.returncode == status, ended
    assert said in ended.stdout + ended.stderr
    assert set(slipway.looks) == {"/api/promotions/storefront--1.4.7"} and len(slipway.looks) >= len(answers)
    assert "a-token" not in ended.stdout + ended.stderr


@needs_tools
@pytest.mark.parametrize(("away", "status"), [("2", 0), ("99", 2)])
def test_a_token_that_does_not_come_is_asked_for_again_and_fails_no_promotion(
    run: Any, slipway: Slipway, away: str, status: int
) -> None:
    slipway.answers = [(200, {"state": "passed"})]
    ended = run(WAIT, SLIPWAY=slipway.url, PROMOTION="storefront--1.4.7", EVERY_S="0.01", AWAY=away)
    assert ended.returncode == status and ("no token" in ended.stderr) == bool(status), ended


@needs_tools
@pytest.mark.parametrize(
    ("said", "message"),
    [
        (SAID_BY_AZURE, script_of(azures("Say what was built"))),
        (SAID_BY_GITHUB, script_of(githubs("Hand over to Slipway"))),
    ],
)
def test_the_schema_is_one_argument_more(run: Any, slipway: Slipway, said: dict[str, str], message: str) -> None:
    (more,) = re.findall(r"--argjson schema '.*'", message)
    ended = run(message.replace("--null-input", f"--null-input {more}"), SLIPWAY=slipway.url, **said)
    posted = slipway.posted[0] if slipway.posted else ended.stdout.strip().partition("]")[2].encode()
    build = parse_build(posted)
    assert isinstance(build, Build) and build.schema == {"from": 13, "to": 15, "expand": 13, "contract": 14}


@needs_tools
def test_while_slipway_is_away_the_wait_goes_on(run: Any) -> None:
    """Nobody listens there; the script would ask for ever, so it is ended from outside."""
    gone = 'timeout 1 bash -c "$SCRIPT"'
    ended = run(gone, SCRIPT=WAIT, SLIPWAY="http://127.0.0.1:9", PROMOTION="x", EVERY_S="0.2")
    assert ended.returncode == 124 and ended.stdout.count("cannot be asked now (000)") >= 2
