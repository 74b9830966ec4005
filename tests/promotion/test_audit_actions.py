"""No action without its meaning, and no route that changes something without a record, or a reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.promotion.audit_actions import ACTIONS, ROUTES, SAID, meaning_of
from slipway.promotion.event_catalogue import CATALOGUE
from triggers.openapi import document

ROOT = Path(__file__).parents[2]


def recorded_by_triggers() -> Iterator[str]:
    """The action of every AuditRecord that a trigger makes; a part that is worked out is a star."""
    for path in (ROOT / "triggers").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("AuditRecord", "replace"):
                named = {each.arg: each.value for each in node.keywords}
                action = named.get("action") or (node.args[3] if len(node.args) > 3 else None)
                if isinstance(action, ast.Constant):
                    yield str(action.value)
                elif isinstance(action, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in action.values)


def test_every_action_that_triggers_record_has_a_meaning_and_none_is_left_over() -> None:
    found = set(recorded_by_triggers())
    assert "*.refused" in found and "approval.*" in found  # of `on_record`, whose families are those of SAID
    families = {action.partition(".")[0] for action in found}
    refused = {f"{family}.refused" for family in families if f"{family}.refused" in SAID}
    assert (found - {"*.refused"}) | refused == set(SAID)


def test_every_way_that_keeps_a_refusal_has_its_action() -> None:
    places = [
        path for path in sorted((ROOT / "triggers").glob("*_api.py")) if "async with on_record(" in path.read_text()
    ]
    assert len(places) + 1 == len(
        [  # of intents, which no promotion is asked of
            each for each in SAID if each.endswith(".refused")
        ]
    )


def test_what_orchestrators_record_has_the_meaning_of_its_event() -> None:
    assert {each.action for each in CATALOGUE} <= set(ACTIONS)
    assert meaning_of("ramp.no-traffic") == ACTIONS["ramp.*"] and meaning_of("nothing.of-ours") is None


def test_every_route_that_changes_something_leaves_a_record_or_says_why_not() -> None:
    changing = {
        operation["operationId"]
        for methods in document()["paths"].values()
        for method, operation in methods.items()
        if method != "get"
    }
    assert changing == set(ROUTES)
    for route, left in ROUTES.items():
        assert left and (isinstance(left, str) or set(left) <= set(ACTIONS)), route


def test_the_page_has_every_action_of_people_with_its_meaning() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.*-]+)` \| (.*) \|$", page, re.MULTILINE))
    assert {action: rows.get(action) for action in SAID} == SAID
