"""What infra builds, as the Bicep and as the Terraform say it: settings, messaging, roles, application roles."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra import bicep, fits, fits_terraform, terraform


@dataclass(frozen=True)
class Built:
    """`entities`: queues, topics, subscriptions with what is set on them. `grants`: role ids by assignment."""

    settings: dict[str, Any]
    hub: str
    entities: dict[str, dict[str, Any]]
    grants: dict[str, str]
    api_roles: set[str]
    pipeline_roles: list[str]
    open_paths: list[str]
    alerts: dict[str, tuple[Any, ...]]  # on metrics: metric, aggregation, severity
    outputs: set[str]
    parameters: dict[str, Any]
    endpoints: set[tuple[str, str]]  # kind and zone of private endpoints
    bodies: dict[str, dict[str, Any]]  # of plan, site and sign-in, with literals by path


_ENTITIES = {"namespaces/queues": "queue", "namespaces/topics": "topic", "topics/subscriptions": "subscription"}
_SPELLING = {
    "requiresDuplicateDetection": "requires_duplicate_detection",
    "lockDuration": "lock_duration",
    "maxSizeInMegabytes": "max_size_in_megabytes",
    "maxDeliveryCount": "max_delivery_count",
    "defaultMessageTimeToLive": "default_message_ttl",
    "deadLetteringOnMessageExpiration": "dead_lettering_on_message_expiration",
}


def by_bicep(infra: Path) -> Built:
    files = fits.files(infra)
    file = {path.relative_to(infra.resolve()).as_posix(): each for path, each in files.items()}
    azure, entra, application = file["azure/main.bicep"], file["entra/main.bicep"], file["entra/application.bicep"]
    variables = azure.of("var")
    metric = file["modules/metric-alerts.bicep"].of("var")["rules"].value
    return Built(
        settings=variables["settings"].value,
        hub=variables["hubName"].value,
        entities=_entities(file["modules/messaging.bicep"]),
        grants=_grants(file["modules/roles.bicep"]),
        api_roles={each["value"] for each in application.of("var")["apiRoles"].value},
        pipeline_roles=entra.of("param")["pipelineRoles"].value,
        open_paths=variables["openPaths"].value,
        alerts={each["name"]: (each["metric"], each["aggregation"], each["severity"]) for each in metric},
        outputs={*azure.of("output"), *entra.of("output")},
        parameters={name: each.value for main in (entra, azure) for name, each in main.of("param").items()},
        endpoints=_bicep_endpoints(file["modules/private-ways.bicep"]),
        bodies={
            "plan": _flat(file["modules/site.bicep"].of("resource")["plan"].value["properties"]),
            "site": _flat(file["modules/site.bicep"].of("resource")["site"].value["properties"]),
            "sign-in": _flat(file["modules/sign-in.bicep"].of("resource")["authentication"].value["properties"]),
        },
    )


def by_terraform(root: Path) -> Built:
    folder = {path.name: each for path, each in fits_terraform.folders(root).items()}
    main, conventions, entra = folder[root.resolve().name], folder["conventions"], folder["entra"]
    names = conventions.locals
    entities: dict[str, dict[str, Any]] = {}
    for kind in ("queue", "topic", "subscription"):
        for name, properties in names[f"{kind}s"].items():
            entities[f"{kind} {name}"] = {key: each for key, each in properties.items() if key != "topic"}
    sign_in = main.of("resource")["azapi_update_resource.sign_in"].arguments["body"]["properties"]
    return Built(
        settings=names["settings"],
        hub=names["hub_name"],
        entities=entities,
        grants={
            key: names["role_ids"][role]
            for key, role in re.findall(r'(\w+)"? += ?>? \{ scope = .*role = "(\w+)" \}', main.code)
        },
        api_roles=set(entra.locals["api_roles"]),
        pipeline_roles=main.of("variable")["pipeline_roles"].arguments["default"],
        open_paths=sign_in["globalValidation"]["excludedPaths"],
        alerts={
            name: (each["metric"], each["aggregation"], each["severity"])
            for name, each in main.locals["metric_rules"].items()
        },
        outputs=set(main.of("output")),
        parameters={name: each.arguments.get("default") for name, each in main.of("variable").items()},
        endpoints=set(re.findall(r'kind = "(\w+)", zone = "([\w.]+)"', main.code)),
        bodies={
            "plan": _flat(main.of("resource")["azapi_resource.plan"].arguments["body"]["properties"]),
            "site": _flat(main.of("resource")["azapi_resource.site"].arguments["body"]["properties"]),
            "sign-in": _flat(sign_in),
        },
    )


def by_the_laptop(root: Path) -> dict[str, dict[str, Any]]:
    """The entities that the laptop's broker has, with what its file says of them."""
    namespace = json.loads((root / "examples" / "servicebus.json").read_text())["UserConfig"]["Namespaces"][0]
    entities = {f"queue {each['Name']}": each["Properties"] for each in namespace["Queues"]}
    for topic in namespace["Topics"]:
        entities[f"topic {topic['Name']}"] = topic["Properties"]
        entities |= {f"subscription {each['Name']}": each["Properties"] for each in topic["Subscriptions"]}
    return {
        name: {_SPELLING[key[0].lower() + key[1:]]: value for key, value in properties.items()}
        for name, properties in entities.items()
    }


