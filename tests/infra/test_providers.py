"""Every resource provider that is needed gets registered, and Terraform's own providers take what they are given."""

import json
import re
from pathlib import Path

from tests.infra import built, fits, terraform
from tests.infra.terraform import walk

ROOT = Path(__file__).parents[2]
TERRAFORM = built.folder_of(ROOT / "infra" / "terraform")
# Whose a resource of azurerm is, by the beginning of its type; the provider wants Azure's own letters.
NAMESPACES = {
    "resource_group": "Microsoft.Resources",
    "role_": "Microsoft.Authorization",
    "user_assigned_identity": "Microsoft.ManagedIdentity",
    "storage_": "Microsoft.Storage",
    "servicebus_": "Microsoft.ServiceBus",
    "key_vault": "Microsoft.KeyVault",
    "app_configuration": "Microsoft.AppConfiguration",
    "log_analytics_": "Microsoft.OperationalInsights",
    "application_insights": "microsoft.insights",
    "monitor_": "microsoft.insights",
    "virtual_network": "Microsoft.Network",
    "subnet": "Microsoft.Network",
    "private_": "Microsoft.Network",
}

# Newest api-versions in the schemas that azapi 2.9 (and Bicep) embed, for what azapi makes. azapi_resource refuses the
# plan of a type at another version, or with a property that the schema has not, unless it is told not to look.
KNOWN_TO_AZAPI = {
    "Microsoft.Web": "2025-03-01",
    "Microsoft.DurableTask": "2026-02-01",
    "Microsoft.ServiceBus": "2024-01-01",
    "Microsoft.KeyVault": "2024-11-01",  # as in Bicep; of an action azapi checks no body
}
# What Azure takes and no schema has yet: the one reason to be told so.
BEYOND_THE_SCHEMA = {"azapi_resource.site": "siteUpdateStrategy"}
PINNED = {"azurerm": "~> 5.2", "azapi": "~> 2.9", "azuread": "~> 3.9"}


def needed() -> set[str]:
    """By the types of resources, and by whom subnets are handed to."""
    found = set()
    for each in TERRAFORM.of("resource").values():
        type_ = each.labels[0]
        if type_.startswith("azapi_"):
            found.add(each.arguments["type"].partition("/")[0])
        elif type_.startswith("azurerm_"):
            (namespace,) = {of for begin, of in NAMESPACES.items() if type_[len("azurerm_") :].startswith(begin)}
            found.add(namespace)
        handed_to = [inner.arguments["name"] for inner in walk(each) if inner.kind == "service_delegation"]
        found |= {name.partition("/")[0] for name in handed_to}
    return found


def test_terraform_registers_what_it_needs_and_no_more() -> None:
    """azurerm registers nothing by itself since version 5."""
    azurerm = TERRAFORM.of("provider")["azurerm"].arguments
    listed = azurerm["resource_providers_to_register"]
    assert azurerm["resource_provider_registrations"] == "none"
    assert set(listed) == needed() and listed == sorted(listed, key=str.lower)
    assert {"Microsoft.App", "Microsoft.Network", "Microsoft.DurableTask"} <= set(listed)


def test_the_page_registers_what_a_deployment_of_bicep_may_not() -> None:
    """Resource Manager registers providers by the resources of a template: a subnet's delegation is none."""
    handed_to = {
        namespace
        for file in fits.files(ROOT / "infra").values()
        for namespace in re.findall(r"serviceName: '([\w.]+)/", file.code)
    }
    assert handed_to == {"Microsoft.App"}
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = re.findall(r"^az provider register --namespace (\S+) --wait( .*)?$", page, re.MULTILINE)
    assert {namespace for namespace, _ in lines} == {"Microsoft.DurableTask", *handed_to}
    assert page.index("az provider register") < page.index("\nazd up")


def test_terraform_plans_only_what_its_provider_knows() -> None:
    assert beyond_the_schema(ROOT / "infra") == []


def beyond_the_schema(infra: Path) -> list[str]:
    folder = terraform.read(infra / "terraform")
    found = []
    for name, each in folder.of("resource").items():
        if not name.startswith("azapi_"):
            continue
        namespace, version = each.arguments["type"].partition("/")[0], each.arguments["type"].partition("@")[2]
        if KNOWN_TO_AZAPI[namespace] != version:
            found.append(f"{name}: azapi knows {namespace} at {KNOWN_TO_AZAPI[namespace]}, not at {version}")
        unlooked = each.arguments.get("schema_validation_enabled", True) is False
        beyond = BEYOND_THE_SCHEMA.get(name, "")
        if beyond and not unlooked and beyond in json.dumps(each.arguments["body"], default=repr):
            found.append(f"{name}: azapi refuses {beyond}")
        if unlooked and not beyond:
            found.append(f"{name}: nobody looks at its body, and for no reason")
    required = next(each for block in folder.blocks if block.kind == "terraform" for each in block.inner)
    given = {name: str(each["version"]) for name, each in required.arguments.items()}
    found += [
        f"{name} is {given.get(name)}, not {wanted}" for name, wanted in PINNED.items() if given.get(name) != wanted
    ]
    return found
