"""Sends the package to the site as it is, for those who deploy with neither azd nor a pipeline.

`python3 infra/publish.py --resource-group ... --site ... --backend ...` after `make package`, signed in by `az login`.
`az functionapp deployment source config-zip` will not do: on Flex Consumption it has every Python app built anew,
whatever it is told.

The site's own deployment endpoint, as azd uses it (cli/azd/pkg/azsdk/funcapp_host_client.go): POST api/publish answers
202 with an id, GET api/deployments/{id} says how far it is. Nothing beside Python and `az` is needed.
"""

import argparse
import http.client
import json
import runpy
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / "build" / "slipway.zip"
# What azd asks before it deploys.
BEFORE = Path(__file__).resolve().parent / "hooks" / "before_deploy.py"
AUDIENCE = "https://management.azure.com"
GIVES_UP_AFTER_S = 600
PAUSE_S = 2.0
PENDING, SUCCESS = (0, 1, 2), 4
# A deployment may be unknown at first and for a moment in between: so many 404s say nothing, whenever they come.
SAYS_NOTHING = 4
# A site that starts anew refuses connections and answers 5xx for a while: so many in a row are borne.
BORNE = 30
FAILURES: Mapping[Any, str] = {
    -1: "cancelled",
    3: "failed",
    5: "cancelled, for another deployment was under way",
    6: "successful in part only",
}


class NotPublished(Exception):
    """Why, in words."""


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when nothing answered; then `body` says why."""

    status: int
    body: bytes

    @property
    def words(self) -> str:
        said = self.body[:400].decode("utf-8", "replace")
        return f"answers {self.status}: {said}" if self.status else f"does not answer: {said}"


def publish(url: str, token: str, package: bytes, pause: Callable[[], None], tries: int) -> None:
    """Send `package` to the deployment endpoint at `url` and wait until it is in force. Raises NotPublished."""
    sent = _ask(f"{url}/api/publish?RemoteBuild=false", token, package)
    if sent.status != 202:
        raise NotPublished(f"the site {sent.words}")
    deployment = _json(sent)
    if not isinstance(deployment, str) or not deployment:
        raise NotPublished(f"the site took the package, but names no deployment: it {sent.words}")
    _wait(f"{url}/api/deployments/{deployment}", token, pause, tries)


def _wait(deployment: str, token: str, pause: Callable[[], None], tries: int) -> None:
    seen, unknown, in_vain = False, 0, 0
    for _ in range(tries):
        answer = _ask(deployment, token)
        in_vain = in_vain + 1 if answer.status == 0 or answer.status >= 500 else 0
        if answer.status == 404:
            unknown += 1
            if seen and unknown > SAYS_NOTHING:
                return  # what carried the deployment out is put away when it is done
        elif answer.status in (200, 202):
            seen = True
            if _is_done(_json(answer)):
                return
        elif not in_vain or in_vain > BORNE:
            raise NotPublished(f"asked how far the deployment is, the site {answer.words}")
        pause()
    raise NotPublished("the deployment did not end in time; it may still: look at the site's deployments")


def _is_done(said: Any) -> bool:
    """Whether the deployment is in force; False while it is under way. Raises NotPublished when it never will be."""
    status, text = (said.get("status"), said.get("status_text")) if isinstance(said, dict) else (None, None)
    if status == SUCCESS:
        return True
    if status in PENDING:
        return False
    words = FAILURES.get(status, f"in a state that is not known here ({status})")
    raise NotPublished(f"the deployment is {words}: {text or 'no more is said'}")


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise NotPublished(f"what the site says is no JSON: it {answer.words}") from error


def _ask(url: str, token: str, body: bytes | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/zip"} if body else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as reply:
            return Answer(reply.status, reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error).encode())


def host_of(site: Mapping[str, Any]) -> str:
    """The deployment endpoint's host in what `az functionapp show` says: on Flex Consumption the resource as Resource
    Manager has it, else with its `properties` laid open. Raises NotPublished when it names none.

    Asked, not built from the name: the platform may put a suffix of its own into it.
    """
    states = site.get("hostNameSslStates") or (site.get("properties") or {}).get("hostNameSslStates") or []
    for each in states:
        if each.get("hostType") == "Repository" and each.get("name"):
            return str(each["name"])
    raise NotPublished(
        f"az functionapp show names no host of the type Repository for {site.get('name')}: is it started?"
    )


def _az(*arguments: str) -> Any:
    az = shutil.which("az")
    if az is None:
        raise NotPublished("az is not there: install the Azure CLI, then az login")
    done = subprocess.run([az, *arguments, "--output", "json"], capture_output=True, text=True)
    said = done.stderr.strip() or f"it ended with {done.returncode} and says nothing"
    if done.returncode:
        raise NotPublished(f"az {' '.join(arguments[:2])}: {said}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise NotPublished(f"az {' '.join(arguments[:2])} finds nothing: {said}") from error


def main() -> str | int:
    parser = argparse.ArgumentParser(description="Send the package to the site as it is.")
    parser.add_argument("--resource-group", required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--backend", required=True, help="SLIPWAY_DURABLE_BACKEND, which the package must be for")
    parser.add_argument("--package", type=Path, default=PACKAGE)
    given = parser.parse_args()
    if not given.package.is_file():
        return f"{given.package} is not there: make package"
    before = runpy.run_path(str(BEFORE))
    if wrong := before["disagreement"](given.backend, before["host_of"](given.package)):
        return str(wrong)
    try:
        host = host_of(_az("functionapp", "show", "--resource-group", given.resource_group, "--name", given.site))
        token = _az("account", "get-access-token", "--resource", AUDIENCE)["accessToken"]
        content = given.package.read_bytes()
        publish(f"https://{host}", token, content, lambda: time.sleep(PAUSE_S), int(GIVES_UP_AFTER_S / PAUSE_S))
    except NotPublished as reason:
        return str(reason)
    print(f"{given.package.name} is deployed to {given.site}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
