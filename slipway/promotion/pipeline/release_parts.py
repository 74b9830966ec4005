"""`configuration` and `flags` of a stage: what belongs to a release beside its code."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, WithJsonSchema

from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.flag import FlagName
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish

MOST_FLAGS = 10
_OF_A_LABEL, _OF_A_FLAG = ("version", "service", "environment"), ("environment",)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
_KEYS = re.compile(r"(\*|[^\x00-\x20\x7f*,\\%][^\x00-\x1f\x7f*,\\%]{0,199}\*?)\Z")  # App Configuration's own words


def _label(text: str) -> str:
    found = _filled(text, _OF_A_LABEL)
    if "version" not in found:
        words = f"{quoted(text)} is the same for every build, so a rollback could not bring the settings back"
        raise refusal("INVALID_LABEL", f"{words}; put {{version}} into it")
    return text


def _label_of_flag(text: str) -> str:
    _filled(text, _OF_A_FLAG)
    return text


def _filled(text: str, can: tuple[str, ...]) -> list[str]:
    """The placeholders of a label."""
    found: list[str] = _PLACEHOLDER.findall(text)
    for placeholder in found:
        if placeholder not in can:
            suggestion = nearest(placeholder, can)
            known = ", ".join(f"{{{each}}}" for each in can)
            words = f"{quoted('{' + placeholder + '}')} cannot be filled in; {known} can"
            raise refusal("UNKNOWN_PLACEHOLDER", words, f"{{{suggestion}}}" if suggestion else "")
    if not _LABEL.match(_PLACEHOLDER.sub("x", text)):
        words = f"{quoted(text)} is not a label: letters, digits, dots, hyphens, underscores and plus signs"
        raise refusal("INVALID_LABEL", words)
    return found


def _keys(text: str) -> str:
    if _KEYS.match(text):
        return text
    words = f"{quoted(text)} is not a filter of keys: one key, or its beginning and a *, as in checkout:*"
    raise refusal("INVALID_KEY_FILTER", words)


VersionedLabel = Annotated[
    str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": r"^.*\{version\}.*$"})
]
FlagLabel = Annotated[str, AfterValidator(_label_of_flag), WithJsonSchema({"type": "string"})]
KeyFilter = Annotated[str, AfterValidator(_keys), WithJsonSchema({"type": "string", "pattern": r"^[^,\\%]+$"})]


class Configuration(Section):
    """Where the settings of each build lie in App Configuration: a service reads those of its own version."""

    called: ClassVar[str] = "a configuration"

    label: VersionedLabel = key("The label of a build's settings: {version}, perhaps with {environment}, {service}.")
    key_filter: KeyFilter = key("Which of the settings with that label: checkout:*, or * for all.", "*")

    @property
    def plan(self) -> ConfigurationPlan:
        return ConfigurationPlan(self.label, self.key_filter)


class SwitchedFlag(Section):
    """A feature flag that is switched for everybody once the release is live."""

    called: ClassVar[str] = "a flag of a release"

    name: FlagName = key("The flag's name in App Configuration.")
    label: FlagLabel | None = key("Its label there, perhaps with {environment}; none when left out.", None)
    on: bool = key("On for everybody, or off.", True, strict=True)

    def wish(self, environment: str, owner: str, service: str) -> FlagWish:
        return FlagWish(self.name, (self.label or "").replace("{environment}", environment), self.on, owner, service)
