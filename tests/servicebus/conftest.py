"""A real broker in its own process, and what a test needs to reach it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import trustme
from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver


def sql_rule(name: str, expression: str, action: str | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = {"FilterType": "Sql", "SqlFilter": {"SqlExpression": expression}}
    return {"Name": name, "Properties": properties | ({"Action": {"SqlExpression": action}} if action else {})}


def correlation_rule(name: str, **wanted: Any) -> dict[str, Any]:
    return {"Name": name, "Properties": {"FilterType": "Correlation", "CorrelationFilter": wanted}}


QUEUES: dict[str, dict[str, Any]] = {
    "orders": {"MaxDeliveryCount": 3, "LockDuration": "PT30S"},
    "aio": {"MaxDeliveryCount": 3, "LockDuration": "PT30S"},
    "brief": {"MaxDeliveryCount": 5, "LockDuration": "PT1.5S", "DeadLetteringOnMessageExpiration": True},
    "renewed": {"LockDuration": "PT5S"},
    "unique": {"RequiresDuplicateDetection": True, "DuplicateDetectionHistoryTimeWindow": "PT1M"},
    "secure": {},
    "sent": {},
    "talks": {"RequiresSession": True, "LockDuration": "PT30S", "MaxDeliveryCount": 2},
    "aio-talks": {"RequiresSession": True},
    "renewed-talks": {"RequiresSession": True, "LockDuration": "PT5S"},
    "next-talks": {"RequiresSession": True},
    "brief-talks": {"RequiresSession": True, "LockDuration": "PT2S"},
    "first": {"ForwardTo": "Second", "DefaultMessageTimeToLive": "PT1H"},
    "second": {"MaxDeliveryCount": 1, "ForwardDeadLetteredMessagesTo": "last"},
    "last": {},
}
TOPICS: list[str | dict[str, Any]] = [
    "news",
    {
        "Name": "parcels",
        "Subscriptions": [
            {"Name": "heavy", "Rules": [sql_rule("heavy", "weight > 10")]},
            {"Name": "abroad", "Rules": [sql_rule("abroad", "country <> 'CH'", "SET duty = weight * 2; REMOVE note")]},
            {"Name": "express", "Rules": [correlation_rule("express", Label="express", Properties={"country": "CH"})]},
            {"Name": "by-customer", "Properties": {"RequiresSession": True}},
            {"Name": "changing"},
        ],
    },
]

LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
runpy.run_module("slipway.local.servicebus", run_name="__main__", alter_sys=True)
"""

Handler = TypeVar("Handler")


class Opener(Protocol):
    """Opens an SDK sender or receiver that stays open until all tests are done."""

    def __call__(self, handler: Handler) -> Handler: ...


def config_json(queues: dict[str, dict[str, Any]], topics: Sequence[str | dict[str, Any]]) -> str:
    """The emulator's Config.json; a topic that is only a name has the subscriptions `east` and `west`."""
    namespace = {
        "Name": "sbemulatorns",
        "Queues": [{"Name": name, "Properties": properties} for name, properties in queues.items()],
        "Topics": [
            {"Name": topic, "Properties": {}, "Subscriptions": [{"Name": "east"}, {"Name": "west"}]}
            if isinstance(topic, str)
            else topic
            for topic in topics
        ],
    }
    return json.dumps({"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}})


@dataclass
class BrokerProcess:
    """`python -m slipway.local.servicebus`, which can be killed and started again on the same state and port."""

    config: Path
    state: Path
    arguments: list[str] = field(default_factory=list)
    port: int = 0
    tls_port: int | None = None
    process: "subprocess.Popen[str] | None" = None

    def start(self, largest_file: int | None = None) -> None:
        """`largest_file` in bytes is how a test fills the disk."""
        command = [sys.executable, "-m", "slipway.local.servicebus"]
        if largest_file is not None:
            command = [sys.executable, "-c", LIMITED, str(largest_file)]
        command += ["--config", str(self.config), "--state", str(self.state)]
        command += ["--port", str(self.port), *self.arguments]
        log = self.state.with_suffix(".log").open("a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.state.with_suffix(".log").read_text()
        ready = json.loads(line)
        assert ready["ready"] is True
        self.port, self.tls_port = ready["port"], ready["tls_port"]

    def kill(self) -> None:
        """As hard as it gets."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.gone()

    def stop(self) -> int:
        """As a supervisor does it; gives the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.gone()

    def gone(self) -> int:
        """Wait for its end; gives the exit code."""
        assert self.process is not None and self.process.stdout is not None
        code = self.process.wait(60)
        self.process.stdout.close()
        self.process = None
        return code

    @property
    def connection_string(self) -> str:
        return (
            f"Endpoint=sb://localhost:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
        )

    def client(self, **options: Any) -> ServiceBusClient:
        return ServiceBusClient.from_connection_string(self.connection_string, **options)


@contextmanager
def running(broker: BrokerProcess, largest_file: int | None = None) -> Iterator[BrokerProcess]:
    broker.start(largest_file)
    try:
        yield broker
    finally:
        if broker.process is not None:
            broker.kill()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A throw-away CA (`ca`) and a server's key and chain for localhost (`server`)."""
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    return {"ca": folder / "ca.pem", "server": folder / "server.pem"}


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificate: dict[str, Path]) -> Iterator[BrokerProcess]:
    """One broker for all tests that do not kill it; each module keeps to its own queues."""
    folder = tmp_path_factory.mktemp("broker")
    config = folder / "Config.json"
    config.write_text(config_json(QUEUES, TOPICS))
    arguments = ["--tls-port", "0", "--cert", str(certificate["server"])]
    with running(BrokerProcess(config, folder / "broker.sqlite", arguments)) as process:
        yield process


@pytest.fixture(scope="session")
def opened() -> Iterator[Opener]:
    """Opens an SDK sender or receiver for good; all are closed together at the end, as each takes a second."""
    handlers: list[Any] = []

    def open_handler(handler: Handler) -> Handler:
        handlers.append(handler)
        return handler.__enter__()  # type: ignore[attr-defined,no-any-return]

    yield open_handler
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda handler: handler.close(), handlers))


def receive_one(receiver: ServiceBusReceiver, within: float = 30) -> ServiceBusReceivedMessage:
    """The next message, which must be there soon."""
    messages = receiver.receive_messages(max_message_count=1, max_wait_time=within)
    assert messages, f"no message within {within} s"
    return messages[0]


def body(message: ServiceBusReceivedMessage) -> str:
    return b"".join(message.body).decode()
