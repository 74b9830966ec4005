"""The roles for targets hold what Slipway does there, by the kinds of the code, and nothing else."""

import json
from pathlib import Path

from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.kinds import ROUTERS, SWITCHES, TARGETS
from slipway.promotion.rights.catalogue import READS_METRICS, ROLES
from tests.infra import bicep, fits_terraform, terraform
from tests.infra.bicep import Expression

FOLDER = Path(__file__).parents[2] / "infra" / "targets"
WRITTEN = json.loads((FOLDER / "roles.json").read_text())
ANY_TABLE = "Microsoft.OperationalInsights/workspaces/query/*/read"  # of pipelines with a query of their own
OURS = "Microsoft.Cdn/profiles/ruleSets/rules/delete"  # the testers' rule


def test_the_file_is_the_catalogue_of_the_code() -> None:
    told = [
        {"name": role.name, "says": role.says, "actions": [*role.actions], "dataActions": [*role.data_actions]}
        for role in ROLES
    ]
    assert told == WRITTEN
    assert len({role.name for role in ROLES}) == len(ROLES)


def test_every_action_of_a_kind_is_in_a_role_and_no_role_has_one_that_no_kind_names() -> None:
    kinds = [router.actions + router.environment_actions for router in ROUTERS.values()]
    kinds += [kind.actions for kind in TARGETS.values()] + [switch.actions for switch in SWITCHES.values()]
    named = {action for actions in kinds for action in actions} | {*JOB_ACTIONS, READS_METRICS}
    held = {action for role in ROLES for action in role.actions}
    assert named <= held
    beside = {action.split("/")[0] for action in held - named}
    assert beside == {  # gates, load tests, pins, and logs, which belong to no kind of target
        *("Microsoft.DocumentDB", "Microsoft.LoadTestService"),
        *("Microsoft.ContainerRegistry", "Microsoft.OperationalInsights", "Microsoft.Security"),
    }


def test_no_role_gives_rights_away_or_holds_a_wildcard() -> None:
    actions = [action for role in WRITTEN for action in role["actions"] + role["dataActions"]]
    assert not [
        action
        for action in actions
        if ("*" in action and action != ANY_TABLE)
        or ("/delete" in action.lower() and action != OURS)
        or "Authorization" in action
    ]


def test_both_languages_make_the_same_roles_of_the_one_list() -> None:
    file = bicep.read(FOLDER / "main.bicep")
    roles = file.of("resource")["roles"]
    permissions = roles.value["properties"]["permissions"]
    assert file.loaded == ["roles.json"] and file.broken_at == []
    assert permissions == [
        {
            "actions": Expression("role.actions"),
            "notActions": [],
            "dataActions": Expression("role.dataActions"),
            "notDataActions": [],
        }
    ]
    assert roles.value["properties"]["assignableScopes"] == Expression("assignableScopes")
    assert "= [\n  subscription().id\n]" in file.of("param")["assignableScopes"].text
    assert fits_terraform.findings(FOLDER) == []
    role = terraform.read(FOLDER).of("resource")["azurerm_role_definition.target"]
    assert role.inner[0].arguments == {
        "actions": Expression("each.value.actions"),
        "data_actions": Expression("each.value.dataActions"),
    }
    assert role.arguments["assignable_scopes"] == Expression("local.scopes")
    assert 'jsondecode(file("${path.module}/roles.json"))' in (FOLDER / "main.tf").read_text()
