"""docs/deploy.md and docs/in-azure.md name only what there is: files, variables, outputs, commands, roles, figures."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from slipway.cli.main import app
from tests.infra import fits
from tests.infra.test_agreement import BICEP, BUILT_IN_ROLES, TERRAFORM
from tests.real_azure import NEEDED, OPTIONAL

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
ONE_PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
IN_AZURE = (ROOT / "docs" / "in-azure.md").read_text(encoding="utf-8")
PAGE = ONE_PAGE + IN_AZURE
LINES = [
    line.split(" #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
CODE = [*LINES, *re.findall(r"`([^`\n]+)`", PAGE)]

# Parameters by the variable of azd's environment that fills them.
VARIABLES = {
    each["value"].strip("${}"): name
    for layer in fits.LAYERS
    for name, each in json.loads((INFRA / layer / "main.parameters.json").read_text())["parameters"].items()
}
OF_THE_COMMAND = {"SLIPWAY_URL", "SLIPWAY_TOKEN"}
# What layer 1 puts out: set by hand where somebody else made it.
OF_LAYER_1 = set(fits.files(INFRA)[(INFRA / "entra" / "main.bicep").resolve()].of("output"))
# What nobody sets by hand: azd's own, and what one layer tells the other.
NOT_SET_BY_HAND = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID"}
OF_WORKFLOWS = {"SLIPWAY_APP", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
ON_TARGETS = {each["name"] for each in json.loads((INFRA / "targets" / "roles.json").read_text())}
ON_THE_SITE = {"Website Contributor"}


def test_they_say_that_they_are_untried() -> None:
    assert "Untried in Azure" in ONE_PAGE and "nothing of it was tried in Azure" in IN_AZURE


def test_from_an_empty_subscription_to_the_first_promotion_and_down_it_is_one_page() -> None:
    order = ("Who needs which right", "Up", "People", "Rights on your targets", "The first promotion")
    places = [ONE_PAGE.index(f"\n## {title}\n") for title in (*order, "What it costs", "Down")]
    assert places == sorted(places) and len(ONE_PAGE.splitlines()) <= 150


def test_every_section_that_one_refers_to_is_there() -> None:
    anchors = {name: _anchors(text) for name, text in (("deploy.md", ONE_PAGE), ("in-azure.md", IN_AZURE))}
    asked = [
        (file or name, anchor)
        for name, text in (("deploy.md", ONE_PAGE), ("in-azure.md", IN_AZURE))
        for file, anchor in re.findall(r"\]\(([\w-]*(?:\.md)?)#([\w-]+)\)", text)
    ]
    assert len(asked) >= 8
    assert [each for each in asked if each[0] in anchors and each[1] not in anchors[each[0]]] == []


def _anchors(text: str) -> set[str]:
    return {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_every_file_that_it_names_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    paths = [text for text in CODE if re.fullmatch(r"(infra|slipway|tests|examples|pipelines)/[\w/.-]*", text)]
    assert links and len(paths) >= 8
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_module_is_named_and_no_other() -> None:
    named = {text for text in CODE if text.endswith(".bicep") and "/" not in text}
    assert named == {path.name for path in (INFRA / "modules").glob("*.bicep")}


def test_every_variable_that_it_names_is_read_and_every_one_that_is_read_is_named() -> None:
    named = set(re.findall(r"\b(?:SLIPWAY|AZURE)_[A-Z_]+\b", PAGE))
    assert named - VARIABLES.keys() - BICEP.outputs - OF_THE_COMMAND - OF_WORKFLOWS - {*NEEDED, *OPTIONAL} == set()
    assert VARIABLES.keys() - named - NOT_SET_BY_HAND == set()
    assert set(re.findall(r"azd env set (\w+)", PAGE)) <= VARIABLES.keys() | OF_LAYER_1


def test_its_defaults_are_those_of_the_parameters() -> None:
    rows = re.findall(r"^\| `(SLIPWAY_\w+)` \| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(rows) >= 8
    assert rows == [(name, _spelled(BICEP.parameters[VARIABLES[name]])) for name, _ in rows]


def _spelled(value: object) -> str:
    return json.dumps(value) if isinstance(value, (bool, int)) else str(value)


def test_every_value_that_it_asks_of_azd_is_an_output_of_both() -> None:
    asked = set(re.findall(r"azd env get-value (\w+)", PAGE))
    assert asked and asked <= BICEP.outputs & TERRAFORM.outputs


def test_it_signs_in_and_says_for_which_subscription_before_it_asks_for_anything() -> None:
    lines = _lines("Up")
    order = ["az login", "az account set", "az provider", "az provider", "azd auth login", "azd env new", "azd up"]
    asked = [
        line for line in lines if re.match(r"azd? ", line) and not re.match(r"azd (env set|provision|deploy)", line)
    ]
    assert [line.startswith(words) for line, words in zip(asked, order, strict=True)] == [True] * len(order)
    (new,) = [line for line in lines if line.startswith("azd env new")]
    assert new.endswith("--subscription $(az account show --query id --output tsv)"), "azd asks for one of its own"


def test_the_command_is_found_and_the_pythons_are_those_that_it_runs_on() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'requires-python = ">=3.11,<3.14"' in project and "Python 3.11 to 3.13 with `venv`" in _section("Up")
    lines = [line for line in LINES if line.startswith(("slipway", "export PATH"))]
    assert lines[0] == 'export PATH="$PATH:$PWD/.venv/bin"'


def test_every_azd_command_is_one() -> None:
    known = {
        "auth login",
        "env new",
        "env set",
        "env get-value",
        "env get-values",
        "up",
        "deploy",
        "down --purge",
        "down",
    }
    known |= {f"provision {layer}" for layer in fits.LAYERS}
    said = re.findall(
        r"\bazd ((?:auth|env) [\w-]+|provision \w+|[a-z]+(?: --purge)?)",
        "\n".join(text for text in CODE if "azd" in text),
    )
    assert said and set(said) <= known


@pytest.mark.parametrize("line", [text for text in CODE if re.match(r"slipway [a-z]+", text)])
def test_every_slipway_command_is_one_with_such_options(line: str) -> None:
    commands: Any = get_command(app)
    # The reader's file is a copy of the example.
    name, *arguments = shlex.split(
        line.partition(" > ")[0].replace("services/checkout.yaml", str(ROOT / "examples" / "first.yaml"))
    )[1:]
    commands.commands[name].make_context(name, arguments)  # raises for an option or argument that is none


def test_every_role_that_is_given_is_one() -> None:
    given = set(re.findall(r'--role "([^"]+)"', PAGE))
    assert given and given <= BUILT_IN_ROLES.keys() | ON_THE_SITE


def test_what_nobody_has_tried_about_roles_and_the_way_down_is_to_be_found_out() -> None:
    to_find_out = _section("To find out at the first deployment")
    assert "(`assignableScopes`)" in to_find_out and "`azd down`" in to_find_out


def test_slipways_own_identity_is_given_the_rights_on_targets() -> None:
    (given,) = [line for line in LINES if line.startswith("slipway roles ")]
    assert given.endswith('--principal "$RUN" > rights') and "bash rights" in LINES
    assert LINES[LINES.index(given) - 1] == "RUN=$(azd env get-value SLIPWAY_PRINCIPAL_ID)"


def test_every_right_is_given_to_a_kind_of_principal_that_is_said() -> None:
    """Without it Azure looks a fresh identity up in the directory, and may not find it yet."""
    given = [line for line in LINES if line.startswith("az role assignment create")]
    assert given and all(" --assignee-principal-type " in line for line in given)


def test_roles_of_the_application_are_given_by_a_script_that_takes_such_arguments() -> None:
    lines = [shlex.split(re.sub(r"\$\(.*?\)( |$)", r"X\1", line)) for line in LINES if "give_role.py" in line]
    assert [words[:2] for words in lines] == [["python3", "infra/give_role.py"]] * 3
    assert {words[2] for words in lines} <= BICEP.api_roles | set(BICEP.pipeline_roles)
    script = (INFRA / "give_role.py").read_text()
    assert all(f'"{word}"' in script for words in lines for word in words if word.startswith("--"))


def test_a_secure_webhook_names_the_application_as_azure_monitor_wants_it() -> None:
    """By object id and URI, not by client id; and Azure Monitor's application holds the role of that name first."""
    section = _section("Alerts that a ramp hears")
    monitor = "461e8683-5575-4561-ac7f-899cc907d62a"
    assert section.count(monitor) == 3 and f'SLIPWAY_CALLERS \'["{_cli()}", "{monitor}"]\'' in section
    asked = "$(azd env get-value SLIPWAY_APPLICATION_OBJECT_ID) $(azd env get-value SLIPWAY_APPLICATION_URI)"
    assert f"/api/alerts useaadauth {asked} usecommonalertschema" in section
    order = ["az ad sp create", "give_role.py ActionGroupsSecureWebhook", "SLIPWAY_CALLERS", "azd provision azure"]
    places = [section.rindex(words) for words in (*order, "az monitor action-group update")]
    assert places == sorted(places)
    application = fits.files(INFRA)[(INFRA / "entra" / "application.bicep").resolve()]
    assert "output objectId string = application.id" in application.code


