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
        return {field.alias or name: _section(field.annotation) for name, field in cls.model_fields.items()}


def sound(section: type[S], data: object) -> S | None:
    """The section when it can be read; its own errors are reported with the whole pipeline's."""
    try:
        return section.model_validate(data)
    except ValidationError:
        return None


def _section(annotation: Any) -> type[Section] | None:
    """The first Section that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_section(argument) for argument in getattr(annotation, "__args__", ()))
    return next((section for section in inner if section), None)
