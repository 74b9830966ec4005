"""The JSON that Azure Resource Manager shows of sites (Microsoft.Web, api-version 2025-05-01)."""

from dataclasses import dataclass
from typing import Any

from slipway.local.azure.sites.store import PRODUCTION, Deployment, Operation, Slot, SlotName

# Kudu's DeployStatus, which `deployments` shows; `deploymentStatus` shows the words.
KUDU_STATUS = {
    "BuildRequestReceived": 0,
    "BuildInProgress": 1,
    "RuntimeStarting": 2,
    "BuildFailed": 3,
    "RuntimeFailed": 3,
    "RuntimeSuccessful": 4,
}


@dataclass(frozen=True)
class Resource:
    """Where a slot is found: `id` is its ARM resource id, `group_id` that of its resource group."""

    name: SlotName
    group_id: str
    location: str
    port: int
    always_on: bool = True

    @property
    def subscription(self) -> str:
        return self.group_id.split("/")[2]

    @property
    def group(self) -> str:
        return self.group_id.split("/")[4]

    @property
    def is_slot(self) -> bool:
        return self.name.slot != PRODUCTION

    @property
    def id(self) -> str:
        site = f"{self.group_id}/providers/Microsoft.Web/sites/{self.name.site}"
        return f"{site}/slots/{self.name.slot}" if self.is_slot else site

    @property
    def type(self) -> str:
        return "Microsoft.Web/sites/slots" if self.is_slot else "Microsoft.Web/sites"

    @property
    def arm_name(self) -> str:
        return f"{self.name.site}/{self.name.slot}" if self.is_slot else self.name.site

    def child(self, kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{self.id}/{kind}/{name}",
            "name": f"{self.arm_name}/{name}",
            "type": f"{self.type}/{kind}",
            "location": self.location,
            "properties": properties,
        }


def site(resource: Resource, slot: Slot, busy: Operation | None) -> dict[str, Any]:
    host = f"localhost:{resource.port}"
    return {
        "id": resource.id,
        "name": resource.arm_name,
        "type": resource.type,
        "kind": "app,linux",
        "location": resource.location,
        "properties": {
            "name": resource.arm_name,
            "state": slot.state,
            "enabled": slot.state == "Running",
            "availabilityState": "Normal",
            "usageState": "Normal",
            "hostNames": [host],
            "enabledHostNames": [host],
            "defaultHostName": host,
            "httpsOnly": False,
            "reserved": True,
            "resourceGroup": resource.group,
            "inProgressOperationId": busy.id if busy else None,
            "slotSwapStatus": _swap_status(slot),
        },
    }


def web_config(resource: Resource, instances: int, rules: list[dict[str, Any]]) -> dict[str, Any]:
    properties = {
        "linuxFxVersion": "PYTHON|3.11",
        "alwaysOn": resource.always_on,
        "httpLoggingEnabled": True,
        "healthCheckPath": "/healthz",
        "numberOfWorkers": instances,
        "experiments": {"rampUpRules": rules},
    }
    return resource.child("config", "web", properties)


def instance(resource: Resource, name: str, runs: bool) -> dict[str, Any]:
    return resource.child("instances", name, {"state": "READY" if runs else "STOPPED"})


def deployment(resource: Resource, made: Deployment, active: bool) -> dict[str, Any]:
    properties = {
        "id": made.id,
        "status": KUDU_STATUS[made.status],
        # The tag is how a client finds its own deployment again.
        "message": made.tag or "OneDeploy",
        "author": "N/A",
        "deployer": "OneDeploy",
        "start_time": made.started,
        "end_time": made.ended,
        "active": active,
        "complete": made.ended is not None,
        "details": made.error,
    }
    return resource.child("deployments", made.id, properties)


def deployment_status(resource: Resource, made: Deployment, instances: int, log_url: str) -> dict[str, Any]:
    """`failedInstancesLogs` are addresses, as the SDK's model says; the error's message ends with the log."""
    started, failed = made.status == "RuntimeSuccessful", made.status == "RuntimeFailed"
    properties: dict[str, Any] = {
        "deploymentId": made.id,
        "status": made.status,
        "numberOfInstancesInProgress": instances * (made.ended is None),
        "numberOfInstancesSuccessful": instances * started,
        "numberOfInstancesFailed": instances * failed,
        "failedInstancesLogs": [log_url] if failed else None,
        "errors": [{"code": made.status, "extendedCode": None, "message": made.error}] if made.error else None,
    }
    return resource.child("deploymentStatus", made.id, properties)


def one_deploy(resource: Resource, made: Deployment) -> dict[str, Any]:
    state = "InProgress" if made.ended is None else "Failed" if made.error else "Succeeded"
    properties = {
        "provisioningState": state,
        "deploymentId": made.id,
        "type": "zip",
        "deploymentTag": made.tag,
        "status": made.status,
        "error": made.error,
    }
    return resource.child("extensions", "onedeploy", properties)


def operation_status(operation: Operation) -> dict[str, Any]:
    """What `Azure-AsyncOperation` shows."""
    body: dict[str, Any] = {
        "id": operation.id,
        "name": operation.id,
        "status": operation.status,
        "startTime": operation.started,
    }
    if operation.ended:
        body["endTime"] = operation.ended
    if operation.status == "Failed":
        body["error"] = {"code": operation.code, "message": operation.message}
    return body


def _swap_status(slot: Slot) -> dict[str, Any] | None:
    if slot.swapped_at is None:
        return None
    return {
        "timestampUtc": slot.swapped_at,
        "sourceSlotName": slot.swapped_from,
        "destinationSlotName": slot.swapped_to,
    }
