"""What must hold whatever else is agreed: two languages that say the same wrong thing agree, too."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from tests.infra import fits, terraform
from tests.infra.bicep import Expression
from tests.infra.built import Built
from tests.infra.test_agreement import BICEP, BOTH, TERRAFORM
from tests.infra.test_providers import TERRAFORM as RESOURCES_OF_TERRAFORM

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
FILES = {path.relative_to(INFRA.resolve()).as_posix(): file for path, file in fits.files(INFRA).items()}
ENTRA = RESOURCES_OF_TERRAFORM.path / "modules" / "entra"
# Every switch of App Service authentication.
SWITCHES = {
    "platform.enabled": True,
    "platform.runtimeVersion": "~1",
    "globalValidation.requireAuthentication": True,
    "globalValidation.unauthenticatedClientAction": "Return401",
    "httpSettings.requireHttps": True,
    "identityProviders.azureActiveDirectory.enabled": True,
    "login.tokenStore.enabled": False,
}
CREDENTIAL_SETTING = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"


@BOTH
def test_nobody_gets_in_without_a_token(infra: Built) -> None:
    body = infra.bodies["sign-in"]
    assert {path: value for path, value in body.items() if isinstance(value, bool) or path in SWITCHES} == SWITCHES
    registration = "identityProviders.azureActiveDirectory.registration"
    assert body[f"{registration}.clientSecretSettingName"] == CREDENTIAL_SETTING
    hooks = ["/api/hooks/azure-devops", "/api/hooks/github", "/api/gates"]
    assert infra.open_paths == ["/api/health", "/api/openapi.json", *hooks]


def test_tokens_are_taken_for_this_application_and_from_known_callers_only() -> None:
    properties = FILES["modules/sign-in.bicep"].of("resource")["authentication"].value["properties"]
    validation = properties["identityProviders"]["azureActiveDirectory"]["validation"]
    assert validation["allowedAudiences"] == [Expression("applicationId")]
    assert validation["defaultAuthorizationPolicy"] == {
        "allowedApplications": Expression("concat([applicationId], callers)")
    }
    body = RESOURCES_OF_TERRAFORM.of("resource")["azapi_update_resource.sign_in"].arguments["body"]["properties"]
    validation = body["identityProviders"]["azureActiveDirectory"]["validation"]
    assert validation["allowedAudiences"] == [Expression("local.application_id")]
    assert validation["defaultAuthorizationPolicy"] == {
        "allowedApplications": Expression("concat([local.application_id], var.callers)")
    }


def test_who_holds_no_role_gets_no_token() -> None:
    principal = FILES["entra/application.bicep"].of("resource")["principal"].value
    assert principal["appRoleAssignmentRequired"] is True
    resources = in_terraforms_entra()
    assert resources["azuread_service_principal.slipway"]["app_role_assignment_required"] is True


def test_the_applications_credential_is_the_identity_auth_of_this_tenant() -> None:
    bicep = FILES["entra/application.bicep"]
    credential = bicep.of("resource")["credential"].value
    assert bicep.of("var")["exchangeAudiences"].value["AzureCloud"] == "api://AzureADTokenExchange"
    assert bicep.of("var")["exchangeAudience"].value == Expression("exchangeAudiences[environment().name]")
    assert credential["audiences"] == [Expression("exchangeAudience")]
    assert credential["subject"] == Expression("authPrincipalId")
    issuer = "${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0"
    assert credential["issuer"] == Expression(f"'{issuer}'")
    other = in_terraforms_entra()["azuread_application_federated_identity_credential.app_service"]
    assert other["audiences"] == ["api://AzureADTokenExchange"]
    assert other["subject"] == Expression("var.auth_principal_id")
    assert _text(other["issuer"]) == "https://login.microsoftonline.com/${var.tenant_id}/v2.0"


def test_the_audit_trail_is_immutable_unless_it_is_locked_already() -> None:
    policy = FILES["modules/audit.bicep"].of("resource")["immutability"]
    assert "= if (!locked) {" in policy.text
    assert (policy.value["parent"], policy.value["name"]) == (Expression("chains"), "default")
    assert FILES["azure/main.bicep"].of("module")["audit"].value["params"]["locked"] == Expression("auditLocked")
    assert BICEP.parameters["auditLocked"] is False and TERRAFORM.parameters["audit_locked"] is False
    assert BICEP.parameters["auditRetentionDays"] >= 365


def test_every_alert_is_on() -> None:
    for module in ("query-alerts", "metric-alerts"):
        assert FILES[f"modules/{module}.bicep"].of("resource")["alerts"].value["properties"]["enabled"] is True
    assert FILES["modules/action-group.bicep"].of("resource")["group"].value["properties"]["enabled"] is True
    for name, each in RESOURCES_OF_TERRAFORM.of("resource").items():
        if name.startswith("azurerm_monitor_"):
            assert each.arguments.get("enabled", True) is True, name  # which is the provider's own


@BOTH
def test_metric_alerts_ask_for_metrics_that_service_bus_has(infra: Built) -> None:
    assert infra.alerts == {
        "dead-letters": ("DeadletteredMessages", "Maximum", 1),
        "throttled": ("ThrottledRequests", "Total", 2),
    }


def test_the_site_comes_after_the_rights_of_its_identity() -> None:
    site = FILES["azure/main.bicep"].of("module")["site"].value
    assert Expression("roles") in site["dependsOn"]
    after = RESOURCES_OF_TERRAFORM.of("resource")["azapi_resource.site"].arguments["depends_on"]
    assert Expression("azurerm_role_assignment.run") in after


@pytest.mark.parametrize("infra", [(BICEP, "pythonVersion"), (TERRAFORM, "python_version")], ids=["bicep", "terraform"])
def test_the_app_runs_on_the_python_that_its_package_is_built_for(infra: tuple[Built, str]) -> None:
    built, parameter = infra
    assert built.parameters[parameter] == runpy.run_path(str(INFRA / "package.py"))["PYTHON"]


def test_azd_deploys_the_package_as_it_is() -> None:
    service = yaml.safe_load((ROOT / "azure.yaml").read_text())["services"]["slipway"]
    assert service["remoteBuild"] is False
    assert service["dist"] == "build/app"
    assert service["hooks"]["prepackage"]["run"] == "infra/hooks/before_package.py"
    hook = runpy.run_path(str(INFRA / "hooks" / "before_package.py"))
    assert hook["PACKAGE"] == INFRA / "package.py"


def in_terraforms_entra() -> dict[str, dict[str, object]]:
    return {name: each.arguments for name, each in terraform.read(ENTRA).of("resource").items()}


def _text(value: object) -> str:
    return value.text.strip('"') if isinstance(value, Expression) else str(value)


def test_whatever_a_layer_of_the_subscription_makes_goes_into_its_resource_group() -> None:
    """Bicep refuses a module of a resource group without `scope` (BCP134), and a resource group elsewhere (BCP135)."""
    modules = [file for name, file in FILES.items() if name.startswith("modules/") or name == "entra/application.bicep"]
    assert not [file.path.name for file in modules if "targetScope" in file.code]
    for layer in fits.LAYERS:
        main = FILES[f"{layer}/main.bicep"]
        assert "\ntargetScope = 'subscription'\n" in f"\n{main.code}", layer
        astray = [name for name, each in main.of("module").items() if "\n  scope: group\n" not in each.text]
        assert main.of("module") and astray == [], layer


def test_the_scheduler_lets_workers_in_and_tokens_decide() -> None:
    """An empty list lets nobody in (Durable Task Scheduler's documentation)."""
    everybody = ["0.0.0.0/0"]
    assert BICEP.parameters["schedulerIpAllowlist"] == everybody
    assert TERRAFORM.parameters["scheduler_ip_allowlist"] == everybody


def test_private_endpoints_and_their_zones_bear_azures_names() -> None:
    """Microsoft's table "Azure Private Endpoint private DNS zone values"; the scheduler: its own page."""
    zones = {
        "blob": "privatelink.blob.core.windows.net",
        "queue": "privatelink.queue.core.windows.net",
        "table": "privatelink.table.core.windows.net",
        "namespace": "privatelink.servicebus.windows.net",
        "vault": "privatelink.vaultcore.azure.net",
        "configurationStores": "privatelink.azconfig.io",
        "scheduler": "privatelink.durabletask.io",
    }
    bicep, terraform_file = FILES["modules/private-ways.bicep"].code, (INFRA / "terraform" / "network.tf").read_text()
    assert set(re.findall(r"kind: '(\w+)'", bicep)) == set(zones)
    named = {name.replace("${environment().suffixes.storage}", "core.windows.net") for name in _zones(bicep)}
    assert named == set(zones.values())
    assert dict(re.findall(r'kind = "(\w+)", zone = "([\w.]+)"', terraform_file)) == zones


def _zones(text: str) -> list[str]:
    return re.findall(r"Zone = '(privatelink\.[^']+)'", text)


def test_the_runtime_is_python() -> None:
    assert "runtime: {\n        name: 'python'\n" in FILES["modules/site.bicep"].code
    site = RESOURCES_OF_TERRAFORM.of("resource")["azapi_resource.site"].arguments
    assert site["body"]["properties"]["functionAppConfig"]["runtime"]["name"] == "python"


def test_bicep_speaks_to_microsoft_graph_by_a_published_version_of_its_extension() -> None:
    (file,) = INFRA.rglob("bicepconfig.json")
    extensions = json.loads(file.read_text())["extensions"]
    assert extensions == {"microsoftGraphV1": "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0"}
