"""Where the laptop system keeps what, on which ports it listens, and what its host is told."""

import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import slipway
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.rights import rights_of
from slipway.local.azure.config import People, Person, StandinConfig, read

STAND_IN_URL = "https://localhost:7443"  # as the shipped pipelines name it
WORKSPACE = "00000000-0000-4000-8000-00000000ca0a"  # the stand-in has one, under any id
OWN_SETTINGS = ("SLIPWAY_", "AZURE_", "SERVICEBUS", "WEBSITE_", "IDENTITY_", "MSI_", "TASKHUB_", "APPLICATIONINSIGHTS_")


@dataclass(frozen=True)
class Ports:
    """0 means any free one."""

    host: int = 7071
    azure: int = 7443
    msi: int = 7444
    servicebus: int = 5672
    servicebus_tls: int = 5671

    def fixed(self) -> Iterator[tuple[str, int]]:
        """Each port that must be free, and for what."""
        names = {
            "host": "the API",
            "azure": "the Azure stand-in",
            "msi": "its managed identity",
            "servicebus": "Service Bus",
            "servicebus_tls": "Service Bus over TLS",
        }
        return ((names[name], port) for name, port in vars(self).items() if port)


ANY_PORTS = Ports(0, 0, 0, 0, 0)
FUNCTIONS_STATE = "functions.sqlite"


@dataclass(frozen=True)
class Layout:
    """The checkout that runs (`root`), the state folder, and the ports. With `virtual_time` the clock stands, from
    `starts_at` or now on, until it is moved: that of the host, which takes the stand-in along. `policies` is the folder
    of the organisation's, if there is one."""

    root: Path
    state: Path
    ports: Ports
    virtual_time: bool = False
    starts_at: datetime | None = None
    policies: Path | None = None

    @property
    def people(self) -> Path:
        return self.root / "examples" / "people.yaml"

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    @property
    def sites(self) -> Path:
        return self.root / "examples" / "laptop.yaml"

    def fixed_ports(self) -> Iterator[tuple[str, int]]:
        """Each port that must be free, and for what: the programs' own, and unless any will do the sites'."""
        yield from self.ports.fixed()
        if self.ports.azure:
            config = read(StandinConfig, self.sites)
            yield from ((f"the container app {app.name}", app.port) for app in config.container_apps)
            for cluster in config.clusters:
                yield f"the cluster {cluster.name}", cluster.port
                yield from ((f"the release {name}", port) for name, port in cluster.front_ends.items())
            yield from ((f"the name {name}", port) for name, port in config.named.items())
            for site in config.sites:
                yield f"the site {site.name}", site.port
                yield from ((f"the site {site.name}({slot.name})", slot.port) for slot in site.slots)

    def azure(self) -> list[str]:
        """Arguments of the Azure stand-in."""
        arguments: list[object] = ["slipway.local.azure", "--state", self.state / "azure", "--config", self.sites]
        arguments += ["--people", self.people, "--port", self.ports.azure, "--msi-port", self.ports.msi]
        arguments += ["--rights", self._give_rights()]
        arguments += [] if self.ports.azure else ["--any-ports"]
        return [str(each) for each in [*arguments, *self._virtual()]]

    @property
    def written(self) -> list[Path]:
        """The pipelines as they are written, before any port is known."""
        return sorted((self.root / "pipelines").glob("*.yaml"))

    @property
    def rights(self) -> Path:
        """The file of the roles that Slipway's identity has."""
        return self.state / "rights.json"

    def _give_rights(self) -> Path:
        """Exactly those that the pipelines need."""
        file = self.rights
        file.parent.mkdir(parents=True, exist_ok=True)
        told = rights_of(self.written, read(StandinConfig, self.sites).group, WORKSPACE)
        file.write_text(json.dumps(told, indent=2), encoding="utf-8")
        return file

    def servicebus(self, certificate: str) -> list[str]:
        """Arguments of the broker."""
        config, state = self.root / "examples" / "servicebus.json", self.state / "servicebus.sqlite"
        arguments = ["slipway.local.servicebus", "--config", config, "--state", state]
        arguments += ["--port", self.ports.servicebus, "--tls-port", self.ports.servicebus_tls]
        return [str(each) for each in [*arguments, "--cert", certificate]]

    def functions(self, port: int, azure: Mapping[str, Any]) -> list[str]:
        """Arguments of the Functions host; `azure` is the stand-in's ready line."""
        state = self.state / FUNCTIONS_STATE
        arguments: list[object] = ["slipway.local.functions", "start", "--app", self.root]
        arguments += ["--port", port, "--state", state]
        if self.virtual_time:
            arguments += [*self._virtual(), "--by-hand"]
            arguments += ["--tells-time", f"{azure['url']}/standin/clock", "--tells-ca", azure["ca"]]
        return [str(each) for each in arguments]

    def _virtual(self) -> list[str]:
        starts_at = [self.starts_at.isoformat()] if self.starts_at else []
        return ["--virtual-time", *starts_at] if self.virtual_time else []

    def pipelines(self, azure: Mapping[str, Any]) -> Path:
        """The folder of pipelines for the host, whose stand-in's ready line is `azure`: the shipped one, or copies that
        name the ports on which it listens."""
        shipped = self.root / "pipelines"
        if azure["url"] == STAND_IN_URL:
            return shipped
        copies = self.state / "pipelines"
        copies.mkdir(parents=True, exist_ok=True)
        for file in shipped.glob("*.yaml"):
            text = self.with_ports(file.read_text(encoding="utf-8"), azure)
            (copies / file.name).write_text(text, encoding="utf-8")
        return copies

    def with_ports(self, text: str, azure: Mapping[str, Any]) -> str:
        """A pipeline in which the addresses of the stand-in's file are those that it has now."""
        config = read(StandinConfig, self.sites)
        ends = config.named | {name: port for cluster in config.clusters for name, port in cluster.front_ends.items()}
        now = {f"http://localhost:{port}": azure["sites"][name] for name, port in ends.items()}
        text = text.replace(STAND_IN_URL, azure["url"])
        return re.sub(r"http://localhost:[0-9]+", lambda found: now.get(found[0], found[0]), text)


