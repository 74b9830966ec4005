"""The checks can fail: each mistake, made in a copy, is found and named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import built, fits, fits_terraform
from tests.infra.test_agreement import HOST, disagreements, entities_amiss, grants_amiss, settings_amiss
from tests.infra.test_providers import beyond_the_schema

INFRA = Path(__file__).parents[2] / "infra"
Check = Callable[[Path], list[str]]


def agreement(infra: Path) -> list[str]:
    return disagreements(built.by_bicep(infra), built.by_terraform(infra / "terraform"))


def terraform(infra: Path) -> list[str]:
    return fits_terraform.findings(infra / "terraform")


def settings(infra: Path) -> list[str]:
    host = built.for_backend(HOST, "scheduler")
    return settings_amiss(built.by_bicep(infra), host) + settings_amiss(built.by_terraform(infra / "terraform"), host)


def entities(infra: Path) -> list[str]:
    return entities_amiss(built.by_bicep(infra)) + entities_amiss(built.by_terraform(infra / "terraform"))


def grants(infra: Path) -> list[str]:
    return grants_amiss(built.by_bicep(infra)) + grants_amiss(built.by_terraform(infra / "terraform"))


MAIN, ROLES, TF_SETTINGS = "azure/main.bicep", "modules/roles.bicep", "terraform/modules/conventions/settings.tf"
TF_ROLES = "terraform/modules/conventions/roles.tf"
MISTAKES: list[tuple[str, Check, str, str, str, str]] = [
    # what goes wrong · the check · file · there · instead · what is said
    ("a module's path", fits.findings, MAIN, "../modules/vault.bicep", "../modules/vaults.bicep", "which is not there"),
    (
        "a parameter's name",
        fits.findings,
        MAIN,
        "    hubName: hubName\n    enabled",
        "    hub: hubName\n    enabled",
        "has no parameter hub",
    ),
    ("a parameter left out", fits.findings, MAIN, "    vaultName: vault.outputs.name\n", "", "is not given vaultName"),
    ("an output's name", fits.findings, MAIN, "vault.outputs.uri", "vault.outputs.url", "has no output url"),
    (
        "a variable's name",
        fits.findings,
        MAIN,
        "'slipway-${environmentName}-${token}'",
        "'slipway-${tokem}'",
        "tokem is declared nowhere",
    ),
    ("a function's name", fits.findings, ROLES, "guid(storage.id", "gguid(storage.id", "no function gguid"),
    (
        "an unused parameter",
        fits.findings,
        "modules/vault.bicep",
        "param name string",
        "param name string\nparam more string",
        "param more is used nowhere",
    ),
    ("a query's file", fits.findings, MAIN, "http-5xx.kql", "http-500.kql", "http-500.kql is not there"),
    (
        "a loop over outputs",
        fits.findings,
        "modules/private-ways.bicep",
        "vaultZone = 'privatelink.vaultcore.azure.net'",
        "vaultZone = network.outputs.appSubnetId",
        "a loop over endpoints is not known before",
    ),
    (
        "a name by an output",
        fits.findings,
        MAIN,
        "  name: 'site'\n",
        "  name: 'site-${vault.outputs.name}'\n",
        "the name of site is not known before",
    ),
    (
        "broken syntax",
        fits.findings,
        "modules/site.bicep",
        "    httpsOnly: true\n",
        "    httpsOnly: : true\n",
        "cannot be understood",
    ),
    (
        "a parameter file's name",
        fits.findings,
        "azure/main.parameters.json",
        '"storageSku"',
        '"storageSkus"',
        "no parameter storageSkus",
    ),
    (
        "a parameter file's gap",
        fits.findings,
        "entra/main.parameters.json",
        '"location": { "value": "${AZURE_LOCATION}" },',
        "",
        "location is missing",
    ),
    (
        "a second default",
        fits.findings,
        "azure/main.parameters.json",
        "${SLIPWAY_STORAGE_SKU}",
        "${SLIPWAY_STORAGE_SKU=Standard_LRS}",
        "storageSku is no variable",
    ),
    (
        "layers in a circle",
        fits.findings,
        "entra/main.parameters.json",
        "SLIPWAY_REDIRECT_HOST",
        "SLIPWAY_HOST_NAME",
        "SLIPWAY_HOST_NAME comes from the later layer azure",
    ),
    (
        "a dropped setting",
        settings,
        MAIN,
        "  SLIPWAY_VAULT: vault.outputs.uri\n",
        "",
        "SLIPWAY_VAULT is read but not set",
    ),
    (
        "a misspelled setting",
        settings,
        MAIN,
        "  SLIPWAY_TENANT:",
        "  SLIPWAY_TENNANT:",
        "SLIPWAY_TENNANT is set but nobody reads it",
    ),
    (
        "a key's setting",
        settings,
        MAIN,
        "  TASKHUB_NAME: hubName\n",
        "  TASKHUB_NAME: hubName\n  AzureWebJobsStorage: ''\n",
        "AzureWebJobsStorage must never be set",
    ),
    (
        "a dropped setting",
        settings,
        TF_SETTINGS,
        "AZURE_CLIENT_ID ",
        "AZURE_CLIENT ",
        "AZURE_CLIENT_ID is read but not set",
    ),
    (
        "a queue that swallows",
        entities,
        "modules/messaging.bicep",
        "maxDeliveryCount: 100",
        "maxDeliveryCount: 10",
        "max_delivery_count is 10, not 100",
    ),
    (
        "a queue's name",
        entities,
        "modules/messaging.bicep",
        "'builds-rejected'",
        "'builds-rejects'",
        "queue builds-rejected is not made",
    ),
    ("a role's id", agreement, ROLES, "4f6d3b9b-027b", "4f6d3b9c-027b", "grants: "),
    (
        "a version that azapi does not know",
        beyond_the_schema,
        "terraform/site.tf",
        "serverfarms@2025-03-01",
        "serverfarms@2025-05-01",
        "azapi knows Microsoft.Web at 2025-03-01",
    ),
    (
        "a property that azapi does not know",
        beyond_the_schema,
        "terraform/site.tf",
        "  schema_validation_enabled = false\n",
        "",
        "azapi refuses siteUpdateStrategy",
    ),
    (
        "a body that nobody looks at",
        beyond_the_schema,
        "terraform/scheduler.tf",
        "  location  = var.location\n",
        "  location  = var.location\n  schema_validation_enabled = false\n",
        "for no reason",
    ),
    (
        "a provider that is none",
        beyond_the_schema,
        "terraform/versions.tf",
        "~> 5.2",
        "~> 55.2",
        "azurerm is ~> 55.2, not ~> 5.2",
    ),
    ("a digit of a role", grants, ROLES, "40e7-96ff-dc2b", "40e7-96dc-dc2b", "flag_writer gives"),
    ("a digit of a role", grants, TF_ROLES, "40e7-96ff-dc2b", "40e7-96dc-dc2b", "flag_writer gives"),
    (
        "a setting of one",
        agreement,
        TF_SETTINGS,
        "SLIPWAY_PEOPLE ",
        "SLIPWAY_PERSONS ",
        "setting SLIPWAY_PEOPLE in one of the two only",
    ),
    (
        "a default of one",
        agreement,
        "terraform/variables.tf",
        "default     = 365",
        "default     = 30",
        "parameter auditRetentionDays: 365 and 30",
    ),
    (
        "a zone of one",
        agreement,
        "terraform/network.tf",
        "privatelink.azconfig.io",
        "privatelink.azconfigs.io",
        "endpoints: ",
    ),
    ("an alert of one", agreement, "terraform/alerts.tf", "ThrottledRequests", "ServerErrors", "alerts: "),
    (
        "a variable's name",
        terraform,
        "terraform/main.tf",
        "var.environment_name}/",
        "var.environment}/",
        "var environment is declared nowhere",
    ),
    (
        "a local's name",
        terraform,
        "terraform/site.tf",
        "local.auth_identity_id",
        "local.auth_id",
        "local auth_id is declared nowhere",
    ),
    (
        "a resource's name",
        terraform,
        "terraform/roles.tf",
        "azurerm_key_vault.slipway",
        "azurerm_key_vault.vault",
        "resource azurerm_key_vault.vault is declared nowhere",
    ),
    (
        "an argument left out",
        terraform,
        "terraform/main.tf",
        "  people_file             = var.people_file\n",
        "",
        "is not given people_file",
    ),
    (
        "an output's name",
        terraform,
        "terraform/site.tf",
        "module.conventions.settings",
        "module.conventions.setting",
        "has no output setting",
    ),
    (
        "a file's name",
        terraform,
        "terraform/workbook.tf",
        "/../workbook.json",
        "/../workbooks.json",
        "workbooks.json is not there",
    ),
]


@pytest.mark.parametrize(
    ("what", "check", "file", "there", "instead", "said"),
    MISTAKES,
    ids=[f"{each[0]} in {each[2]}" for each in MISTAKES],
)
def test_a_mistake_is_found(
    tmp_path: Path, what: str, check: Check, file: str, there: str, instead: str, said: str
) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    text = (copy / file).read_text()
    assert there in text, f"{what} is to be mistaken, but {file} no longer has it"
    (copy / file).write_text(text.replace(there, instead, 1))
    assert [words for words in check(copy) if said in words], check(copy)
