"""What all mappings of the YAML have in common."""

from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

S = TypeVar("S", bound="Section")


def key(description: str, default: Any = ..., **more: Any) -> Any:
    """A key of the YAML; `default` is given as it would be written."""
    return Field(default, description=description, **more)


class Section(BaseModel):
    """A mapping of the YAML. `called` names it in findings; `meant` is the key behind a word that people try."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    called: ClassVar[str]
    not_running: ClassVar[tuple[str, ...]] = ()
    meant: ClassVar[dict[str, str]] = {}

    @classmethod
    def keys(cls) -> dict[str, type["Section"] | None]:
        """Every key as it is written, with the section below it, directly or in a list or mapping."""
        return {name: next(iter(sections), None) for name, sections in cls._below().items()}

    @classmethod
    def below(cls, key: str) -> list[type["Section"]]:
        """The sections that may stand below a key: several where it takes one of them."""
        return cls._below().get(key, [])

    @classmethod
    def _below(cls) -> dict[str, list[type["Section"]]]:
        return {field.alias or name: _sections(field.annotation) for name, field in cls.model_fields.items()}


def sound(section: type[S], data: object) -> S | None:
    """The section when it can be read; its own errors are reported with the whole pipeline's."""
    try:
        return section.model_validate(data)
    except ValidationError:
        return None


def _sections(annotation: Any) -> list[type[Section]]:
    """The Sections that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for argument in getattr(annotation, "__args__", ()) for section in _sections(argument)]
