"""The rights as a script of the Azure CLI. Whatever came from a pipeline is quoted for the shell."""

import json
import shlex
from collections.abc import Iterator

from slipway.cli.roles.names import after, comments, scope_of, symbol
from slipway.promotion.rights.grants import Assignment, Grants
from slipway.promotion.rights.role import Role


def script(grants: Grants, principal: str) -> str:
    """`principal`: the object id of Slipway's identity; empty: asked for when it runs."""
    lines = ["#!/usr/bin/env bash", "# Made by `slipway roles --format az`.", "set -euo pipefail", ""]
    lines.append(f"principal={shlex.quote(principal)}" if principal else _asked("principal", "PRINCIPAL", _IDENTITY))
    for each in grants.unknown:
        name = symbol(each.name)
        found = f"$(az {' '.join(map(shlex.quote, each.find))})" if each.find else ""
        lines += [f"# {_plain(each.says)}"]
        if found:
            lines += [f'{name}="${{{name.upper()}:-{found}}}"', f': "${{{name}:?az does not find it}}"']
        else:
            lines.append(_asked(name, name.upper(), each.says))
    for role in grants.roles:
        lines += ["", f"# {role.name + grants.suffix}: {role.says}", *_role(grants, role)]
    for assignment in grants.assignments:
        lines += ["", *(f"# {line}" for line in comments(assignment)), *_assignment(grants, assignment, principal)]
    lines += ["", *(f"# {line}" for line in after(grants))]
    return "\n".join(lines) + "\n"


_IDENTITY = "object id of the identity run"


def _asked(name: str, variable: str, says: str) -> str:
    """A variable that must be set before: the script ends with words where it is not."""
    return f'{name}="${{{variable}:?{_plain(says)}}}"'


def _plain(text: str) -> str:
    """Without what means something to a shell, or ends a comment."""
    return "".join(letter for letter in text if letter.isalnum() or letter in " -_./'").replace("'", "")


def _role(grants: Grants, role: Role) -> Iterator[str]:
    groups = [shlex.quote(group) for group in grants.groups_of(role)]
    groups += [f'"$(cut -d/ -f1-5 <<<"${symbol(name)}")"' for name in grants.unknown_of(role)]
    definition = {
        "Name": role.name + grants.suffix,
        "Id": grants.role_id(role),
        "IsCustom": True,
        "Description": role.says,
        "Actions": list(role.actions),
        "DataActions": list(role.data_actions),
        "AssignableScopes": [],
    }
    open, closed = (shlex.quote(part) for part in (json.dumps(definition)[:-2], "]}"))
    yield f"scopes=$(printf '\"%s\"\\n' {' '.join(groups)} | sort -u | paste -sd, -)"
    yield f'definition={open}"$scopes"{closed}'
    exists = f"az role definition list --custom-role-only --name {shlex.quote(grants.role_id(role))} --query '[].name'"
    yield f'if [ -n "$({exists} --output tsv)" ]; then verb=update; else verb=create; fi'
    yield 'az role definition "$verb" --role-definition "$definition" --output none'


def _assignment(grants: Grants, each: Assignment, principal: str) -> Iterator[str]:
    name, rest = scope_of(each)
    scope = f'"${name}"{shlex.quote(rest) if rest else ""}' if name else shlex.quote(rest)
    id = f" --name {each.id(principal)}" if principal and not name else ""
    yield (
        f'az role assignment create{id} --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal '
        f"--role {shlex.quote(grants.role_id(each.role))} --scope {scope} --output none"
    )
