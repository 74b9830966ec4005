"""Names of what is generated, made of what pipelines call things: letters, digits and underscores alone."""

import re
from collections.abc import Iterator

from slipway.promotion.rights.grants import Assignment, Grants
from slipway.promotion.rights.role import Role, Unknown


def symbol(text: str) -> str:
    """`workspace-6a1f…` as `workspace_6a1f…`: a name in Bicep, Terraform and a shell."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_")
    return plain if plain[:1].isalpha() else f"x_{plain}"


def role_symbol(role: Role) -> str:
    return symbol(role.name).removeprefix("Slipway_").lower()


def comments(each: Assignment) -> Iterator[str]:
    """Why, a line each, without what would end a comment."""
    for why in each.why:
        yield "".join(letter if letter.isprintable() else "?" for letter in why)


def after(grants: Grants) -> list[str]:
    """What a person does then, in words."""
    told = ["Whoever runs this needs Role Based Access Control Administrator (or Owner) where the roles are given."]
    if grants.unknown:
        names = ", ".join(symbol(each.name) for each in grants.unknown)
        told.append(f"Name what pipelines do not: {names}.")
    if any(each.role.built_in for each in grants.assignments):
        told.append("The role inside clusters counts only where they use Azure RBAC for Kubernetes (docs/aks.md).")
    if any(each.role.name == "Slipway on deployment stacks" for each in grants.assignments):
        told.append("Stacks need what their resources take beside this, which only their templates know.")
    told.append("Then wait some minutes: assignments take so long. When pipelines change, run it again.")
    return told


def scope_of(each: Assignment) -> tuple[str, str]:
    """The parameter that stands for its place, empty where that is known, and the rest of the id."""
    if isinstance(each.place, Unknown):
        return symbol(each.place.name), each.place.below
    return "", each.place
