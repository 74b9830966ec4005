"""What code stands on is promoted before the code, on the whole laptop system in virtual time: a stack, Terraform,
settings, then a site; approved, applied, and taken back when the code fails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.promotion.planned_changes import HIDDEN
from tests.adapters.stack import SCHEMA, a_plan, an_account, id_of
from tests.end_to_end.system import System, a_message, start
from tests.end_to_end.test_aks import until

PIPELINE = Path(__file__).with_name("founded.yaml")
INFRA = "shop.azurecr.io/checkout-infra"
JOBS = [{"name": "checkout-infra", "image": f"{INFRA}:1", "env": {"STATE": "checkout"}}]
OLD, NEW = "1.1.0", "1.2.0-dead"  # the second dies of a request that no check makes
ENDED = ("passed", "failed", "broken")
SECRET = "a-credential-that-is-nobodys-business"
PLATFORM, DATA = a_plan("checkout-plan"), an_account("checkoutdata")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("infrastructure")


@pytest.fixture(scope="module")
def system(state: Path) -> Iterator[System]:
    with start(state, PIPELINE, virtual_time=True, jobs=JOBS, job_images={INFRA: "terraform"}) as laptop:
        yield System(laptop)


def builds(system: System, version: str, limit: str, *resources: dict[str, Any]) -> None:
    """CI has published the template and imported the settings of the version."""
    template = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources)}
    system.azure("PUT", f"/documents/checkout-{version}.json", content=json.dumps(template).encode())
    for key, value in (("limit", limit), ("password", f"{SECRET}-{limit}")):
        told = {"key": f"checkout:{key}", "label": version, "value": value}
        system.azure("POST", "/standin/settings", json=told)


def asked(system: System, version: str) -> dict[str, Any]:
    """The stage when people are asked, with what would change."""
    id = f"checkout--{version}"
    system.send(a_message(version))
    system.until(id, lambda _: True)
    return until(system, id, "production", "waiting for approval", *ENDED)


def said_yes(system: System, version: str) -> None:
    path = f"/api/promotions/checkout--{version}/stages/production/approval"
    answer = system.call("POST", path, json={"decision": "approve", "gate": "switch"})
    assert answer.status_code == 200, answer.text


def changes(stage: dict[str, Any]) -> dict[str, list[str]]:
    return {each["name"]: each["changes"].splitlines() for each in stage["targets"]}


def stands(system: System, state: Path) -> dict[str, Any]:
    """What is there: as Azure has it, not as Slipway says."""
    resources = system.azure("GET", "/standin/resources").json()
    (terraform,) = state.glob("**/volumes/checkout.tfstate.json")
    path = "/kv/checkout/release?label=prod&api-version=2023-11-01"
    pointer = system.azure("GET", path, "https://azconfig.io").json()
    return {
        "plan": resources[id_of(PLATFORM)]["sku"]["name"],
        "data": id_of(DATA) in resources,
        "terraform": json.loads(terraform.read_text())["resources"]["plan"],
        "settings": pointer["value"],
        "code": system.live("checkout--" + OLD)["weu"],
    }


@pytest.mark.timeout(240)
def test_people_approve_what_would_change_it_is_applied_and_goes_back_with_the_code_that_fails_on_it(
    system: System, state: Path
) -> None:
    builds(system, OLD, "10", PLATFORM)
    assert changes(asked(system, OLD))["platform"][0].startswith("1 to create")
    said_yes(system, OLD)
    assert until(system, f"checkout--{OLD}", "production", *ENDED)["state"] == "passed"
    before = {"plan": "B1", "data": False, "terraform": OLD, "settings": f"checkout-{OLD}", "code": OLD}
    assert stands(system, state) == before

    builds(system, NEW, "20", a_plan("checkout-plan", "P1v3"), DATA)
    told = changes(asked(system, NEW))
    assert told["platform"] == [
        "1 to create, 1 to modify, 0 to delete, 0 unchanged",
        "~ modify Microsoft.Web/serverfarms/checkout-plan: sku.name B1 → P1v3",
        "+ create Microsoft.Storage/storageAccounts/checkoutdata",
    ]
    assert told["records"] == [
        "0 to create, 2 to modify, 0 to delete",
        f"  ~ password = {HIDDEN}",
        f"  ~ plan = {NEW}",
    ]
    assert told["settings"][1:] == [
        "~ modify checkout:limit: 10 → 20",
        "~ modify checkout:password: its value changes",
    ]
    assert told["weu"] == [] and stands(system, state) == before, "a plan changes nothing"
    said_yes(system, NEW)
    id = f"checkout--{NEW}"
    until(system, id, "production", "baking", *ENDED)
    after = {"plan": "P1v3", "data": True, "terraform": NEW, "settings": f"checkout-{NEW}", "code": NEW}
    assert stands(system, state) == after
    httpx.get(system.laptop.azure["sites"]["checkout-weu"] + "/die")

    ended = until(system, id, "production", *ENDED)
    assert (ended["state"], ended["code"]) == ("failed", "UNHEALTHY"), ended
    assert stands(system, state) == before
    back = [step["target"] for step in ended["steps"] if step["name"] == "swap back"]
    assert back[0] == "weu" and sorted(back[1:]) == ["platform", "records", "settings"], back
    audit = system.get(f"/api/promotions/{id}/audit")
    assert audit["intact"] and SECRET not in str(audit) and SECRET not in str(ended) and f"of-{NEW}" not in str(audit)
    assert f"{INFRA}:{NEW} is sha256:" in str(audit["records"]), "one unit with the code"
