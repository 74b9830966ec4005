"""The rights as Terraform. Texts are written as JSON strings, with their templates closed."""

import json
from collections.abc import Iterator

from slipway.cli.roles.names import after, comments, role_symbol, scope_of, symbol
from slipway.promotion.rights.grants import Assignment, Grants
from slipway.promotion.rights.role import Role


def configuration(grants: Grants, principal: str) -> str:
    lines = ["# Made by `slipway roles --format terraform`."]
    lines += ["terraform {", "  required_providers {", "    azurerm = {", '      source  = "hashicorp/azurerm"']
    lines += ['      version = "~> 5.2"', "    }", "  }", "}"]
    lines += _variable("principal_id", "Object id of Slipway's identity `run`.", principal)
    for each in grants.unknown:
        lines += _variable(symbol(each.name), each.says, "")
    for role in grants.roles:
        lines += ["", *_role(grants, role)]
    for number, assignment in enumerate(grants.assignments, 1):
        lines += ["", *(f"# {line}" for line in comments(assignment)), *_assignment(grants, assignment, number)]
    lines += ["", *(f"# {line}" for line in after(grants))]
    return "\n".join(lines) + "\n"


def _variable(name: str, says: str, default: str) -> list[str]:
    lines = ["", f'variable "{name}" {{', "  type        = string", f"  description = {text(says)}"]
    return [*lines, *([f"  default     = {text(default)}"] if default else []), "}"]


def text(value: str) -> str:
    """A string of HCL: `${` and `%{` begin no template."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _role(grants: Grants, role: Role) -> Iterator[str]:
    scopes = [text(group) for group in grants.groups_of(role)]
    scopes += [f'join("/", slice(split("/", var.{symbol(name)}), 0, 5))' for name in grants.unknown_of(role)]
    yield f'resource "azurerm_role_definition" "{role_symbol(role)}" {{'
    yield f"  role_definition_id = {text(grants.role_id(role))}"
    yield f"  name               = {text(role.name + grants.suffix)}"
    yield f"  description        = {text(role.says)}"
    yield f"  scope              = {scopes[0]}"
    yield f"  assignable_scopes  = distinct([{', '.join(scopes)}])"
    yield ""
    yield "  permissions {"
    for name, actions in (("actions     ", role.actions), ("data_actions", role.data_actions)):
        if actions:
            yield f"    {name} = ["
            yield from (f"      {text(action)}," for action in actions)
            yield "    ]"
    yield "  }"
    yield "}"


def _assignment(grants: Grants, each: Assignment, number: int) -> Iterator[str]:
    name, rest = scope_of(each)
    scope = f'"${{var.{name}}}{text(rest)[1:-1]}"' if name else text(rest)
    built_in = f'"/providers/Microsoft.Authorization/roleDefinitions/{grants.role_id(each.role)}"'
    role = (
        built_in
        if each.role.built_in
        else f"azurerm_role_definition.{role_symbol(each.role)}.role_definition_resource_id"
    )
    yield f'resource "azurerm_role_assignment" "of_{number}" {{'
    named = f"{scope}, {text(grants.role_id(each.role))}, var.principal_id"
    yield f'  name               = uuidv5("url", join("|", [{named}]))'
    yield f"  scope              = {scope}"
    yield f"  role_definition_id = {role}"
    yield "  principal_id       = var.principal_id"
    yield '  principal_type     = "ServicePrincipal"'
    yield "}"
