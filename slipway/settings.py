"""What differs between one place and another: endpoints, folders, names. Read from the environment, once."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from slipway.promotion.errors import SlipwayError

BUILDS_QUEUE, REJECTED_QUEUE, EVENTS_TOPIC, REPORTS_SUBSCRIPTION = "builds", "builds-rejected", "promotions", "reports"
_BESIDE_THE_APP = Path(__file__).resolve().parent.parent

_SECRET = re.compile(r"[0-9A-Za-z-]{1,127}\Z")  # Key Vault's rule for a secret's name

T = TypeVar("T")
_MB = 1024 * 1024


def _text(value: str) -> str:
    return value


def _switch(value: str) -> bool:
    if value.lower() not in ("true", "1", "false", "0"):
        raise ValueError("is neither true nor false")
    return value.lower() in ("true", "1")


def _scheme(value: str) -> str:
    if value not in ("http", "https"):
        raise ValueError("is neither http nor https")
    return value


def _secret_name(value: str) -> str:
    if not _SECRET.match(value):
        raise ValueError("is not the name of a secret in the key vault")
    return value


def _address(value: str) -> str:
    if not value.startswith("https://") or value == "https://":
        raise ValueError("is no https:// address")
    return value


def _megabytes(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 512:
        raise ValueError("is no count of megabytes from 1 to 512")
    return int(value) * _MB


def _variable(name: str, unset: T, read: Callable[[str], Any] = _text) -> T:
    """A field that is read from the environment variable `name`, whatever its case; an empty one counts as unset.

    Raises SlipwayError SETTING_INVALID when `read` (a ValueError) cannot make a value of its text.
    """

    def value() -> Any:
        text = next((each for key, each in os.environ.items() if key.lower() == name.lower()), "")
        if not text:
            return unset
        try:
            return read(text)
        except ValueError as error:
            raise SlipwayError("SETTING_INVALID", f"{name} {error}") from error

    made: T = field(default_factory=value, metadata={"variable": name})
    return made


@dataclass(frozen=True)
class Settings:
    """The settings of this process. An optional one that is unset is `""` or None; see `needed`.

    A plain dataclass, so that a cold start does not pay for a settings library (ADR 15).
    """

    pipelines: Path = _variable("SLIPWAY_PIPELINES", _BESIDE_THE_APP / "pipelines", Path)
    policies: Path | None = _variable("SLIPWAY_POLICIES", None, Path)
    people: Path | None = _variable("SLIPWAY_PEOPLE", None, Path)
    tables_endpoint: str = _variable("SLIPWAY_TABLES_ENDPOINT", "")
    blobs_endpoint: str = _variable("SLIPWAY_BLOBS_ENDPOINT", "")
    audit_container: str = _variable("SLIPWAY_AUDIT_CONTAINER", "audit")
    evidence_container: str = _variable("SLIPWAY_EVIDENCE_CONTAINER", "evidence")
    evidence_hosts: str = _variable("SLIPWAY_EVIDENCE_HOSTS", "")
    evidence_bytes: int = _variable("SLIPWAY_EVIDENCE_LIMIT_MB", 64 * _MB, _megabytes)
    arm_endpoint: str = _variable("SLIPWAY_ARM_ENDPOINT", "https://management.azure.com")
    workspace: str = _variable("SLIPWAY_WORKSPACE", "")
    logs_endpoint: str = _variable("SLIPWAY_LOGS_ENDPOINT", "https://api.loganalytics.azure.com")
    metrics_endpoint: str = _variable("SLIPWAY_METRICS_ENDPOINT", "https://{region}.metrics.monitor.azure.com")
    registry_endpoint: str = _variable("SLIPWAY_REGISTRY_ENDPOINT", "https://{registry}")
    ca_file: Path | None = _variable("SLIPWAY_CA_FILE", None, Path)
    site_scheme: str = _variable("SLIPWAY_SITE_SCHEME", "https", _scheme)
    servicebus_namespace: str = _variable("SERVICEBUS__fullyQualifiedNamespace", "")
    servicebus_endpoint: str = _variable("SERVICEBUS__customEndpointAddress", "")
    vault: str = _variable("SLIPWAY_VAULT", "", _address)
    audit_key: str = _variable("SLIPWAY_AUDIT_KEY", "", _address)
    azure_devops_hook_secret: str = _variable("SLIPWAY_AZURE_DEVOPS_HOOK_SECRET", "", _secret_name)
    github_hook_secret: str = _variable("SLIPWAY_GITHUB_HOOK_SECRET", "", _secret_name)
    app_configuration: str = _variable("SLIPWAY_APP_CONFIGURATION", "", _address)
    auth_enabled: bool = _variable("WEBSITE_AUTH_ENABLED", False, _switch)
    tenant: str = _variable("SLIPWAY_TENANT", "")
    audience: str = _variable("SLIPWAY_AUDIENCE", "")
    client_id: str = _variable("AZURE_CLIENT_ID", "")
    insights: str = _variable("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
    insights_identity: str = _variable("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "")
    site_name: str = _variable("WEBSITE_SITE_NAME", "slipway")
    github_endpoint: str = _variable("SLIPWAY_GITHUB_ENDPOINT", "https://api.github.com", _address)
    azure_devops_endpoint: str = _variable("SLIPWAY_AZURE_DEVOPS_ENDPOINT", "https://dev.azure.com", _address)
    own_url: str = _variable("SLIPWAY_URL", "")
    host_name: str = _variable("WEBSITE_HOSTNAME", "")

    def needed(self, name: str) -> str:
        """The text setting of that field. Raises SlipwayError SETTING_MISSING, naming the variable to set."""
        value = str(getattr(self, name))
        if not value:
            variable = next(each.metadata["variable"] for each in fields(self) if each.name == name)
            raise SlipwayError("SETTING_MISSING", f"{variable} is not set; Slipway cannot do this without it")
        return value

    @property
    def site(self) -> str:
        """Where people reach us; empty where nobody has said that."""
        return self.own_url.rstrip("/") or (f"https://{self.host_name}" if self.host_name else "")

    @property
    def verify(self) -> str | bool:
        """What HTTP clients check certificates with: our CA file, or True for the usual authorities."""
        return str(self.ca_file) if self.ca_file else True

    @property
    def client_options(self) -> dict[str, Any]:
        """What every Azure SDK client is given besides endpoint and credential; nothing when no CA is set."""
        return {"connection_verify": str(self.ca_file)} if self.ca_file else {}


@cache
def settings() -> Settings:
    """The settings of this process. Raises SlipwayError SETTING_INVALID, naming a variable that cannot be read."""
    return Settings()
