"""A secret is used and found nowhere, whatever happens to the verification that uses it."""

import base64
import hashlib
import io
import json
import secrets
import zipfile
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage

from tests.end_to_end.system import System, a_message, stage_of, start

VAULT = "https://vault.azure.net"
FORBIDDEN = {"error": {"code": "Forbidden", "message": "denied", "innererror": {"code": "ForbiddenByRbac"}}}
ID = "till--7.0.0"


def test_a_planted_secret_arrives_and_is_found_nowhere(tmp_path: Path) -> None:
    """Five stages at once: it works; the release refuses it; the vault answers 403, 404, and 500 for a while.

    The host is killed while the first one's load is under way.
    """
    good, wrong, never_sent = (secrets.token_urlsafe(24) for _ in range(3))
    with start(tmp_path, Path(__file__).with_name("guarded.yaml")) as laptop:
        system = System(laptop)
        for name, value in {"sound": good, "wrong": wrong, "denied": never_sent, "flaky": good}.items():
            system.azure("PUT", f"/secrets/{name}-key", VAULT, json={"value": value})
        for name, answer in {"denied": {"status": 403, "body": FORBIDDEN}, "flaky": {"status": 500}}.items():
            times = 1000 if name == "denied" else 5
            fault = {"match": {"method": "GET", "path_contains": f"/secrets/{name}-key"}, "times": times}
            system.azure("POST", "/standin/faults", json=fault | {"answer": answer})
        system.azure("PUT", "/artifacts/till/7.0.0.zip", content=a_package_that_demands(good))
        system.send(a_message("7.0.0", service="till"))
        system.until(ID, lambda seen: step(seen, "sound", "load load")["state"] == "running")
        laptop.kill_host()
        laptop.start_host()
        ended = system.until_ended(ID)

        outcomes = {stage["name"]: (stage["state"], stage["code"]) for stage in ended["stages"]}
        assert outcomes == {
            "sound": ("passed", ""),  # the header arrived: health check, load and bake, without one refused request
            "wrong": ("failed", "UNHEALTHY"),
            "denied": ("broken", "AZURE_DENIED"),
            "missing": ("broken", "SECRET_MISSING"),
            "flaky": ("passed", ""),
        }
        assert "answers 401" in stage_of(ended, "wrong")["words"]
        said = json.dumps([*answers(system), *events(system), *told(system)])
    searched = {file: file.read_bytes() for file in tmp_path.rglob("*") if holds_state(file)}
    assert any(b"sound-key" in content for file, content in searched.items() if "functions.sqlite" in file.name), (
        "the history can be searched: it holds the reference"
    )
    for value in (good, wrong, never_sent):
        plain = value.encode()
        shapes = [plain, base64.b64encode(plain), value.encode("utf-16-le"), plain.hex().encode()]
        assert not [file for file, content in searched.items() if any(shape in content for shape in shapes)]
        assert value not in said


def a_package_that_demands(value: str) -> bytes:
    digest = hashlib.sha256(value.encode()).hexdigest()
    release = {"service": "till", "version": "7.0.0", "requires_header": {"x-probe-key": digest}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("release.json", json.dumps(release))
    return buffer.getvalue()


def step(promotion: dict[str, Any], stage: str, name: str) -> dict[str, Any]:
    steps = stage_of(promotion, stage)["steps"]
    return next((each for each in steps if each["name"] == name), {"state": ""})


def answers(system: System) -> list[Any]:
    """What the API tells about the promotion, wherever it does."""
    paths = ("promotions", f"promotions/{ID}", f"promotions/{ID}/audit", "environments", "health")
    audit = system.get(f"/api/promotions/{ID}/audit")
    assert audit["intact"] and len(audit["records"]) > 20
    return [system.get(f"/api/{path}") for path in paths]


def events(system: System) -> list[Any]:
    with (
        ServiceBusClient.from_connection_string(system.run.servicebus) as client,
        client.get_subscription_receiver("promotions", "audit") as receiver,
    ):
        taken: list[ServiceBusReceivedMessage] = []
        while len(taken) <= 20:  # a look may come back with the first few
            more = receiver.receive_messages(max_message_count=200, max_wait_time=30)
            assert more, f"only {len(taken)} events came"
            taken += more
        return [json.loads(str(message)) for message in taken]


def told(system: System) -> list[Any]:
    """What Slipway told of itself: the workspace's file is packed, so that a search of its bytes finds nothing."""
    ended = "AppDependencies | where Name == 'end_promotion'"  # what was told just before the kill died with the host
    system.until_asked(ended, bool, within_s=60)
    system.until_asked("AppTraces | where AppRoleName startswith 'slipway-'", bool, within_s=60)
    tables = ("AppRequests", "AppDependencies", "AppTraces", "AppExceptions")
    rows = [system.ask(f"{table} | where AppRoleName startswith 'slipway-'") for table in tables]
    assert len(rows[1]) > 50 and rows[2]
    return rows


def holds_state(file: Path) -> bool:
    """Every file that any process of the system wrote, but for the vault's own store."""
    return file.is_file() and not file.name.startswith("vault.sqlite")