def test_who_made_the_application_hands_over_all_that_others_will_ask_azd_for() -> None:
    section = _section("Two people")
    handed_over = re.findall(r"^azd env set (\w+) \.\.\.", section, re.MULTILINE)
    assert set(handed_over) == OF_LAYER_1 and len(handed_over) == len(OF_LAYER_1) == 5
    of_layer_2 = set(fits.files(INFRA)[(INFRA / "azure" / "main.bicep").resolve()].of("output"))
    asked = set(re.findall(r"azd env get-value (\w+)", PAGE))
    assert asked <= of_layer_2 | set(handed_over)
    with_terraform = set(re.findall(r"-var (\w+)=\.\.\.", section))
    outputs = (INFRA / "terraform" / "outputs.tf").read_text()
    assert "module.entra[0].object_id : var.application_object_id" in outputs, "not empty for one from outside"
    assert with_terraform == {
        *("application_id", "application_object_id", "identifier_uri"),
        *("auth_identity_id", "auth_identity_client_id"),
    }


def test_who_deploys_gets_the_role_admin_of_who_made_the_application() -> None:
    """azd gives it to whoever provisions layer 1: the deployer would hold nothing, and may give nothing."""
    lines = _lines("Two people")
    (given,) = [line for line in lines if "give_role.py" in line]
    assert given.startswith("python3 infra/give_role.py admin --application ") and given.endswith(
        " --to YOUR-OBJECT-ID"
    )
    assert lines.index("azd provision entra") < lines.index(given) < lines.index("azd provision azure")
    assert "`az ad signed-in-user show --query id --output tsv`" in _section("Two people")
    assert "`admin`" in _section("Two people") and "admin" in BICEP.api_roles


