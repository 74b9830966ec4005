"""A deployment stack for tests, driven as the activities drive it."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from slipway.adapters.bicep import Bicep
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import PLANNED
from tests.laptop import AzureStandin
from tests.patience import AZURES, wait_a_little

Resource = dict[str, Any]
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def a_plan(name: str, sku: str = "B1") -> Resource:
    """An App Service plan."""
    return {
        "type": "Microsoft.Web/serverfarms",
        "apiVersion": "2024-04-01",
        "name": name,
        "location": "westeurope",
        "sku": {"name": sku},
    }


def an_account(name: str, **properties: Any) -> Resource:
    return {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2025-01-01",
        "name": name,
        "location": "westeurope",
        "properties": properties,
    }


def id_of(resource: Resource) -> str:
    return f"{GROUP}/providers/{resource['type']}/{resource['name']}"


class Stack:
    def __init__(self, azure: AzureStandin, name: str, **section: Any) -> None:
        self.azure, self.name = azure, name
        self.target = azure.stack(name, **section)
        self.service = Bicep(azure.settings)
        self._count = 0

    def builds(self, version: str, *resources: Resource, parameters: dict[str, Any] | None = None) -> None:
        """CI has published this template."""
        template = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources)}
        template |= {"parameters": parameters} if parameters else {}
        self.azure.keep_document(f"{self.name}-{version}.json", json.dumps(template).encode())

    def start_deployment(self, version: str) -> Answer:
        package = str(self.target.settings["artifact"]).replace("{version}", version)
        return self.service.start_deployment(self.target, package, self._operation("deploy"), now(), False, version)

    def deploy(self, version: str) -> Answer:
        return self.ended(self.start_deployment(version), version)

    def ended(self, answer: Answer, version: str) -> Answer:
        return follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), answer)

    def planned(self, version: str) -> Target:
        """The target as it goes to its switch."""
        found = self.deploy(version)
        assert found.outcome is Outcome.PASSED, found
        return replace(self.target, settings={**self.target.settings, PLANNED: found.result["planned"]})

    def swap(self, version: str, target: Target | None = None, operation: str = "") -> Answer:
        to = target or self.target
        started = self.service.start_swap(to, version, operation or self._operation("swap"), now(), False)
        return self.swapped(started, version, to)

    def swapped(self, answer: Answer, version: str, target: Target | None = None) -> Answer:
        to = target or self.target
        return follow(lambda last: self.service.poll_swap(to, last.handle, version), answer)

    def written(self, version: str, operation: str, target: Target | None = None) -> Answer:
        """The answer right after the write."""
        to = target or self.planned(version)
        answer = self.service.start_swap(to, version, operation, now(), False)
        while answer.handle["kind"] != "applied":
            answer = self.service.poll_swap(to, answer.handle, version)
        return answer

    def release(self, version: str) -> None:
        swapped = self.swap(version, self.planned(version))
        assert swapped.outcome is Outcome.PASSED, swapped

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    def _operation(self, step: str) -> str:
        self._count += 1
        return f"shop--1:dev:{self.name}:{step}:{self._count}"


def follow(poll: Callable[[Answer], Answer], answer: Answer, within_s: float = 60.0) -> Answer:
    """Operations on stacks are over when they were looked at twice: there is nothing to wait for but throttles."""
    deadline = time.monotonic() + AZURES * within_s
    while answer.running:
        assert time.monotonic() < deadline, answer
        wait_a_little(answer, 0.01)
        answer = poll(answer)
    return answer


def now() -> datetime:
    return datetime.now(UTC)
