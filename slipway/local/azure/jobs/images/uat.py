"""The storefront's acceptance tests: they ask the address TARGET_URL as users do, and exit with 1 when it fails.

`--requests N` says how often, `--allowed N` how many of them may fail, as some do of any service. Whoever answers must
be the version SLIPWAY_VERSION. A tag that ends with `-flaky` fails at its first run for a version, and not at the next.
"""

import argparse
import os
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

PATHS = ("/", "/cart", "/checkout", "/orders")


def failures(url: str, version: str, requests: int) -> list[str]:
    """What was wrong with the answers, in words."""
    parts, found = urlsplit(url), []
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    for number in range(requests):
        path = PATHS[number % len(PATHS)]
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 400:
            found.append(f"GET {path}: HTTP {answer.status}")
        elif answer.headers["x-version"] != version:
            found.append(f"GET {path}: {answer.headers['x-version']} answered, not {version}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--allowed", type=int, default=0)
    told = parser.parse_args()
    requests = told.requests
    url, version = os.environ["TARGET_URL"], os.environ["SLIPWAY_VERSION"]
    print(f"acceptance tests of {version} at {url}")
    if os.environ["IMAGE_TAG"].endswith("-flaky"):
        ran = Path(os.environ["VOLUME"]) / f"uat-{version}"
        if not ran.exists():
            ran.touch()
            print("the browser did not start")
            return 1
    try:
        found = failures(url, version, requests)
    except OSError as error:
        print(f"FAILED no answer: {error}")
        return 1
    for each in found:
        print(f"FAILED {each}")
    print(f"{requests} requests, {len(found)} failures, {told.allowed} are allowed")
    return 1 if len(found) > told.allowed else 0


if __name__ == "__main__":
    sys.exit(main())