def test_a_region_without_zones_is_named_with_what_to_set_there() -> None:
    up = _section("Up")
    assert BICEP.parameters["storageSku"] == "Standard_ZRS" and "zone-redundant storage" in up
    assert up.index("`azd env set SLIPWAY_STORAGE_SKU Standard_LRS`") < up.index("\nazd up")
    assert all(region in up for region in ("North Central US", "West US", "UK West"))


def _cli() -> object:
    return BICEP.parameters["callers"][0]


def _lines(title: str) -> list[str]:
    """The commands of a section's blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", _section(title), re.DOTALL)
    return [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_workflows_read_the_variables_that_the_page_says_and_no_others() -> None:
    github = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    azure = (ROOT / ".azuredevops" / "release.yml").read_text()
    read = set(re.findall(r"vars\.(\w+)", github))
    assert read == OF_WORKFLOWS | {"SLIPWAY_URL", "SLIPWAY_DURABLE_BACKEND"}
    assert set(re.findall(r"\$\((SLIPWAY_\w+)\)", azure)) == {name for name in read if name.startswith("SLIPWAY_")}
    assert all(f"`{name}`" in _section("Deploying from a pipeline") for name in read)


def test_nothing_is_deployed_by_a_remote_build() -> None:
    assert not [line for line in LINES if "config-zip" in line or "build-remote" in line]
    (said,) = [text for text in CODE if text.startswith("python3 infra/publish.py")]
    assert re.findall(r"(--[a-z-]+) \$\((.+?)\)", said) == [
        ("--resource-group", "terraform -chdir=infra/terraform output -raw AZURE_RESOURCE_GROUP"),
        ("--site", "terraform -chdir=infra/terraform output -raw SLIPWAY_SITE_NAME"),
        ("--backend", "terraform -chdir=infra/terraform output -raw SLIPWAY_DURABLE_BACKEND"),
    ]
    assert "infra/publish.py" in _section("The first promotion"), "beside azd deploy, for Terraform"


def test_who_submits_by_the_api_is_given_no_right_on_the_queue() -> None:
    first = _section("The first promotion")
    assert "az role assignment" not in first and "Azure Service Bus Data Sender" not in first
    assert "queues/builds" in _section("Builds from CI")


def test_a_private_network_says_how_builds_and_secrets_get_in_and_that_it_is_chosen_first() -> None:
    private = _section("In a private network")
    assert "before the first `azd up`" in private and "cannot go from Standard to Premium in place" in private
    (setting,) = [line for line in IN_AZURE.splitlines() if line.startswith("| `SLIPWAY_PRIVATE_NETWORK`")]
    assert "(#in-a-private-network)" in setting
    assert all(words in private for words in ("SLIPWAY_PRIVATE_NETWORK", "cannot send", "Secrets", "Deployments"))
    assert "POST /api/builds" in _section("Builds from CI") and "submitter" in BICEP.api_roles


def test_terraforms_variables_folder_and_hook_are_there() -> None:
    assert set(re.findall(r"-var (\w+)=", PAGE)) >= {"subscription_id", "environment_name", "location"}
    assert set(re.findall(r"-var (\w+)=", PAGE)) <= TERRAFORM.parameters.keys()
    assert all((ROOT / folder).is_dir() for folder in re.findall(r"-chdir=(\S+)", PAGE))


def test_with_terraform_somebody_is_admin_too() -> None:
    """azd knows who deploys (AZURE_PRINCIPAL_ID); Terraform has to be told."""
    said = "-var admin_principal_id=$(az ad signed-in-user show --query id --output tsv)"
    assert said in _section("With Terraform instead")
    assert "`admin_principal_id`" in (INFRA / "README.md").read_text() and "admin_principal_id" in TERRAFORM.parameters


def test_every_value_that_is_asked_of_terraform_is_an_output_under_its_name() -> None:
    asked = re.findall(r"output -raw (\w+)", PAGE)
    assert set(asked) >= {"SLIPWAY_URL", "AZURE_RESOURCE_GROUP", "SLIPWAY_SITE_NAME"}
    assert set(asked) <= TERRAFORM.outputs
    commands = re.findall(r"terraform (\S+) (\w+)", "\n".join(CODE))
    assert set(commands) <= {("-chdir=infra/terraform", each) for each in ("init", "apply", "output", "destroy")} | {
        ("-chdir=infra/targets", each) for each in ("init", "apply", "destroy")
    }


def test_what_goes_down_goes_in_an_order_in_which_everything_is_still_known() -> None:
    down = _lines("Down")
    noted = {
        "APPLICATION": "SLIPWAY_APPLICATION_ID",
        "RUN": "SLIPWAY_PRINCIPAL_ID",
        "GROUP": "AZURE_RESOURCE_GROUP",
        "AUDIT": "SLIPWAY_AUDIT_ACCOUNT",
    }
    first = len(noted)
    assert down[:first] == [f"{name}=$(azd env get-value {value})" for name, value in noted.items()]
    assert down[first] == (
        'for each in $(az role assignment list --all --assignee "$RUN" --query "[].id" --output tsv); '
        'do az role assignment delete --ids "$each"; done'
    ), "where there is none, it is no error"
    down = down[first - 3 :]
    container = f'--account-name "$AUDIT" --container-name {_container()}'
    assert down[4] == (
        "for each in $(az role definition list --custom-role-only "
        "--query \"[?starts_with(roleName, 'Slipway ')].name\" --output tsv); "
        'do az role definition delete --name "$each"; done'
    ), "after the assignments, which keep them"
    assert all(name.startswith("Slipway ") for name in ON_TARGETS)
    assert down[5:] == [
        'az ad app delete --id "$APPLICATION"',
        f"ETAG=$({POLICY} show {container} --query etag --output tsv)",
        f'{POLICY} delete {container} --if-match "$ETAG"',
        "azd down --purge",
        'az group exists --name "$GROUP"',
    ]
    assert "Untried: both layers are in one resource group" in _section("Down")


POLICY = "az storage container immutability-policy"


def test_taking_away_roles_where_there_are_none_is_no_error(tmp_path: Path) -> None:
    """As it stands on the page, with an `az` that lists what it is told and refuses a deletion of nothing."""
    (line,) = [each for each in _lines("Down") if "role assignment delete" in each]
    az = tmp_path / "az"
    az.write_text(
        '#!/bin/sh\necho "$@" >> "$FOLDER/asked"\n'
        'case "$3" in list) cat "$FOLDER/listed" ;; delete) test -n "$5" ;; esac\n'
    )
    az.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "FOLDER": str(tmp_path), "RUN": "p1"}
    for listed in ("", "/one\n/two\n"):
        (tmp_path / "listed").write_text(listed)
        done = subprocess.run(["sh", "-ec", line], env=environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [each for each in asked if " delete " in each] == [
        f"role assignment delete --ids {each}" for each in ("/one", "/two")
    ]


def test_with_terraform_the_roles_on_targets_go_first_and_its_own_resources_last() -> None:
    commands = [line.split(" -var ")[0] for line in _lines("With Terraform instead") if line.startswith("terraform")]
    assert commands == ["terraform -chdir=infra/targets destroy", "terraform -chdir=infra/terraform destroy"]
    needed = {"subscription_id", "environment_name", "location"}
    assert all(
        set(re.findall(r"-var (\w+)=", line)) == (needed if "infra/terraform " in line else {"subscription_id"})
        for line in _lines("With Terraform instead")
        if line.startswith("terraform")
    )


def test_a_pipeline_of_ones_own_lies_where_the_app_is_told_to_look() -> None:
    lines = _lines("The first promotion")
    (copied,) = [line.split()[2] for line in lines if line.startswith("cp ")]
    (told,) = [line.split()[-1] for line in lines if line.startswith("azd env set")]
    assert told == f"/home/site/wwwroot/{Path(copied).parent}"
    assert VARIABLES["SLIPWAY_PIPELINES_FOLDER"] == "pipelinesFolder"
    assert lines.index("azd deploy") < lines.index("azd provision azure"), "the folder is there before it is read"


def test_parameters_roles_and_names_are_those_of_infra() -> None:
    for name in (*BICEP.api_roles, *BICEP.pipeline_roles, BICEP.hub, *BICEP.entities):
        if name != "subscription audit":
            assert f"`{name.split()[-1]}`" in PAGE, name
    assert f"container `{_container()}`" in PAGE and "/queues/builds" in PAGE


def _container() -> object:
    return fits.files(INFRA)[(INFRA / "azure" / "main.bicep").resolve()].of("var")["auditContainer"].value
