"""Sends the package to the site as it is, for those who deploy with neither azd nor a pipeline.

`python3 infra/publish.py --resource-group ... --site ...` after `make package`, signed in by `az login`.
`az functionapp deployment source config-zip` will not do: on Flex Consumption it has every Python app built anew,
whatever it is told.

The site's own deployment endpoint, as azd uses it: POST api/publish answers 202 with an id, GET api/deployments/{id}
says how far it is. Nothing beside Python and `az` is needed.
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "build" / "slipway.zip"
GIVES_UP_AFTER_S = 600
PAUSE_S = 2.0
PENDING, SUCCESS = (0, 1, 2), 4
FAILURES = {
    -1: "cancelled",
    3: "failed",
    5: "cancelled, for another deployment was under way",
    6: "successful in part only",
}


class NotPublished(Exception):
    """Why, in words."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def publish(url: str, token: str, package: bytes, pause: Callable[[], None], tries: int) -> None:
    """Send `package` to the deployment endpoint at `url` and wait until it is in force. Raises NotPublished."""
    sent = _ask(f"{url}/api/publish?RemoteBuild=false", token, package)
    if sent.status != 202:
        raise NotPublished(f"the site answers {sent.status}: {sent.body[:400].decode('utf-8', 'replace')}")
    deployment = json.loads(sent.body)
    seen = False
    for _ in range(tries):
        answer = _ask(f"{url}/api/deployments/{deployment}", token)
        if answer.status == 404 and seen:
            return  # what carried the deployment out is put away when it is done
        if answer.status in (200, 202):
            seen, said = True, json.loads(answer.body)
            if said["status"] == SUCCESS:
                return
            if said["status"] not in PENDING:
                words = FAILURES.get(said["status"], f"in a state that is not known here ({said['status']})")
                raise NotPublished(f"the deployment is {words}: {said.get('status_text') or 'no more is said'}")
        elif answer.status != 404:
            raise NotPublished(f"the site answers {answer.status} when it is asked how far the deployment is")
        pause()
    raise NotPublished("the deployment did not end in time; it may still: look at the site's deployments")


def _ask(url: str, token: str, body: bytes | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/zip"} if body else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as reply:
            return Answer(reply.status, reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read())


def _az(*arguments: str) -> str:
    done = subprocess.run(["az", *arguments, "--output", "tsv"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def main() -> str | int:
    parser = argparse.ArgumentParser(description="Send the package to the site as it is.")
    parser.add_argument("--resource-group", required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--package", type=Path, default=PACKAGE)
    given = parser.parse_args()
    if not given.package.is_file():
        return f"{given.package} is not there: make package"
    # Asked, not built: the platform may put a suffix of its own into it.
    query = "hostNameSslStates[?hostType=='Repository'].name | [0]"
    host = _az("functionapp", "show", "--resource-group", given.resource_group, "--name", given.site, "--query", query)
    token = _az("account", "get-access-token", "--resource", "https://management.azure.com", "--query", "accessToken")
    try:
        content = given.package.read_bytes()
        publish(f"https://{host}", token, content, lambda: time.sleep(PAUSE_S), int(GIVES_UP_AFTER_S / PAUSE_S))
    except NotPublished as reason:
        return str(reason)
    print(f"{given.package.name} is deployed to {given.site}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
