"""Settings: their names in the environment, their defaults, and what an import costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings

NAMES = {
    "SLIPWAY_PIPELINES": ("pipelines", "/srv/pipelines", Path("/srv/pipelines")),
    "SLIPWAY_POLICIES": ("policies", "/srv/policies", Path("/srv/policies")),
    "SLIPWAY_PEOPLE": ("people", "/srv/people.yaml", Path("/srv/people.yaml")),
    "SLIPWAY_TABLES_ENDPOINT": ("tables_endpoint", "https://a.example", "https://a.example"),
    "SLIPWAY_BLOBS_ENDPOINT": ("blobs_endpoint", "https://b.example", "https://b.example"),
    "SLIPWAY_AUDIT_CONTAINER": ("audit_container", "trail", "trail"),
    "SLIPWAY_EVIDENCE_CONTAINER": ("evidence_container", "kept", "kept"),
    "SLIPWAY_EVIDENCE_HOSTS": ("evidence_hosts", "ci.example", "ci.example"),
    "SLIPWAY_EVIDENCE_LIMIT_MB": ("evidence_bytes", "16", 16 * 1024 * 1024),
    "SLIPWAY_ARM_ENDPOINT": ("arm_endpoint", "https://arm.example", "https://arm.example"),
    "SLIPWAY_CA_FILE": ("ca_file", "/srv/ca.pem", Path("/srv/ca.pem")),
    "SLIPWAY_SITE_SCHEME": ("site_scheme", "http", "http"),
    "SERVICEBUS__fullyQualifiedNamespace": ("servicebus_namespace", "x.example", "x.example"),
    "SERVICEBUS__customEndpointAddress": ("servicebus_endpoint", "sb://localhost:1", "sb://localhost:1"),
    "SLIPWAY_AZURE_DEVOPS_HOOK_SECRET": ("azure_devops_hook_secret", "hook-1", "hook-1"),
    "SLIPWAY_GITHUB_HOOK_SECRET": ("github_hook_secret", "hook-2", "hook-2"),
    "WEBSITE_AUTH_ENABLED": ("auth_enabled", "True", True),
    "SLIPWAY_TENANT": ("tenant", "t-1", "t-1"),
    "SLIPWAY_AUDIENCE": ("audience", "slipway", "slipway"),
    "AZURE_CLIENT_ID": ("client_id", "c-1", "c-1"),
}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in NAMES:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("variable", NAMES)
def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    field, text, value = NAMES[variable]
    assert getattr(Settings(), field) != value
    monkeypatch.setenv(variable, text)
    assert getattr(Settings(), field) == value
    monkeypatch.setenv(variable, "")
    assert getattr(Settings(), field) != value


def test_a_hooks_secret_is_named_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_GITHUB_HOOK_SECRET", "hunter2!")
    with pytest.raises(SlipwayError, match="SLIPWAY_GITHUB_HOOK_SECRET is not the name of a secret") as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_unset_it_speaks_to_azure_itself_over_https() -> None:
    unset = Settings()
    assert unset.arm_endpoint == "https://management.azure.com"
    assert unset.site_scheme == "https"
    assert unset.client_options == {} and unset.verify is True
    assert unset.pipelines == Path(__file__).parents[2] / "pipelines"
    assert unset.auth_enabled is False


def test_a_setting_that_is_needed_and_unset_is_named() -> None:
    with pytest.raises(SlipwayError, match="SLIPWAY_TABLES_ENDPOINT is not set"):
        Settings().needed("tables_endpoint")


def test_what_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SITE_SCHEME", "gopher")
    with pytest.raises(SlipwayError, match="SLIPWAY_SITE_SCHEME is neither http nor https"):
        Settings()


@pytest.mark.parametrize("text", ["0", "513", "many", "1.5"])
def test_a_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SLIPWAY_EVIDENCE_LIMIT_MB", text)
    with pytest.raises(SlipwayError, match="SLIPWAY_EVIDENCE_LIMIT_MB is no count of megabytes"):
        Settings()


def test_importing_the_adapters_loads_no_sdk() -> None:
    modules = "app_service audit_log azure_errors credentials http_load http_probe people pipelines receipts rows"
    imports = "; ".join(f"import slipway.adapters.{name}" for name in [*modules.split(), "service_bus"])
    heavy = "[m for m in sys.modules if m.startswith(('azure.', 'aiohttp', 'requests', 'msal'))]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
