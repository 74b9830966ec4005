"""What a template says: its resources with their parameters filled in, and how they differ from those that there are.

Of the language's expressions only `[parameters('name')]`, alone in a text, is known; anything else is refused by name,
as is a nested deployment. Pure.
"""

import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
_PARAMETER = re.compile(r"\[parameters\('([^']+)'\)\]")
_OURS = ("apiVersion", "type", "name", "id", "dependsOn", "comments")


class InvalidTemplate(Exception):
    """`code` as Azure's."""

    def __init__(self, message: str, code: str = "InvalidTemplate") -> None:
        super().__init__(message)
        self.code = code


def resources_of(template: Document, parameters: Document, group: str) -> dict[str, Document]:
    """The resources by their ids."""
    declared = template.get("resources")
    listed = list(declared.values()) if isinstance(declared, dict) else declared
    if not isinstance(listed, list) or "$schema" not in template:
        raise InvalidTemplate("The template has no '$schema' or no 'resources'.")
    values = _values(template.get("parameters") or {}, parameters)
    found: dict[str, Document] = {}
    for each in (_filled(resource, values) for resource in listed):
        if not all(isinstance(each.get(key), str) for key in ("type", "name", "apiVersion")):
            raise InvalidTemplate("A resource has no 'type', 'name' or 'apiVersion'.")
        if each["type"].lower() == "microsoft.resources/deployments":
            raise InvalidTemplate("Nested deployments are not in this stand-in.")
        found[id_of(group, each["type"], each["name"])] = each
    return found


def id_of(group: str, type: str, name: str) -> str:
    namespace, *types = type.split("/")
    names = name.split("/")
    if len(types) != len(names):
        raise InvalidTemplate(f"The name '{name}' has not as many parts as the type '{type}'.")
    parts = "/".join(f"{kind}/{each}" for kind, each in zip(types, names, strict=True))
    return f"{group}/providers/{namespace}/{parts}"


def body_of(resource: Document) -> Document:
    """What of a resource can change."""
    return {key: value for key, value in resource.items() if key not in _OURS}


def delta(before: Any, after: Any, path: str = "") -> Iterator[Document]:
    """The innermost properties that differ, as a what-if names them. What only the present state has is left alone."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in after.items():
            yield from delta(before.get(key), value, f"{path}.{key}" if path else key)
    elif before is None and after is not None:
        yield {"path": path, "changeType": "create", "after": after}
    elif before != after:
        yield {"path": path, "changeType": "modify", "before": before, "after": after}


def _values(declared: Document, given: Document) -> Document:
    if unknown := sorted(given.keys() - declared.keys()):
        raise InvalidTemplate(
            f"The following parameters were supplied, but do not correspond to any parameters defined in the template: "
            f"'{', '.join(unknown)}'."
        )
    values: Document = {}
    for name, each in declared.items():
        value = given.get(name, {})
        if "reference" in value:
            values[name] = "*******"
        elif "value" in value or "defaultValue" in each:
            values[name] = value.get("value", each.get("defaultValue"))
        else:
            raise InvalidTemplate(f"The value for the template parameter '{name}' is not provided.")
    return values


def _filled(written: Any, values: Document) -> Any:
    if isinstance(written, dict):
        return {key: _filled(value, values) for key, value in written.items()}
    if isinstance(written, list):
        return [_filled(value, values) for value in written]
    if not isinstance(written, str) or not written.startswith("[") or written.startswith("[["):
        return written
    found = _PARAMETER.fullmatch(written)
    if found is None:
        raise InvalidTemplate(f"The expression {written} is not in this stand-in: only [parameters('name')] is.")
    if found[1] not in values:
        raise InvalidTemplate(f"The template parameter '{found[1]}' is not found.")
    return values[found[1]]
