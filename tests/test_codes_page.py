"""`docs/codes.md` is whole and true: it has every stable code of the sources, and none that they do not have."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.adapters.azure_errors import FaultKind

ROOT = Path(__file__).parents[1]
SOURCES = ("slipway", "activities", "orchestrators", "entities", "triggers")
ELSEWHERE = ("slipway/cli", "slipway/local", "slipway/promotion/judge")  # left out, as the page says
CODE = re.compile(r"[A-Z]{3,}|[A-Z]+(_[A-Z0-9]+)+")
# Texts of the same look that are methods, variables, formats.
NO_CODES = {
    *("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"),
    *("DONE", "PASSED", "FAILED", "CANCELLED", "CANCELLING", "NOT_APPLICABLE", "TARGET_HOST"),  # Azure Load Testing's
    *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"),
    *("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED"),
    *("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED", "WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"),
    "AAD",
    *("AAAA", "CNAME", "TTL"),
    *("IDENTITY_ENDPOINT", "AZURE_CLIENT_ID", "FUNCTIONS_NOW", "SERVICEBUS", "WEBSITE_AUTH_ENABLED"),
    "WEBSITE_HOSTNAME",
    *("JWT", "MIT", "RSA", "UTC"),
    *("BRF", "BRH", "BRDA", "DESCRIBES", "NOASSERTION", "NONE", "WITH", "AND", "SPDXID"),  # of lcov and of SPDX
    *("TARGET_NAME", "TARGET_URL", "TARGET_URLS"),
}
MADE_OF_KINDS = {f"AZURE_{kind.name}" for kind in FaultKind}


def said() -> Iterator[str]:
    """Every text of the sources that has the look of a code."""
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            if not path.relative_to(ROOT).as_posix().startswith(ELSEWHERE):
                nodes = ast.walk(ast.parse(path.read_text()))
                texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
                yield from (text for text in texts if CODE.fullmatch(text))


def codes() -> set[str]:
    return {text for text in said() if text not in NO_CODES and not text.startswith("SLIPWAY_")} | MADE_OF_KINDS


def rows() -> list[list[str]]:
    """The cells of each row: codes, what they mean, what to do."""
    lines = (ROOT / "docs" / "codes.md").read_text().splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]


def on_the_page() -> list[str]:
    return [code for first, *_ in rows() for code in re.findall(r"`(\w+)`", first)]


def test_every_code_is_on_the_page() -> None:
    assert codes() - set(on_the_page()) == set()


def test_every_code_on_the_page_is_said_somewhere() -> None:
    assert set(on_the_page()) - codes() == set()


def test_each_code_has_one_row_that_says_what_it_means_and_what_to_do() -> None:
    assert [code for code in on_the_page() if on_the_page().count(code) > 1] == []
    assert [row for row in rows() if len(row) != 3 or not all(row)] == []


def test_what_is_no_code_is_still_there() -> None:
    assert set(said()) >= NO_CODES, "a list of exceptions that nobody needs hides a code of that name"