def for_backend(host: dict[str, Any], backend: str) -> dict[str, Any]:
    """A host.json as it is for `scheduler` or for `storage`, whichever it is for now."""
    durable = {key: each for key, each in host["extensions"]["durableTask"].items() if key != "storageProvider"}
    if backend == "scheduler":
        durable["storageProvider"] = {
            "type": "azureManaged",
            "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
        }
    return {**host, "extensions": {**host["extensions"], "durableTask": durable}}


def _entities(file: bicep.File) -> dict[str, dict[str, Any]]:
    found = {}
    for each in file.of("resource").values():
        type_ = "/".join(each.target.split("@")[0].split("/")[-2:])
        if type_ in _ENTITIES:
            properties = {_SPELLING[key]: value for key, value in each.value["properties"].items() if key in _SPELLING}
            found[f"{_ENTITIES[type_]} {each.value['name']}"] = properties
    return found


def _grants(file: bicep.File) -> dict[str, str]:
    """Role id by the assignment's name as Terraform spells it."""
    ids = file.of("var")["role"].value
    found = {}
    for name, each in file.of("resource").items():
        if each.target.startswith("Microsoft.Authorization/roleAssignments@"):
            role = each.value["properties"]["roleDefinitionId"].text.rpartition("role.")[2].rstrip(")")
            found[snake(name)] = ids[role]
    return found


def _bicep_endpoints(ways: bicep.File) -> set[tuple[str, str]]:
    variables = ways.of("var")
    listed = [*variables["always"].value, *variables["onScheduler"].value]
    return {(each["kind"], _zone(variables[each["zone"].text].value)) for each in listed}


def _zone(zone: str | bicep.Expression) -> str:
    text = zone.text if isinstance(zone, bicep.Expression) else zone
    return text.strip("'").replace("${environment().suffixes.storage}", "core.windows.net")


def _flat(value: dict[str, Any], below: str = "") -> dict[str, Any]:
    """Paths with their literals; None for lists and for what only Azure can work out."""
    found: dict[str, Any] = {}
    for key, each in value.items():
        if isinstance(each, dict):
            found |= _flat(each, f"{below}{key}.")
        else:
            found[below + key] = each if isinstance(each, (str, int, bool)) else None
    return found


def snake(name: str) -> str:
    """hostBlobs as host_blobs, instanceMemoryMB as instance_memory_mb."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def folder_of(root: Path) -> terraform.Folder:
    return terraform.read(root)
