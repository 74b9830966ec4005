"""The roles for targets hold what Slipway does there, by the kinds of the code, and nothing else."""

import json
import re
from pathlib import Path

from slipway.adapters.telemetry import metrics
from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.kinds import ROUTERS, SWITCHES, TARGETS
from slipway.promotion.load_runs.plan import READS_LOAD_TESTING
from slipway.promotion.rings import READS_ACCOUNT
from tests.infra import bicep, fits_terraform, terraform
from tests.infra.bicep import Expression

FOLDER = Path(__file__).parents[2] / "infra" / "targets"
ROLES = {each["name"]: each for each in json.loads((FOLDER / "roles.json").read_text())}
ON_KINDS = {
    "app-service-slots": ("Slipway on App Services", ""),
    "container-apps": ("Slipway on Container Apps", "Slipway on Container Apps environments"),
    "front-door": ("Slipway on Front Doors", ""),
    "traffic-manager": ("Slipway on Traffic Manager profiles", ""),
}
ON_SWITCHES = {"traffic-manager": "Slipway on Traffic Manager profiles", "dns": "Slipway on DNS records"}
# Kinds of target whose own role none of the routers has.
WITHOUT_ROUTER = {"aks": "Slipway on AKS clusters", "bicep": "Slipway on deployment stacks"}

OURS = "Microsoft.Cdn/profiles/ruleSets/rules/delete"  # the testers' rule
ON_ACCOUNTS = "Slipway on Cosmos DB accounts"
ON_LOADS = "Slipway on load testing"
ON_JOBS = "Slipway on Container Apps jobs"


def test_a_role_is_what_its_kind_needs_and_what_metrics_need() -> None:
    (read_metrics,) = re.findall(r"\(action (\S+)\)", metrics.ROLE)
    assert ON_KINDS.keys() == ROUTERS.keys(), "a kind without a role"
    for kind, (on_it, on_its_environment) in ON_KINDS.items():
        router = ROUTERS[kind]
        counted = [] if router.fronts or not router.measures else [read_metrics]
        assert ROLES[on_it]["actions"] == [*router.actions, *counted]
        assert bool(on_its_environment) == bool(router.environment_actions)
        if on_its_environment:
            assert ROLES[on_its_environment]["actions"] == [*router.environment_actions]
    assert TARGETS["terraform"].actions == JOB_ACTIONS, "what runs there is a job"
    assert WITHOUT_ROUTER.keys() | {"terraform"} == {kind for kind, target in TARGETS.items() if target.actions}
    for kind, on_it in WITHOUT_ROUTER.items():
        assert ROLES[on_it]["actions"] == [*TARGETS[kind].actions]
    assert ON_SWITCHES.keys() == SWITCHES.keys()
    for section, on_it in ON_SWITCHES.items():
        assert ROLES[on_it]["actions"] == [*SWITCHES[section].actions]
    assert ROLES[ON_ACCOUNTS]["actions"] == [READS_ACCOUNT]
    assert ROLES[ON_LOADS]["actions"] == [READS_LOAD_TESTING]
    assert ROLES[ON_JOBS]["actions"] == [*JOB_ACTIONS]
    assert ROLES.keys() == {
        ON_ACCOUNTS,
        ON_JOBS,
        ON_LOADS,
        *WITHOUT_ROUTER.values(),
        *ON_SWITCHES.values(),
        *(name for names in ON_KINDS.values() for name in names if name),
    }


def test_no_role_gives_rights_away_or_holds_a_wildcard() -> None:
    actions = [action for role in ROLES.values() for action in role["actions"]]
    assert not [
        action
        for action in actions
        if "*" in action or ("/delete" in action.lower() and action != OURS) or "Authorization" in action
    ]


def test_both_languages_make_the_same_roles_of_the_one_list() -> None:
    file = bicep.read(FOLDER / "main.bicep")
    roles = file.of("resource")["roles"]
    permissions = roles.value["properties"]["permissions"]
    assert file.loaded == ["roles.json"] and file.broken_at == []
    assert permissions == [
        {"actions": Expression("role.actions"), "notActions": [], "dataActions": [], "notDataActions": []}
    ]
    assert roles.value["properties"]["assignableScopes"] == Expression("assignableScopes")
    assert "= [\n  subscription().id\n]" in file.of("param")["assignableScopes"].text
    assert fits_terraform.findings(FOLDER) == []
    role = terraform.read(FOLDER).of("resource")["azurerm_role_definition.target"]
    assert role.inner[0].arguments == {"actions": Expression("each.value.actions")}
    assert role.arguments["assignable_scopes"] == Expression("local.scopes")
    assert 'jsondecode(file("${path.module}/roles.json"))' in (FOLDER / "main.tf").read_text()
