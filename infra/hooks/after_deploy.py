"""After a deployment: nobody gets in without a token, and Slipway says that it is well.

azd runs it with its environment's values as environment variables. Nothing beside Python is needed.
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

WAITS_AT_MOST_S = 240
PAUSE_S = 5.0
# A principal that nobody signed: it counts for nothing as long as the platform takes it off at the door.
FORGED = base64.b64encode(
    json.dumps(
        {
            "auth_typ": "aad",
            "role_typ": "roles",
            "claims": [
                {"typ": "oid", "val": "00000000-0000-0000-0000-000000000000"},
                {"typ": "roles", "val": "admin"},
            ],
        }
    ).encode()
).decode()
CALLERS: Mapping[str, Mapping[str, str]] = {
    "a call without a token": {},
    "a call with a forged principal": {"X-MS-CLIENT-PRINCIPAL": FORGED},
    "a call with a token that nobody issued": {"Authorization": "Bearer none"},
}


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when nothing answered; then `body` says why."""

    status: int
    kind: str
    body: str


def ask(url: str, headers: Mapping[str, str]) -> Answer:
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return Answer(reply.status, reply.headers.get_content_type(), reply.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as refusal:
        with refusal:
            body = refusal.read().decode("utf-8", "replace")
            return Answer(refusal.code, refusal.headers.get_content_type(), body)
    except OSError as error:
        return Answer(0, "", str(error))


def door(url: str) -> Iterator[str]:
    """What is wrong with the door: nothing when App Service itself refuses every stranger with 401.

    The app refuses strangers too, by problem+json: who reads that got through to the app.
    """
    for caller, headers in CALLERS.items():
        answer = ask(f"{url}/api/promotions", headers)
        if answer.status == 401 and answer.kind == "application/problem+json":
            yield f"{caller} got through to the app, which refused it: App Service authentication is not in force"
        elif answer.status == 200:
            yield f"{caller} was ANSWERED: stop the site now (az functionapp stop), then look at its authentication"
        elif answer.status != 401:
            yield f"{caller} got {answer.status or 'no answer'} instead of 401: {answer.body[:200]}"


def health(url: str) -> Iterator[str]:
    """What Slipway says is wrong with itself; nothing when it is well, or cannot be asked without a token."""
    answer = ask(f"{url}/api/health", {})
    if answer.status == 401:
        print("note: /api/health wants a token here, so only the door was checked", flush=True)
    elif answer.status != 200:
        yield f"/api/health answers {answer.status or 'nothing'}: {answer.body[:400]}"


def findings(url: str, pause: Callable[[], None], tries: int) -> list[str]:
    """What is wrong, asked again and again while a new app starts, at most `tries` times."""
    found: list[str] = []
    for turn in range(tries):
        if turn:
            pause()
        found = [*door(url), *health(url)]
        if not found or any("ANSWERED" in words for words in found):
            break
    return found


def main() -> str | int:
    url = os.environ.get("SLIPWAY_URL", "").rstrip("/")
    if not url:
        return "SLIPWAY_URL is not set: it is an output of infra/azure, so provision first"
    found = findings(url, lambda: time.sleep(PAUSE_S), int(WAITS_AT_MOST_S / PAUSE_S))
    if found:
        return "\n".join(found)
    print(f"{url}: strangers get 401")
    return 0


if __name__ == "__main__":
    sys.exit(main())
