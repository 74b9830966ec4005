"""Both languages say what the table says: values, not names alone; conditions, doors, and whom an alert reaches."""

import json
from pathlib import Path

import pytest
import yaml

from tests.infra.wanted import ALWAYS, GRANTS, SETTINGS, VARIABLES, Row
from tests.infra.wanted_conditions import WHEN
from tests.infra.wanted_doors import DOORS
from tests.infra.wanted_passed import ON, OUTPUTS, PASSED
from tests.infra.wiring import NOTHING, Infra

ROOT = Path(__file__).parents[2]
INFRA = Infra(ROOT / "infra")
ROLES = "modules/roles.bicep"
WIRING = [*DOORS, *WHEN, *ON]


def test_every_setting_has_its_own_value() -> None:
    assert settings_amiss(INFRA) == []


def settings_amiss(infra: Infra) -> list[str]:
    bicep, terraform = infra.settings()
    found = [f"{name} is in no table" for name in (bicep.keys() | terraform.keys()) - SETTINGS.keys()]
    for name, (ours, theirs) in SETTINGS.items():
        found += _differs(f"{name} in Bicep", bicep.get(name, NOTHING), ours)
        found += _differs(f"{name} in Terraform", terraform.get(name, NOTHING), theirs)
    return found


@pytest.mark.parametrize("row", WIRING, ids=[f"{row.what} ({number})" for number, row in enumerate(WIRING)])
def test_it_is_so_in_both_languages(row: Row) -> None:
    assert _row_amiss(INFRA, row) == []


def wiring_amiss(infra: Infra) -> list[str]:
    return [words for row in WIRING for words in _row_amiss(infra, row)]


def _row_amiss(infra: Infra, row: Row) -> list[str]:
    found = _differs(f"{row.what}: {row.there}", infra.at(row.there), row.bicep)
    return found + (_differs(f"{row.what}: {row.too}", infra.at(row.too), row.terraform) if row.too else [])


def test_every_role_is_given_to_the_identity_run_on_its_scope_and_when_it_is_due() -> None:
    assert grants_amiss(INFRA) == []


def grants_amiss(infra: Infra) -> list[str]:
    found = []
    for name, (ours, theirs, when) in GRANTS.items():
        at = f"{ROLES} resource {_camel(name)}"
        found += _differs(f"{at} if", infra.at(f"{at} if"), when)
        found += _differs(f"{at} scope", infra.at(f"{at} scope"), ours)
        found += _differs(f"{at} principal", infra.at(f"{at} properties.principalId"), "principalId")
        if when == ALWAYS:
            found += _differs(f"always {name}", infra.at(f". local always {name}.scope"), theirs)
    for name in GRANTS:
        if GRANTS[name][2] != ALWAYS:
            found += _differs(f"always {name}", infra.at(f". local always {name}"), NOTHING)
    return found


def test_every_module_is_passed_what_it_asks_for() -> None:
    """By the same name, or as a table says."""
    assert passed_amiss(INFRA) == []


def passed_amiss(infra: Infra) -> list[str]:
    in_rows = {row.there for row in WIRING}
    found = []
    for module, name in infra.passed("azure/main.bicep"):
        address = f"azure/main.bicep module {module} params.{name}"
        if address not in in_rows:
            found += _differs(address, infra.at(address), PASSED.get(f"{module} {name}", name))
    return found


def test_every_output_says_what_its_name_says() -> None:
    assert outputs_amiss(INFRA) == []


def outputs_amiss(infra: Infra) -> list[str]:
    found = []
    layers = {name: layer for layer in VARIABLES for name in infra.kinds_of(f"{layer}/main.bicep", "output")}
    there = layers.keys() | infra.kinds_of(".", "output")
    found += [f"{name} is an output in one of the two only" for name in there ^ OUTPUTS.keys()]
    for name in there & OUTPUTS.keys():
        ours, theirs = OUTPUTS[name]
        found += _differs(f"{name} in Bicep", infra.at(f"{layers.get(name)}/main.bicep output {name}"), ours)
        found += _differs(f"{name} in Terraform", infra.at(f". output {name} value"), theirs)
    return found


def test_every_parameter_is_filled_by_its_own_variable() -> None:
    assert variables_amiss(INFRA) == []


def variables_amiss(infra: Infra) -> list[str]:
    found = []
    for layer, wanted in VARIABLES.items():
        given = json.loads((infra.path / layer / "main.parameters.json").read_text())["parameters"]
        found += [f"{layer}: {name} is in one of the two only" for name in given.keys() ^ wanted.keys()]
        for name in given.keys() & wanted.keys():
            found += _differs(f"{layer}: {name}", given[name]["value"], f"${{{wanted[name]}}}")
    return found


def test_the_second_layer_waits_for_the_first() -> None:
    """It is told what the first puts out: without that azd may make both at once."""
    layers = yaml.safe_load((ROOT / "azure.yaml").read_text())["infra"]["layers"]
    assert {layer["name"]: layer.get("dependsOn") for layer in layers} == {"entra": None, "azure": ["entra"]}


def test_an_address_that_is_not_there_is_nothing_and_no_error() -> None:
    assert INFRA.at("modules/vault.bicep resource nobody name") == NOTHING
    assert INFRA.at(". resource azurerm_key_vault.slipway nothing.here") == NOTHING
    assert INFRA.at(". local nobody") == NOTHING


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.title() for each in others)


def _differs(what: str, found: str, wanted: str) -> list[str]:
    return [] if found == wanted else [f"{what} is {found}, not {wanted}"]
