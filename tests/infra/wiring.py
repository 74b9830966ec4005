"""What infra says at an address, in either language: `file kind name path`, such as
`azure/main.bicep module roles params.principalId` or `. resource azurerm_role_assignment.run principal_id`.

Bicep's files are paths below infra, Terraform's folders paths below infra/terraform. The path `if` is the condition
under which Bicep makes a thing at all; what is not there is NOTHING.
"""

import json
import re
from pathlib import Path
from typing import Any

from tests.infra import bicep, fits, fits_terraform, terraform
from tests.infra.bicep import Expression

NOTHING = "(nothing)"


class Infra:
    """Both languages of a folder `infra`, read once."""

    def __init__(self, infra: Path) -> None:
        self.path = infra
        below = infra.resolve()
        self._bicep = {path.relative_to(below).as_posix(): each for path, each in fits.files(infra).items()}
        root = (below / "terraform").resolve()
        self._terraform = {
            path.relative_to(root).as_posix(): each
            for path, each in fits_terraform.folders(infra / "terraform").items()
        }

    def at(self, address: str) -> str:
        """What stands there, as `spelled` spells it."""
        where, kind, name, path = [*address.split(), ""][:4]
        if where.endswith(".bicep"):
            return _in_bicep(self._bicep[where], kind, name, path) if where in self._bicep else NOTHING
        return _in_terraform(self._terraform[where], kind, name, path)

    def kinds_of(self, where: str, kind: str) -> set[str]:
        """The names of a kind there."""
        if where.endswith(".bicep"):
            return set(self._bicep[where].of(kind))
        return set(self._terraform[where].of(kind))

    def passed(self, where: str) -> list[tuple[str, str]]:
        """Each parameter that a Bicep file passes, behind the name of its module."""
        modules = self._bicep[where].of("module")
        return [(module, name) for module, each in modules.items() for name in each.value.get("params", {})]

    def settings(self) -> tuple[dict[str, str], dict[str, str]]:
        """Every app setting as Bicep and as Terraform say it, what Terraform's module is given put in its place."""
        ours = self._bicep["azure/main.bicep"].of("var")["settings"].value
        conventions, main = self._terraform["modules/conventions"], self._terraform["."]
        given = main.of("module")["conventions"].arguments
        return (
            {name: spelled(each) for name, each in ours.items()},
            {
                name: _given(spelled(each), given, conventions.locals)
                for name, each in conventions.locals["settings"].items()
            },
        )


def spelled(value: Any) -> str:
    """A literal as JSON, anything else as it is written, its white space made one space."""
    if isinstance(value, Expression):
        return " ".join(value.text.split())
    if isinstance(value, list):
        return f"[{', '.join(spelled(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {spelled(each)}' for key, each in value.items())}}}"
    return json.dumps(value)


def _in_bicep(file: bicep.File, kind: str, name: str, path: str) -> str:
    found = file.of(kind).get(name)
    if found is None:
        return NOTHING
    if path == "if":
        condition = re.search(
            r"^\w+ \w+ '[^']+' (?:existing )?= (?:\[for .*: )?if \((.*)\) \{$", found.text, re.MULTILINE
        )
        return condition[1] if condition else NOTHING
    return _below(found.value, path)


def _in_terraform(folder: terraform.Folder, kind: str, name: str, path: str) -> str:
    if kind == "local":
        return _below(folder.locals.get(name, NOTHING), path)
    found = folder.of(kind).get(name)
    return _of_block(found, path.split(".")) if found else NOTHING


def _of_block(block: terraform.Block, keys: list[str]) -> str:
    """An argument, or one of a block within: `action.action_groups`, `email_receiver.for_each` of a dynamic one."""
    inner = [each for each in block.inner if keys[0] in (each.kind, *each.labels)]
    if inner and len(keys) > 1:
        return _of_block(inner[0], keys[1:])
    return _below(block.arguments, ".".join(keys))


def _below(value: Any, path: str) -> str:
    for key in path.split(".") if path else []:
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else NOTHING
        else:
            value = value.get(key, NOTHING) if isinstance(value, dict) else NOTHING
    return NOTHING if value == NOTHING else spelled(value)


def _given(text: str, given: dict[str, Any], locals_: dict[str, Any]) -> str:
    text = re.sub(r"local\.(scheduler_connection)\b", lambda found: spelled(locals_[found[1]]), text)
    return re.sub(r"\bvar\.(\w+)", lambda found: spelled(given.get(found[1], NOTHING)), text)
