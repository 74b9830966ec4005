"""The rights as one file of Bicep for a subscription.

A role is given on single resources of many resource groups, which Bicep does by modules, each a file of its own. To be
one file, each group has a nested deployment instead.
"""

from collections.abc import Iterator
from itertools import groupby

from slipway.cli.roles.names import after, comments, role_symbol, scope_of, symbol
from slipway.promotion.rights.grants import Assignment, Grants
from slipway.promotion.rights.role import Role, group_of

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def template(grants: Grants, principal: str) -> str:
    lines = [
        "// Made by `slipway roles --format bicep`; for `az deployment sub create`.",
        "targetScope = 'subscription'",
    ]
    lines += ["", "@description('Object id of the identity `run`.')"]
    lines.append("param principalId string" + (f" = {text(principal)}" if principal else ""))
    for each in grants.unknown:
        lines += ["", f"@description({text(each.says)})", f"param {symbol(each.name)} string"]
    for role in grants.roles:
        lines += ["", *_role(grants, role)]
    for number, (where, assignments) in enumerate(_by_group(grants), 1):
        lines += ["", *_deployment(grants, where, assignments, number)]
    lines += ["", *(f"// {line}" for line in after(grants))]
    return "\n".join(lines) + "\n"


def text(value: str) -> str:
    """A string of Bicep."""
    plain = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return "'" + plain.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def _by_group(grants: Grants) -> list[tuple[str, list[Assignment]]]:
    """By the id of their resource group in small letters, or by the parameter of what is not known, in braces."""
    keyed = [(_group(each), each) for each in grants.assignments]
    return [(key, [each for _, each in found]) for key, found in groupby(sorted(keyed, key=_first), key=_first)]


def _first(each: tuple[str, Assignment]) -> str:
    return each[0]


def _group(each: Assignment) -> str:
    name, rest = scope_of(each)
    return f"{{{name}}}" if name else group_of(rest).lower()


def _role(grants: Grants, role: Role) -> Iterator[str]:
    scopes = [text(group) for group in grants.groups_of(role)]
    scopes += [f"join(take(split({symbol(name)}, '/'), 5), '/')" for name in grants.unknown_of(role)]
    yield f"resource {role_symbol(role)} 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{"
    yield f"  name: {text(grants.role_id(role))}"
    yield "  properties: {"
    yield f"    roleName: {text(role.name + grants.suffix)}"
    yield f"    description: {text(role.says)}"
    yield "    type: 'CustomRole'"
    yield "    permissions: ["
    yield "      {"
    for name, actions in (("actions", role.actions), ("dataActions", role.data_actions)):
        yield f"        {name}: ["
        yield from (f"          {text(action)}" for action in actions)
        yield "        ]"
    yield "        notActions: []"
    yield "        notDataActions: []"
    yield "      }"
    yield "    ]"
    yield f"    assignableScopes: union([{', '.join(scopes)}], [])"
    yield "  }"
    yield "}"


def _deployment(grants: Grants, where: str, assignments: list[Assignment], number: int) -> Iterator[str]:
    parameter = where[1:-1] if where.startswith("{") else ""
    subscription, group = (
        (f"split({parameter}, '/')[2]", f"split({parameter}, '/')[4]")
        if parameter
        else (text(where.split("/")[2]), text(where.split("/")[4]))
    )
    yield f"resource of_{number} 'Microsoft.Resources/deployments@2022-09-01' = {{"
    yield f"  name: 'slipway-roles-${{uniqueString({parameter or text(where)}, principalId)}}'"
    yield f"  subscriptionId: {subscription}"
    yield f"  resourceGroup: {group}"
    used = sorted({role_symbol(each.role) for each in assignments if not each.role.built_in})
    yield "  dependsOn: ["
    yield from (f"    {each}" for each in used)
    yield "  ]"
    yield "  properties: {"
    yield "    mode: 'Incremental'"
    yield "    template: {"
    yield f"      '$schema': {text(_SCHEMA)}"
    yield "      contentVersion: '1.0.0.0'"
    yield "      resources: ["
    for each in assignments:
        yield from (f"        {line}" for line in _assignment(grants, each))
    yield "      ]"
    yield "    }"
    yield "  }"
    yield "}"


def _assignment(grants: Grants, each: Assignment) -> Iterator[str]:
    name, rest = scope_of(each)
    relative = rest.split("/providers/", 1)[1] if "/providers/" in rest else ""
    below = "/" + text(rest)[1:-1].removeprefix("/") if rest else ""
    scope = f"'${{join(skip(split({name}, '/'), 6), '/')}}{below}'" if name else text(relative)
    whole = f"'${{{name}}}{below}'" if name else text(rest)
    # A custom role has one id in the tenant, and a path in each subscription.
    there = f"${{split({name}, '/')[2]}}" if name else rest.split("/")[2]
    guid = grants.role_id(each.role)
    definition = f"'/subscriptions/{there}/providers/Microsoft.Authorization/roleDefinitions/{guid}'"
    yield from (f"// {line}" for line in comments(each))
    yield "{"
    yield "  type: 'Microsoft.Authorization/roleAssignments'"
    yield "  apiVersion: '2022-04-01'"
    yield f"  name: guid({whole}, principalId, {text(grants.role_id(each.role))})"
    if name or relative:
        yield f"  scope: {scope}"
    yield "  properties: {"
    yield f"    roleDefinitionId: {definition}"
    yield "    principalId: principalId"
    yield "    principalType: 'ServicePrincipal'"
    yield "  }"
    yield "}"
