"""Code, Bicep and Terraform agree: settings, messaging, roles, routes."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from slipway.local.functions.bindings import ServiceBusTrigger
from slipway.settings import BUILDS_QUEUE, EVENTS_TOPIC, REJECTED_QUEUE, REPORTS_SUBSCRIPTION, Settings
from tests.infra import built, fits, fits_terraform
from tests.infra.bicep import Expression
from tests.infra.built import Built, snake
from tests.infra.test_bicep import SHUT
from tests.workflow.virtual import app_functions
from triggers.openapi import document

ROOT = Path(__file__).parents[2]
BICEP = built.by_bicep(ROOT / "infra")
TERRAFORM = built.by_terraform(ROOT / "infra" / "terraform")
BOTH = pytest.mark.parametrize("infra", [pytest.param(BICEP, id="bicep"), pytest.param(TERRAFORM, id="terraform")])

# What settings.py reads and infra leaves alone, and why.
LEFT = {
    "SLIPWAY_ARM_ENDPOINT": "the default is Azure's",
    "SLIPWAY_LOGS_ENDPOINT": "the default is Azure's",
    "SLIPWAY_METRICS_ENDPOINT": "the default is Azure's",
    "SLIPWAY_REGISTRY_ENDPOINT": "the default is Azure's",
    "SLIPWAY_CA_FILE": "Azure's certificates are of the usual authorities",
    "SLIPWAY_SITE_SCHEME": "the default is https",
    "SLIPWAY_EVIDENCE_LIMIT_MB": "the default is what gates are measured with",
    "SERVICEBUS__customEndpointAddress": "Service Bus is found by its name",
    "WEBSITE_AUTH_ENABLED": "App Service sets it while its authentication is on",
    "WEBSITE_SITE_NAME": "App Service sets it",
    "WEBSITE_HOSTNAME": "App Service sets it",
    "SLIPWAY_URL": "the host's own name is enough, unless there is a domain of one's own",
    "SLIPWAY_GITHUB_ENDPOINT": "the default is GitHub's; a GitHub Enterprise Server has one of its own",
    "SLIPWAY_AZURE_DEVOPS_ENDPOINT": "the default is Azure DevOps'",
}
# What infra sets and Slipway's own code does not read, and who does.
FOR_THE_PLATFORM = {
    "AzureWebJobsStorage__accountName": "the host's storage, by identity",
    "AzureWebJobsStorage__credential": "the host's storage, by identity",
    "AzureWebJobsStorage__clientId": "the host's storage, by identity",
    "SERVICEBUS__credential": "the Service Bus extension",
    "SERVICEBUS__clientId": "the Service Bus extension",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "App Service authentication, in place of a secret",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": "App Service authentication",
}
# Flex Consumption refuses these, or they break it.
NEVER = {
    *("AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE"),
    *("SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD", "WEBSITE_TIME_ZONE", "TZ", "WEBSITE_CONTENTSHARE"),
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
}
# Azure's built-in roles, from a listing that says where each was read: nobody types an id twice and compares the two.
LISTED = json.loads((Path(__file__).parent / "built_in_roles.json").read_text())
BUILT_IN_ROLES: dict[str, str] = {each["name"]: each["id"] for each in LISTED}
# Ids in infra that are no role's.
OTHER_IDS = {
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46",  # the Azure CLI
    "00000000-0000-0000-0000-000000000000",  # nobody
}
GRANTS = {
    "host_blobs": "Storage Blob Data Owner",
    "host_tables": "Storage Table Data Contributor",
    "host_queues": "Storage Queue Data Contributor",
    "audit_blobs": "Storage Blob Data Contributor",
    "evidence_blobs": "Storage Blob Data Contributor",
    "builds_receiver": "Azure Service Bus Data Receiver",
    "builds_sender": "Azure Service Bus Data Sender",
    "rejected_sender": "Azure Service Bus Data Sender",
    "rejected_receiver": "Azure Service Bus Data Receiver",
    "reports_receiver": "Azure Service Bus Data Receiver",
    "promotions_sender": "Azure Service Bus Data Sender",
    "hub_contributor": "Durable Task Data Contributor",
    "vault_reader": "Key Vault Secrets User",
    "audit_signer": "Key Vault Crypto User",
    "flag_writer": "App Configuration Data Owner",
    "telemetry_sender": "Monitoring Metrics Publisher",
    "telemetry_reader": "Log Analytics Reader",
}


HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
# Set with either backend, and empty with storage: the one setting that only one of the two reads.
OF_THE_SCHEDULER = {"DURABLE_TASK_SCHEDULER_CONNECTION_STRING"}


def needed_settings(host: dict[str, Any]) -> set[str]:
    """What the code, its bindings and a host.json read, less what is left to defaults."""
    own = {each.metadata["variable"] for each in fields(Settings)}
    assert own >= LEFT.keys(), "a reason for a setting that is no more"
    provider = host["extensions"]["durableTask"].get("storageProvider", {})
    connection = {provider["connectionStringName"]} if provider else set()
    return own - LEFT.keys() | set(re.findall(r"%(\w+)%", json.dumps(host))) | connection


@pytest.mark.parametrize("backend", ["as it is shipped", "scheduler", "storage"])
@BOTH
def test_every_setting_that_is_read_is_set_and_no_other(infra: Built, backend: str) -> None:
    host = HOST if backend == "as it is shipped" else built.for_backend(HOST, backend)
    assert settings_amiss(infra, host) == []


def settings_amiss(infra: Built, host: dict[str, Any]) -> list[str]:
    needed, given = needed_settings(host), infra.settings.keys()
    for_others = FOR_THE_PLATFORM.keys() | OF_THE_SCHEDULER
    return [
        *(f"{name} is read but not set" for name in needed - given),
        *(f"{name} is set but nobody reads it" for name in given - needed - for_others),
        *(f"{name} is not set, the platform needs it" for name in FOR_THE_PLATFORM.keys() - given),
        *(f"{name} must never be set" for name in given & NEVER),
    ]


@BOTH
def test_connections_of_triggers_have_address_and_identity(infra: Built) -> None:
    connections = {trigger.connection for trigger in service_bus_triggers()}
    assert connections == {"SERVICEBUS"}
    for connection in connections:
        suffixes = ("fullyQualifiedNamespace", "credential", "clientId")
        assert {f"{connection}__{suffix}" for suffix in suffixes} <= infra.settings.keys()


@BOTH
def test_queues_and_topics_that_the_code_names_are_made(infra: Built) -> None:
    assert entities_amiss(infra) == []
    triggers = service_bus_triggers()
    assert {trigger.queue for trigger in triggers} == {BUILDS_QUEUE, None}
    read = {(trigger.topic, trigger.subscription) for trigger in triggers if trigger.topic}
    assert read == {(EVENTS_TOPIC, REPORTS_SUBSCRIPTION)}
    assert f"subscription {REPORTS_SUBSCRIPTION}" in infra.entities


def test_both_let_only_those_events_through_to_the_reports_of_which_code_hosts_are_told() -> None:
    """In the place of `$Default`, which lets everything pass; the trigger leaves the same alone by itself."""
    wanted = "reported = 'yes' AND action LIKE 'stage.%'"
    (rule,) = [
        each.value
        for file in fits.files(ROOT / "infra").values()
        for each in file.of("resource").values()
        if "subscriptions/rules@" in each.target
    ]
    assert (rule["name"], rule["parent"]) == ("$Default", Expression("reports"))
    of_bicep = rule["properties"]
    update = built.folder_of(ROOT / "infra" / "terraform").of("resource")["azapi_update_resource.only_reported"]
    of_terraform = update.arguments["body"]["properties"]
    laptop = json.loads((ROOT / "examples" / "servicebus.json").read_text())["UserConfig"]["Namespaces"][0]
    (subscribed,) = [each for each in laptop["Topics"][0]["Subscriptions"] if each["Name"] == REPORTS_SUBSCRIPTION]
    assert subscribed["Rules"][0]["Properties"]["SqlFilter"]["SqlExpression"] == wanted
    assert of_bicep == of_terraform == {"filterType": "SqlFilter", "sqlFilter": {"sqlExpression": wanted}}
    assert update.arguments["resource_id"].text.strip('"').endswith('["reports"].id}/rules/$Default')


def entities_amiss(infra: Built) -> list[str]:
    """Against the names in the code, and against the broker on which everything is tested."""
    named = {f"queue {BUILDS_QUEUE}", f"queue {REJECTED_QUEUE}", f"topic {EVENTS_TOPIC}"}
    laptop = built.by_the_laptop(ROOT)
    found = [f"{name} is not made" for name in (named | laptop.keys()) - infra.entities.keys()]
    found += [f"nobody knows {name}" for name in infra.entities.keys() - laptop.keys()]
    for name, properties in laptop.items():
        given = infra.entities.get(name, {})
        found += [
            f"{name}: {key} is {given.get(key)}, not {value}"
            for key, value in properties.items()
            if given.get(key) != value
        ]
    return found


@BOTH
def test_a_build_that_is_sent_again_is_not_swallowed(infra: Built) -> None:
    assert infra.entities[f"queue {BUILDS_QUEUE}"]["requires_duplicate_detection"] is False


@BOTH
def test_the_task_hub_is_named_by_a_setting_and_made(infra: Built) -> None:
    assert HOST["extensions"]["durableTask"]["hubName"] == "%TASKHUB_NAME%"
    assert infra.hub == "slipway"
    assert infra.settings["TASKHUB_NAME"].text in ("hubName", "local.hub_name")


@BOTH
def test_slipways_identity_holds_these_roles_and_no_other(infra: Built) -> None:
    assert grants_amiss(infra) == []


def grants_amiss(infra: Built) -> list[str]:
    wanted = {grant: BUILT_IN_ROLES[role] for grant, role in GRANTS.items()}
    return [
        f"{grant} gives {infra.grants.get(grant)}, not {wanted.get(grant)} ({GRANTS.get(grant, 'no role')})"
        for grant in sorted(infra.grants.keys() | wanted.keys())
        if infra.grants.get(grant) != wanted.get(grant)
    ]


def test_every_role_id_was_read_in_two_public_places_and_is_of_one_role() -> None:
    assert set(BUILT_IN_ROLES) == set(GRANTS.values()), "the listing has what is given, and nothing else"
    assert len(set(BUILT_IN_ROLES.values())) == len(LISTED)
    for each in LISTED:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each["id"]), each
        assert len({place.partition(" ")[0] for place in each["read_in"]}) >= 2, each


def test_every_id_in_infra_that_could_be_a_role_is_a_listed_one_or_known_otherwise() -> None:
    """Ids in files that no grant names, such as a condition or a page, are looked at too."""
    texts = [path.read_text() for path in (ROOT / "infra").rglob("*") if path.suffix in (".bicep", ".tf", ".py")]
    found = {each for text in texts for each in re.findall(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", text)}
    assert found == set(BUILT_IN_ROLES.values()) | OTHER_IDS


def test_a_role_that_an_adapter_asks_for_when_it_is_refused_is_given() -> None:
    """What a person reads after a 403 (`_ROLE` in the adapters) is what infra gives."""
    asked = {
        role
        for path in (ROOT / "slipway" / "adapters").rglob("*.py")
        for role in re.findall(r'^_?ROLE = "([^"(]+?)(?: \(.*)?"', path.read_text(), re.MULTILINE)
    }
    on_targets = {role for role in asked if role not in BUILT_IN_ROLES}
    assert asked - on_targets <= set(GRANTS.values())
    assert len(asked - on_targets) >= 4


@BOTH
def test_application_roles_are_those_of_the_routes(infra: Built) -> None:
    operations = [each for methods in document()["paths"].values() for each in methods.values()]
    routes = {role for each in operations for role in each.get("x-slipway-roles", ())}
    assert infra.api_roles == routes | {"admin"}


@BOTH
def test_roles_that_shipped_pipelines_name_can_be_given(infra: Built) -> None:
    texts = (path.read_text() for path in (ROOT / "pipelines").glob("*.yaml"))
    assert {role for text in texts for role in re.findall(r"role:([\w-]+)", text)} <= set(infra.pipeline_roles)


@BOTH
def test_only_the_routes_that_need_no_sign_in_or_have_a_key_of_their_own_answer_without_a_token(infra: Built) -> None:
    paths = document()["paths"]
    entra = [{"entra": []}]
    opened = {path for path, methods in paths.items() if any(each["security"] != entra for each in methods.values())}
    assert set(infra.open_paths) == opened


def test_both_set_the_same() -> None:
    assert disagreements(BICEP, TERRAFORM) == []


def disagreements(one: Built, other: Built) -> list[str]:
    return [*_disagreements(one, other)]


def _disagreements(one: Built, other: Built) -> Iterator[str]:
    for name in (
        "hub",
        "entities",
        "grants",
        "api_roles",
        "pipeline_roles",
        "open_paths",
        "alerts",
        "endpoints",
        "bodies",
    ):
        if getattr(one, name) != getattr(other, name):
            yield f"{name}: {getattr(one, name)} and {getattr(other, name)}"
    for name in one.settings.keys() ^ other.settings.keys():
        yield f"setting {name} in one of the two only"
    for name in one.settings.keys() & other.settings.keys():
        ours, theirs = one.settings[name], other.settings[name]
        if isinstance(ours, str) and ours != theirs:
            yield f"setting {name}: {ours} and {theirs}"
    # Outputs of layer 1 that only layer 2 reads are no outputs where there is one layer.
    for name in (one.outputs ^ other.outputs) - {"SLIPWAY_AUTH_IDENTITY_ID", "SLIPWAY_AUTH_IDENTITY_CLIENT_ID"}:
        yield f"output {name} in one of the two only"
    yield from _parameters(one.parameters, other.parameters)


def _parameters(bicep: dict[str, Any], terraform: dict[str, Any]) -> Iterator[str]:
    renamed = {"storageSku": "storage_redundancy"}  # azurerm splits Standard_ZRS
    for name, default in bicep.items():
        there = renamed.get(name, snake(name))
        if name == "siteHostName":
            continue  # Terraform knows the site's address by itself
        if there not in terraform:
            yield f"parameter {name} in Bicep only"
        elif default is not None and str(default).removeprefix("Standard_") != str(terraform[there]):
            yield f"parameter {name}: {default} and {terraform[there]}"


def test_the_terraform_fits_together() -> None:
    assert fits_terraform.findings(ROOT / "infra" / "terraform") == []


def test_every_door_but_entra_is_shut_in_terraform_too() -> None:
    shut = {
        "azurerm_storage_account": {"shared_access_key_enabled": False, "allow_nested_items_to_be_public": False},
        "azurerm_servicebus_namespace": {"local_auth_enabled": False, "minimum_tls_version": "1.2"},
        "azurerm_app_configuration": {"local_auth_enabled": False},
        "azurerm_log_analytics_workspace": {"local_authentication_enabled": False},
        "azurerm_application_insights": {"local_authentication_enabled": False},
        "azurerm_key_vault": {"rbac_authorization_enabled": True, "purge_protection_enabled": True},
        "azurerm_storage_container": {"container_access_type": "private"},
        "azurerm_storage_container_immutability_policy": {"protected_append_writes_enabled": True},
    }
    resources = built.folder_of(ROOT / "infra" / "terraform").of("resource").values()
    for type_, wanted in shut.items():
        found = [each for each in resources if each.labels[0] == type_]
        assert found and all(wanted.items() <= each.arguments.items() for each in found), type_
    assert len(shut) >= len(SHUT) - 1  # the site comes by azapi
    bodies = {
        each.labels[1]: each.arguments["body"]["properties"]
        for each in resources
        if each.labels[0].startswith("azapi_")
    }
    assert bodies["site"]["httpsOnly"] is True and bodies["publishing"]["allow"] is False


def service_bus_triggers() -> list[ServiceBusTrigger]:
    triggers = [function.bindings.trigger for function in app_functions()]
    return [each for each in triggers if isinstance(each, ServiceBusTrigger)]
