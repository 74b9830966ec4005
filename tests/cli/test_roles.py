"""`slipway roles`: what pipelines need, in four languages, each of which can be read."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.cli.roles import az, bicep, terraform
from slipway.promotion.rights.catalogue import FLAGS
from slipway.promotion.rights.grants import Grants, granted
from slipway.promotion.rights.role import Need, Role, Unknown
from tests.cli.conftest import Slipway
from tests.infra import bicep as read_bicep
from tests.infra import terraform as read_terraform

PIPELINES = Path(__file__).parents[2] / "pipelines"
SHIPPED = [str(file) for file in sorted(PIPELINES.glob("*.yaml"))]
CHECKOUT = str(PIPELINES / "checkout.yaml")
RUN = "11111111-1111-4111-8111-111111111111"
SHOP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop"
FOUND = f"{SHOP}/providers/Microsoft.AppConfiguration/configurationStores/found"
HOSTILE = f"{SHOP}/providers/Microsoft.Web/sites/a'b$(touch pwned)`x`;${{y}}%{{z}}\"\\"


@pytest.fixture
def offline(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:1")
    return slipway


def told(slipway: Slipway, *arguments: str) -> dict[str, Any]:
    result = slipway("roles", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stdout
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def given(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["role"], each["scope"].removeprefix(SHOP)) for each in document["assignments"]}


def test_a_pipeline_needs_its_roles_on_its_own_resources_and_says_why(offline: Slipway) -> None:
    document = told(offline, CHECKOUT)
    sites = ("dev", "test", "staging", "weu", "neu")
    here = "/providers/Microsoft.Web/sites/checkout-"
    assert given(document) == {
        *(("Slipway on App Services", f"{here}{site}") for site in sites),
        *(("Slipway reads metrics", f"{here}{site}") for site in ("weu", "neu")),
        ("Slipway on logs of requests", "{workspace}"),
    }
    assert document["parameters"].keys() == {"workspace"}
    whys = [why for each in document["assignments"] for why in each["why"]]
    assert "checkout: stage production, target weu (app-service)" in whys
    (on_sites,) = [role for role in document["roles"] if role["name"] == "Slipway on App Services"]
    assert on_sites["assignableScopes"] == [SHOP]


def test_what_two_pipelines_need_is_given_once_and_names_both(offline: Slipway, tmp_path: Path) -> None:
    twin = (
        Path(CHECKOUT)
        .read_text()
        .replace("service: checkout", "service: twin")
        .replace("sites/checkout-dev", "sites/CHECKOUT-DEV")
    )
    (tmp_path / "twin.yaml").write_text(twin)
    both, one = told(offline, CHECKOUT, "twin.yaml"), told(offline, CHECKOUT)
    assert [each["id"] for each in both["roles"]] == [each["id"] for each in one["roles"]]
    assert len(both["assignments"]) == len(one["assignments"])
    (dev,) = [each for each in both["assignments"] if each["scope"].lower().endswith("checkout-dev")]
    assert [why.split(":")[0] for why in dev["why"]] == ["checkout", "twin"]


def test_the_same_pipelines_print_the_same_in_whatever_order(offline: Slipway) -> None:
    for language in ("az", "bicep", "terraform", "json"):
        first, second = (
            offline("roles", *files, "--format", language, "--principal", RUN).stdout for files in (SHIPPED, SHIPPED)
        )
        assert first == second
    forth, back = told(offline, *SHIPPED), told(offline, *SHIPPED[::-1])
    for document in (forth, back):
        for each in document["assignments"]:
            each["why"].sort()
    assert forth == back


def test_ids_are_made_of_role_place_and_principal_and_wait_for_what_is_not_known(offline: Slipway) -> None:
    def ids(*more: str) -> dict[tuple[str, str], str]:
        return {(each["role"], each["scope"]): each["id"] for each in told(offline, CHECKOUT, *more)["assignments"]}

    assert set(ids().values()) == {""}
    for_run, for_another = ids("--principal", RUN), ids("--principal", RUN[::-1])
    assert [place for place, id in for_run.items() if not id] == [("Slipway on logs of requests", "{workspace}")]
    known = [id for id in for_run.values() if id]
    assert len(set(known)) == len(known) and not set(known) & set(for_another.values())
    workspace = f"{SHOP}/providers/Microsoft.OperationalInsights/workspaces/logs"
    assert ids("--principal", RUN, "--at", f"workspace={workspace}")["Slipway on logs of requests", workspace]


def test_a_suffix_makes_other_roles(offline: Slipway) -> None:
    plain, beside = told(offline, CHECKOUT)["roles"], told(offline, CHECKOUT, "--suffix", " (two)")["roles"]
    assert {role["name"] for role in beside} == {f"{role['name']} (two)" for role in plain}
    assert not {role["id"] for role in plain} & {role["id"] for role in beside}


@pytest.mark.parametrize("more", [(), ("--principal", RUN)])
def test_bicep_and_terraform_can_be_read_and_hold_every_role_and_assignment(
    more: tuple[str, ...], offline: Slipway, tmp_path: Path
) -> None:
    document = told(offline, *SHIPPED, *more)
    roles, places = len(document["roles"]), len(document["assignments"])
    (tmp_path / "roles.bicep").write_text(offline("roles", *SHIPPED, *more, "--format", "bicep").stdout)
    file = read_bicep.read(tmp_path / "roles.bicep")
    assert file.broken_at == []
    kinds = [each.target.split("@")[0] for each in file.of("resource").values()]
    assert kinds.count("Microsoft.Authorization/roleDefinitions") == roles
    assert file.code.count("type: 'Microsoft.Authorization/roleAssignments'") == places
    assert (file.of("param")["principalId"].value is None) == (not more)
    (tmp_path / "main.tf").write_text(offline("roles", *SHIPPED, *more, "--format", "terraform").stdout)
    resources = read_terraform.read(tmp_path).of("resource")
    assert sum(name.startswith("azurerm_role_definition.") for name in resources) == roles
    assert sum(name.startswith("azurerm_role_assignment.") for name in resources) == places


@pytest.mark.parametrize("format", ["az", "bicep", "terraform"])
def test_at_the_end_stands_what_a_person_does_then(format: str, offline: Slipway) -> None:
    last = offline("roles", *SHIPPED, "--format", format).stdout.splitlines()[-4:]
    assert "Owner" in last[0] and "workspace" in last[1] and "wait some minutes" in last[3]


def ran(script: str, folder: Path, **variables: str) -> list[list[str]]:
    """The arguments with which the script calls `az`, which finds no role that is there."""
    az_here = folder / "az"
    az_here.write_text(
        '#!/usr/bin/env bash\nprintf "%s\\0" "$@" >> calls; printf "\\n\\0" >> calls\n'
        f'if [ "$2" = show ]; then echo {FOUND}; fi\n'
    )
    az_here.chmod(0o755)
    (folder / "script.sh").write_text(script)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    done = subprocess.run(["bash", "script.sh"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    calls = (folder / "calls").read_text().split("\n\0")
    return [call.split("\0")[:-1] for call in calls if call]


def test_the_script_gives_exactly_what_is_told(offline: Slipway, tmp_path: Path) -> None:
    workspace = f"{SHOP}/providers/Microsoft.OperationalInsights/workspaces/logs"
    document = told(offline, CHECKOUT, "--principal", RUN)
    script = offline("roles", CHECKOUT, "--principal", RUN).stdout
    calls = ran(script, tmp_path, WORKSPACE=workspace)
    definitions = [
        json.loads(call[call.index("--role-definition") + 1])
        for call in calls
        if "create" in call[:4] and "definition" in call
    ]
    assert {each["Name"] for each in definitions} == {role["name"] for role in document["roles"]}
    assert all(each["AssignableScopes"] == [SHOP] for each in definitions)
    scopes = [call[call.index("--scope") + 1] for call in calls if "--scope" in call]
    assert sorted(scopes) == sorted(each["scope"].replace("{workspace}", workspace) for each in document["assignments"])
    assert all(call[call.index("--assignee-object-id") + 1] == RUN for call in calls if "--scope" in call)


def test_the_script_stops_with_words_where_nobody_has_said_what_it_needs(offline: Slipway, tmp_path: Path) -> None:
    script = offline("roles", CHECKOUT).stdout
    (tmp_path / "script.sh").write_text(script)
    done = subprocess.run(
        ["bash", "script.sh"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.returncode != 0 and "PRINCIPAL: object id of the identity run" in done.stderr


def hostile() -> Grants:
    role = Role("Slipway on App Services", "It's `here`; $(touch pwned)", ("Microsoft.Web/sites/Read",))
    store = Unknown(
        "configuration", "the id of $(touch pwned) `x` 'store'", ("appconfig", "show", "--name", "$(touch pwned)")
    )
    return granted([Need(role, HOSTILE, "a: stage b\n$(touch pwned)"), Need(FLAGS, store, "c")], {})


def test_names_from_a_pipeline_are_only_ever_text(tmp_path: Path) -> None:
    calls = ran(az.script(hostile(), RUN), tmp_path)
    assert ["appconfig", "show", "--name", "$(touch pwned)"] in calls
    assert {call[call.index("--scope") + 1] for call in calls if "--scope" in call} == {HOSTILE, FOUND}
    assert not (tmp_path / "pwned").exists()
    (tmp_path / "roles.bicep").write_text(bicep.template(hostile(), RUN))
    assert read_bicep.read(tmp_path / "roles.bicep").broken_at == []
    (tmp_path / "main.tf").write_text(terraform.configuration(hostile(), RUN))
    (scope,) = {
        str(each.arguments["scope"])
        for name, each in read_terraform.read(tmp_path).of("resource").items()
        if name == "azurerm_role_assignment.of_1"
    }
    assert "$${y}" in scope and "%%{z}" in scope, "no template of Terraform's begins there"


def test_a_pipeline_that_is_none_is_reported_as_lint_does(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("service: A\n")
    result = offline("roles", CHECKOUT, "bad.yaml")
    assert result.exit_code == 7 and "bad.yaml:" in result.stdout and "az role" not in result.stdout


def test_an_id_that_is_none_is_refused(offline: Slipway) -> None:
    assert offline("roles", CHECKOUT, "--at", "vault=shop").exit_code == 2
