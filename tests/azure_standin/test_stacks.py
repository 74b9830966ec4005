"""What the stand-in makes of a template, and what it keeps of a stack."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from slipway.local.azure.stacks.evaluate import InvalidTemplate, delta, resources_of
from slipway.local.azure.stacks.store import STACKS, StackStore

GROUP = "/subscriptions/s/resourceGroups/g"
PLAN = {"type": "Microsoft.Web/serverfarms", "apiVersion": "2024-04-01", "name": "plan", "sku": {"name": "B1"}}


def a_template(*resources: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {"$schema": "https://schema", "resources": list(resources), "parameters": parameters}


def test_parameters_are_filled_in_from_what_is_given_or_by_default() -> None:
    resource = {**PLAN, "sku": {"name": "[parameters('sku')]"}, "location": "[parameters('where')]"}
    template = a_template(resource, sku={"type": "string"}, where={"type": "string", "defaultValue": "westeurope"})
    found = resources_of(template, {"sku": {"value": "S1"}}, GROUP)
    (made,) = found.values()
    assert list(found) == [f"{GROUP}/providers/Microsoft.Web/serverfarms/plan"]
    assert made["sku"] == {"name": "S1"} and made["location"] == "westeurope"


def test_a_child_has_a_name_for_each_part_of_its_type() -> None:
    child = {**PLAN, "type": "Microsoft.Storage/storageAccounts/blobServices", "name": "data/default"}
    assert list(resources_of(a_template(child), {}, GROUP)) == [
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data/blobServices/default"
    ]


@pytest.mark.parametrize(
    ("template", "given", "words"),
    [
        (a_template({**PLAN, "name": "[concat('a')]"}), {}, r"\[concat\('a'\)\] is not in this stand-in"),
        (a_template({**PLAN, "name": "[parameters('no')]"}), {}, "'no' is not found"),
        (a_template(PLAN, sku={"type": "string"}), {}, "'sku' is not provided"),
        (a_template(PLAN), {"sku": {"value": 1}}, "do not correspond"),
        (a_template({**PLAN, "type": "Microsoft.Resources/deployments"}), {}, "Nested deployments"),
        (a_template({"name": "x"}), {}, "no 'type'"),
        (a_template({**PLAN, "name": "a/b"}), {}, "as many parts"),
        ({"resources": []}, {}, "schema"),
    ],
)
def test_what_it_does_not_know_is_refused_by_name(template: dict[str, Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidTemplate, match=words):
        resources_of(template, given, GROUP)


def test_a_difference_is_told_by_its_innermost_properties_and_what_the_template_leaves_out_stays() -> None:
    before = {"sku": {"name": "B1", "tier": "Basic"}, "zones": [1]}
    assert list(delta(before, {"sku": {"name": "S1"}, "zones": [1], "tags": {"a": "b"}})) == [
        {"path": "sku.name", "changeType": "modify", "before": "B1", "after": "S1"},
        {"path": "tags", "changeType": "create", "after": {"a": "b"}},
    ]


def opened(file: Path) -> StackStore:
    database = sqlite3.connect(file, isolation_level=None)
    database.row_factory = sqlite3.Row
    return StackStore(database)


def test_stacks_and_resources_outlive_a_kill_and_ids_know_no_capitals(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    store = opened(file)
    store.put(STACKS, "/A/b", {"name": "b"}, 2)
    store.change({"/R/one": PLAN}, [])
    assert store.look(STACKS, "/a/B") == ({"name": "b"}, False)
    again = opened(file)
    assert again.look(STACKS, "/a/b") == ({"name": "b"}, False), "its looks are counted over a restart"
    assert again.look(STACKS, "/a/b") == ({"name": "b"}, True)
    assert again.resource("/r/ONE") == PLAN and list(again.resources()) == ["/R/one"]
    again.change({}, ["/r/one"])
    assert opened(file).resource("/R/one") is None