def checkout() -> Path:
    """The checkout that this command belongs to. Raises Failure when it was installed without one."""
    root = Path(slipway.__file__).resolve().parent.parent
    if not (root / "host.json").is_file():
        words = "run and demo need a checkout of Slipway: clone it and use its `make run` or `make demo`"
        raise Failure("NO_CHECKOUT", words, ExitCode.USAGE)
    return root


def people_of(file: Path) -> tuple[Person, ...]:
    """Everyone who can log in on the laptop."""
    return read(People, file).people


def refuse_busy(ports: Iterable[tuple[str, int]]) -> None:
    """Raises Failure that names the first of `ports` (for what, which) in use, and how to go on."""
    for what, port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                words = (
                    f"port {port}, for {what}, is in use; `lsof -i :{port}` says by whom, "
                    "`slipway run --any-ports` takes free ones"
                )
                raise Failure("PORT_IN_USE", words, ExitCode.REFUSED) from error


def plain_environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` without settings of another Slipway or Azure, and without a proxy on the way to this machine."""
    kept = {name: value for name, value in given.items() if not name.startswith(OWN_SETTINGS)}
    return kept | {
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }


def host_settings(layout: Layout, azure: Mapping[str, Any], tls_port: int) -> dict[str, str]:
    """The app settings of the Functions host, named as they are in Azure; `azure` is the stand-in's ready line."""
    return {
        "IDENTITY_ENDPOINT": azure["msi_endpoint"],
        "IDENTITY_HEADER": azure["msi_header"],
        "SLIPWAY_ARM_ENDPOINT": azure["url"],
        "SLIPWAY_EVIDENCE_HOSTS": azure["url"].removeprefix("https://"),
        **({"SLIPWAY_URL": f"http://127.0.0.1:{layout.ports.host}"} if layout.ports.host else {}),
        "SLIPWAY_TABLES_ENDPOINT": f"{azure['url']}/tables",
        "SLIPWAY_BLOBS_ENDPOINT": f"{azure['url']}/blob",
        "SLIPWAY_VAULT": azure["url"],
        "SLIPWAY_AUDIT_KEY": f"{azure['url']}/keys/slipway-audit",
        "SLIPWAY_APP_CONFIGURATION": azure["url"],
        "SLIPWAY_GITHUB_ENDPOINT": f"{azure['url']}/github",
        "SLIPWAY_AZURE_DEVOPS_ENDPOINT": f"{azure['url']}/azure-devops",
        "SLIPWAY_AZURE_DEVOPS_HOOK_SECRET": "azure-devops-hook-key",
        "SLIPWAY_GITHUB_HOOK_SECRET": "github-hook-secret",
        "SLIPWAY_LOGS_ENDPOINT": azure["url"],
        "SLIPWAY_METRICS_ENDPOINT": azure["url"],
        "SLIPWAY_REGISTRY_ENDPOINT": f"{azure['url']}/registry/{{registry}}",
        "SLIPWAY_WORKSPACE": WORKSPACE,
        "SLIPWAY_CA_FILE": azure["ca"],
        "SLIPWAY_SITE_SCHEME": "http",
        "SLIPWAY_PEOPLE": str(layout.people),
        "SLIPWAY_PIPELINES": str(layout.pipelines(azure)),
        **({"SLIPWAY_POLICIES": str(layout.policies)} if layout.policies else {}),
        "SLIPWAY_TENANT": azure["tenant"],
        "SLIPWAY_AUDIENCE": "slipway",
        "SERVICEBUS__fullyQualifiedNamespace": "localhost",
        "SERVICEBUS__customEndpointAddress": f"sb://localhost:{tls_port}",
        "SERVICEBUS__caFile": azure["ca"],
        "TASKHUB_NAME": "slipway",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={WORKSPACE};IngestionEndpoint={azure['url']}/",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "Authorization=AAD",
        "WEBSITE_SITE_NAME": "slipway-laptop",
        "WEBSITE_AUTH_ENABLED": "true",
        "WEBSITE_AUTH_OPENID_ISSUER": azure["issuer"],
        "WEBSITE_AUTH_CLIENT_ID": "slipway",
        "WEBSITE_AUTH_CA_FILE": azure["ca"],
    }
