"""What CI systems send in their own words, through the real queue and over the real host."""

import base64
import json
from datetime import UTC, datetime

from tests.end_to_end.system import System
from tests.promotion.ci_events import BUILD_2, PUSHED_AS_CLOUD_EVENT, WORKFLOW_RUN, body, event, wrapped

VAULT = "https://vault.azure.net"
CHECKOUT = {"resource.definition.name": "checkout"}


def test_a_build_of_azure_devops_is_promoted_from_the_queue(system: System) -> None:
    """Sent as `PublishToAzureServiceBus@2` sends it when its serializer was left on, and with the token that it puts
    beside each message."""
    finished = {"resource.finishTime": datetime.now(UTC).isoformat(), "resource.buildNumber": "2.9.0-errors"}
    content = body(BUILD_2, CHECKOUT | finished)
    system.send(wrapped(content, 0x9B, 2), AuthToken="a token of the job")
    ended = system.until_ended("checkout--2.9.0-errors")
    assert (ended["branch"], ended["author"], ended["state"]) == ("main", "jack@FabrikamFiber.com", "failed")
    assert "a token of the job" not in json.dumps(ended)


def test_events_of_nobody_are_set_aside_by_their_origin(system: System) -> None:
    (pushed,) = event(PUSHED_AS_CLOUD_EVENT)
    attributes = {f"cloudEvents:{name}": pushed[name] for name in ("specversion", "type", "source", "time", "id")}
    system.send(json.dumps(pushed["data"]).encode(), **attributes)
    system.send(body(WORKFLOW_RUN))
    said = []
    for message in system.receive("builds-rejected", 2):
        told = {key.decode(): value.decode() for key, value in (message.application_properties or {}).items()}  # type: ignore[union-attr]
        said.append((told["code"], told["reason"].partition(", ")[0], told.get("cloudEvents:type", "")))
    takes = "no pipeline takes the builds of"
    assert sorted(said) == [
        ("UNKNOWN_SERVICE", f"{takes} GitHub: repository octo-org/octo-repo", ""),
        ("UNKNOWN_SERVICE", f"{takes} a container registry: host demo.azurecr.io", attributes["cloudEvents:type"]),
    ]


def test_a_web_hook_has_a_key_of_its_own(system: System) -> None:
    key = system.azure("GET", "/secrets/azure-devops-hook-key?api-version=7.5", VAULT).json()["value"]
    basic = {"authorization": "Basic " + base64.b64encode(f"ci:{key}".encode()).decode()}
    content = body(BUILD_2, CHECKOUT | {"resource.result": "failed"})
    answer = system.call("POST", "/api/hooks/azure-devops", None, headers=basic, content=content)
    assert (answer.status_code, answer.json()["code"]) == (200, "BUILD_NOT_SUCCEEDED")
    assert system.call("POST", "/api/hooks/azure-devops", "dave", content=content).status_code == 401, "nor an admin"
    assert system.call("GET", "/api/promotions", None, headers=basic).status_code == 401
