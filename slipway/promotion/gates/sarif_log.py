"""What a gate reads of a SARIF log, by its schema (2.1.0). Results stay as they are written until each has its turn."""

from typing import Any, Literal

from msgspec import Raw, Struct

Level = Literal["", "none", "note", "warning", "error"]


class Configuration(Struct, gc=False):
    level: Level = ""


class Rule(Struct, rename="camel", gc=False):
    id: str = ""
    default_configuration: Configuration | None = None


class Component(Struct, rename="camel"):
    name: str = ""
    version: str | None = None
    rules: list[Rule] | None = None


class Tool(Struct):
    driver: Component
    extensions: list[Component] | None = None


class Invocation(Struct, rename="camel"):
    execution_successful: bool | None = None


class Revision(Struct, rename="camel"):
    revision_id: str = ""


class Message(Struct, gc=False):
    text: str = ""
    id: str = ""


class Region(Struct, rename="camel", gc=False):
    start_line: int = 0
    snippet: Message | None = None


class Artifact(Struct, gc=False):
    uri: str = ""


class Physical(Struct, rename="camel", gc=False):
    artifact_location: Artifact | None = None
    region: Region | None = None
    context_region: Region | None = None


class Location(Struct, rename="camel", gc=False):
    physical_location: Physical | None = None


class Suppression(Struct, gc=False):
    status: str | None = None


class ComponentReference(Struct, gc=False):
    index: int = -1


class RuleReference(Struct, rename="camel", gc=False):
    id: str = ""
    index: int = -1
    tool_component: ComponentReference | None = None


class Result(Struct, rename="camel", gc=False):
    """One finding, or a check without one (`kind`)."""

    rule_id: str = ""
    rule_index: int = -1
    rule: RuleReference | None = None
    kind: str = ""
    level: Level = ""
    message: Message | None = None
    locations: list[Location] | None = None
    fingerprints: dict[str, str] | None = None
    partial_fingerprints: dict[str, str] | None = None
    suppressions: list[Suppression] | None = None
    baseline_state: str = ""

    @property
    def is_suppressed(self) -> bool:
        """Suppressed by all that was said of it: one that waits for review, or was turned down, is none."""
        return bool(self.suppressions) and all(each.status in (None, "accepted") for each in self.suppressions or ())

    @property
    def _first(self) -> Physical | None:
        return self.locations[0].physical_location if self.locations else None

    @property
    def uri(self) -> str:
        first = self._first
        return first.artifact_location.uri if first and first.artifact_location else ""

    @property
    def place(self) -> str:
        """`file:line` for people."""
        line = self._first.region.start_line if self._first and self._first.region else 0
        return f"{self.uri}:{line}" if line else self.uri

    @property
    def context(self) -> str:
        """The code around it, however it is indented; else what is said of it."""
        first = self._first
        for region in (first.context_region, first.region) if first else ():
            if region and region.snippet and region.snippet.text:
                return " ".join(region.snippet.text.split())
        return (self.message.text or self.message.id) if self.message else ""


_NAMES = {
    "external": "externalPropertyFileReferences",
    "version_control_provenance": "versionControlProvenance",
}


class Run(Struct, rename=_NAMES):
    tool: Tool
    results: list[Raw] | None = None
    invocations: list[Invocation] | None = None
    version_control_provenance: list[Revision] | None = None
    external: dict[str, Any] | None = None


class Log(Struct):
    version: str
    runs: list[Run]


class Rules:
    """The rules of a tool and of its extensions, which a result names by an id, by a place, or by both."""

    def __init__(self, tool: Tool) -> None:
        self._components = [tool.driver, *(tool.extensions or [])]
        self._by_id = {rule.id: rule for each in reversed(self._components) for rule in each.rules or []}

    def name(self, result: Result) -> str:
        """The id of the rule that a result is of; empty where nobody says it."""
        named = result.rule_id or (result.rule.id if result.rule else "")
        found = None if named else self._placed(result)
        return found.id if found else named

    def level(self, result: Result) -> str:
        """Of a result that names none: its rule's, else what the format says."""
        named = self.name(result)
        # `CA2101/Base` is a sub-rule of `CA2101`
        found = self._placed(result) or self._by_id.get(named) or self._by_id.get(named.rpartition("/")[0])
        return (found.default_configuration.level if found and found.default_configuration else "") or "warning"

    def _placed(self, result: Result) -> Rule | None:
        reference = result.rule
        at = result.rule_index if result.rule_index >= 0 or not reference else reference.index
        component = reference.tool_component.index + 1 if reference and reference.tool_component else 0
        if not 0 <= component < len(self._components):
            return None
        rules = self._components[component].rules or []
        return rules[at] if 0 <= at < len(rules) else None
