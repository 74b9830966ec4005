"""The Bicep fits together: modules, parameters, outputs, names; api-versions; doors that must be shut."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra import bicep, fits, fits_terraform
from tests.infra.bicep import Expression

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
FILES = fits.files(INFRA)
RESOURCES = [each for file in FILES.values() for each in file.of("resource").values() if not each.existing]

# Resource types that can be entered by a key, password or policy of their own, and what shuts that door.
SHUT = {
    "Microsoft.Storage/storageAccounts": {
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
    },
    "Microsoft.ServiceBus/namespaces": {"disableLocalAuth": True, "minimumTlsVersion": "1.2"},
    "Microsoft.AppConfiguration/configurationStores": {"disableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"features.disableLocalAuth": True},
    "Microsoft.Insights/components": {"DisableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {"enableRbacAuthorization": True, "enablePurgeProtection": True},
    "Microsoft.Web/sites": {"httpsOnly": True, "siteConfig.minTlsVersion": "1.2"},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"allow": False},
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"publicAccess": "None"},
}
# Types that hold data or run code, and have no such door: Entra tokens only, or no data plane.
NO_SUCH_DOOR = {
    "Microsoft.DurableTask/schedulers",
    "Microsoft.DurableTask/schedulers/taskHubs",
    "Microsoft.KeyVault/vaults/keys",
}
KEYS = re.compile(
    r"listKeys|listSecrets|listConnectionStrings|AccountKey|SharedAccessKey|EndpointSuffix=|primary\w*[kK]ey|"
    r"primary_connection_string|access_key(?!_enabled)|clientSecret\b|password",
)


def test_every_module_parameter_output_and_name_is_there() -> None:
    assert fits.findings(INFRA) == []


def test_every_bicep_file_can_be_read_whole() -> None:
    assert len(FILES) >= 18
    assert {path.name: file.broken_at for path, file in FILES.items() if file.broken_at} == {}


def test_one_pinned_api_version_a_type() -> None:
    versions = defaultdict(set)
    targets = [each.target for file in FILES.values() for each in file.of("resource").values()]
    by_azapi = re.findall(r'"(Microsoft\.[^"@]+@[^"]+)"', "".join(p.read_text() for p in INFRA.rglob("*.tf")))
    for target in (*targets, *by_azapi):
        type_, _, version = target.partition("@")
        graph = type_.startswith("Microsoft.Graph/")
        assert re.fullmatch(r"v1\.0" if graph else r"20\d\d-\d\d-\d\d", version), f"{target}: a preview, or no version"
        versions["/".join(type_.split("/")[:2])].add(version)
    assert {type_: found for type_, found in versions.items() if len(found) > 1} == {}
    assert len(by_azapi) >= 5


def test_every_door_but_entra_is_shut() -> None:
    seen = set()
    for each in RESOURCES:
        type_ = each.target.partition("@")[0]
        for path, wanted in SHUT.get(type_, {}).items():
            assert _at(each.value["properties"], path) == wanted, f"{each.name} ({type_}): {path} must be {wanted}"
            seen.add(type_)
    assert seen == set(SHUT)


def test_a_type_that_is_new_here_is_looked_at_for_doors() -> None:
    inner = r"/(queues|topics|subscriptions|rules|blobServices|immutabilityPolicies|config)$"
    known = {*SHUT, *NO_SUCH_DOOR}
    without_data = r"Microsoft\.(Resources|ManagedIdentity|Authorization|Network|Graph|Insights|Web/serverfarms)\b.*"
    new = {each.target.partition("@")[0] for each in RESOURCES} - known
    assert {type_ for type_ in new if not re.search(inner, type_) and not re.fullmatch(without_data, type_)} == set()


def test_no_key_and_no_connection_string_anywhere() -> None:
    code = {path.name: file.code for path, file in FILES.items()}
    code |= {path.as_posix(): folder.code for path, folder in fits_terraform.folders(INFRA / "terraform").items()}
    found = {name: KEYS.findall(text.replace("clientSecretSettingName", "")) for name, text in code.items()}
    assert {name: keys for name, keys in found.items() if keys} == {}


def test_the_audit_trail_can_only_grow_and_its_lock_is_a_persons_to_turn() -> None:
    policy = FILES[(INFRA / "modules" / "audit.bicep").resolve()].of("resource")["immutability"].value["properties"]
    assert policy["allowProtectedAppendWrites"] is True
    assert "allowProtectedAppendWritesAll" not in policy and "state" not in policy
    # The audit trail has no account in common with anything whose data must be deletable: beside it lies only what
    # releases are compared with, which nobody has to delete.
    containers = [
        each
        for each in RESOURCES
        if each.target.startswith("Microsoft.Storage/storageAccounts/blobServices/containers@")
    ]
    assert sorted(each.name for each in containers) == ["chains", "evidence", "packages"]


def test_every_role_assignment_names_itself_after_what_it_gives() -> None:
    for name, each in FILES[(INFRA / "modules" / "roles.bicep").resolve()].of("resource").items():
        if each.existing:
            continue
        scope, role = (
            each.value["scope"].text,
            each.value["properties"]["roleDefinitionId"].text.rpartition("role.")[2][:-1],
        )
        assert each.value["name"].text == f"guid({scope}.id, principalId, role.{role})", name
        assert each.value["properties"]["principalType"] == "ServicePrincipal", name


def test_a_private_network_shuts_every_public_way_to_data() -> None:
    public = [(each.name, each.value.get("properties", {}).get("publicNetworkAccess")) for each in RESOURCES]
    assert [name for name, access in public if access == "Enabled"] == ["site"], "people and CI call the site"
    # Both storage accounts, Service Bus, scheduler, vault, App Configuration.
    assert len([name for name, access in public if isinstance(access, Expression)]) == 6


def test_azd_finds_both_layers_the_service_and_the_hooks() -> None:
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert [layer["path"] for layer in azd["infra"]["layers"]] == ["infra/entra", "infra/azure"]
    assert all((ROOT / layer["path"] / "main.bicep").is_file() for layer in azd["infra"]["layers"])
    service = azd["services"]["slipway"]
    site = FILES[(INFRA / "modules" / "site.bicep").resolve()].of("resource")["site"]
    assert site.value["tags"] == {"azd-service-name": "slipway"}
    assert service["host"] == "function" and service["language"] == "python"
    assert set(service["hooks"]) == {"prepackage", "predeploy", "postdeploy"}
    assert all((ROOT / hook["run"]).is_file() for hook in service["hooks"].values())
    # azd installs the nearest requirements.txt for a hook: without one of their own it would be the whole app.
    assert (INFRA / "hooks" / "requirements.txt").is_file()


def test_the_one_extension_is_declared_once_and_pinned() -> None:
    aliases = json.loads((INFRA / "bicepconfig.json").read_text())["extensions"]
    used = {path.name: re.findall(r"(?m)^extension (\w+)$", path.read_text()) for path in INFRA.rglob("*.bicep")}
    assert {name: found for name, found in used.items() if found} == {"application.bicep": list(aliases)}
    assert all(re.search(r":\d+\.\d+\.\d+$", package) for package in aliases.values())


def test_the_second_layer_is_told_what_the_first_puts_out() -> None:
    for_people = {"SLIPWAY_APPLICATION_OBJECT_ID", "SLIPWAY_APPLICATION_URI"}
    outputs = FILES[(INFRA / "entra" / "main.bicep").resolve()].of("output").keys() - for_people
    given = json.loads((INFRA / "azure" / "main.parameters.json").read_text())["parameters"]
    fed = {str(each["value"]) for each in given.values()}
    assert {f"${{{name}}}" for name in outputs} <= fed


@pytest.mark.parametrize("layer", fits.LAYERS)
def test_names_of_resources_are_short_enough_for_azure(layer: str) -> None:
    """With the longest environment name (20) and a token of 13 characters."""
    longest = {
        "storage": 24,
        "audit": 24,
        "vault": 24,
        "messaging": 50,
        "configuration": 50,
        "scheduler": 64,
        "site": 60,
    }
    file = FILES[(INFRA / layer / "main.bicep").resolve()]
    variables = {name: each.value.text for name, each in file.of("var").items() if isinstance(each.value, Expression)}
    for name, call in file.of("module").items():
        if name in longest:
            text = call.value["params"]["name"].text
            text = variables.get(text, text).strip("'")
            full = text.replace("${token}", "t" * 13).replace("${environmentName}", "e" * 20)
            assert "${" not in full and len(full) <= longest[name], full


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def test_the_reader_tells_literals_from_what_azure_works_out(tmp_path: Path) -> None:
    path = tmp_path / "x.bicep"
    path.write_text("param a int\nvar b = {\n  'c-d': [1, true, null, 'it\\'s', a]\n}\n")
    assert bicep.read(path).of("var")["b"].value == {"c-d": [1, True, None, "it's", Expression("a")]}
