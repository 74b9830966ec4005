"""What the parsers of CI systems' events share: models that read what they need of a payload and ignore the rest."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from slipway.promotion.build_messages.slipway import PRINTABLE, FinishedAt
from slipway.promotion.errors import BuildRejected

Message = dict[str, Any]
M = TypeVar("M", bound="Event")
_LINK = re.compile(r"https://[!-~]{1,490}\Z")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Event(BaseModel):
    """A part of a payload. Fields that a later version of it adds are no concern of ours, and a field that is null is
    one that it does not have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, part: Any) -> Any:
        return {name: value for name, value in part.items() if value is not None} if isinstance(part, dict) else part


_LONGEST = 255  # as Git and GitHub have it for a branch
Text = Annotated[str, Field(max_length=_LONGEST, pattern=PRINTABLE)]
Sha = Annotated[str, Field(max_length=100, pattern=PRINTABLE)]
Moment = FinishedAt
MaybeText = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00-\x1f\x7f]*$")]


def read(model: type[M], message: Message) -> M:
    """The payload as `model`. Raises BuildRejected INVALID_BUILD, naming every field that is missing or wrong."""
    try:
        return model.model_validate(message)
    except ValidationError as invalid:
        wrong = "; ".join(_wrong(error) for error in invalid.errors(include_url=False)[:10])
        raise BuildRejected("INVALID_BUILD", wrong) from invalid


def digest_in(*texts: str) -> str:
    """The first that is a SHA-256 digest; empty when none is."""
    return next((text for text in texts if _SHA256.match(text)), "")


def link(said: object) -> str:
    """`said` when it is a web address that can be shown; a bad link is no reason to reject a build."""
    return said if isinstance(said, str) and _LINK.match(said) else ""


def unknown_version(of: str, said: object, known: str) -> BuildRejected:
    """The refusal of an event in a form that did not exist when this was written."""
    return BuildRejected("UNKNOWN_EVENT_VERSION", f"{of} has the version {str(said)[:40]!a}; known is {known}")


def named(**fields: tuple[str, ...] | str) -> dict[str, tuple[str, ...]]:
    """The fields of an origin, without what is empty; `repository_name` is the field `repository-name`."""
    several = {name: (value,) if isinstance(value, str) else value for name, value in fields.items()}
    known = {name: tuple(dict.fromkeys(filter(None, values))) for name, values in several.items()}
    return {name.replace("_", "-"): values for name, values in known.items() if values}


def _wrong(error: ErrorDetails) -> str:
    """One error as `resource.buildNumber: is missing`."""
    path = ".".join(str(part)[:60] for part in error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    known = {
        "missing": "is missing",
        "string_type": "is not text",
        "model_type": "is not an object",
        "string_too_long": f"is longer than {context.get('max_length')} characters",
        "string_pattern_mismatch": "is empty or holds control characters",
        "literal_error": f"can be {context.get('expected')}",
        "refused": context.get("words"),
    }
    return f"{path}: {known.get(kind) or error['msg']}"
