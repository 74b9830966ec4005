"""Evidence as a build message, or somebody later, gives it: where it lies, or itself."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from slipway.promotion.outcomes import iso

KINDS = ("tests", "coverage", "sarif", "sbom", "provenance")
_OF_EVIDENCE = ("inline", "sha256", "produced_at")
_NAME = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*\Z")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")


class Evidence(BaseModel):
    """Quality evidence of a build: a `url` to fetch it from, or `inline` text or JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={
        "oneOf": [{"required": ["url"]}, {"required": ["inline"]}]})  # fmt: skip

    url: str = Field("", description="Where it lies, over https.", max_length=2000, pattern=r"^(https://[!-~]+)?$")
    inline: str | dict[str, Any] | None = Field(None, description="The evidence itself: text, or JSON.")
    sha256: str = Field("", description="SHA-256 of it, in hex; another content is refused.",
                        pattern=r"^((sha256:)?[0-9a-f]{64})?$")  # fmt: skip
    produced_at: str = Field("", description="When it was made, ISO 8601 with time zone; else when the build finished.")
    kind: str = Field("", description="What it is, where its name does not say.", max_length=63)

    @field_validator("produced_at")
    @classmethod
    def _is_a_moment(cls, text: str) -> str:
        try:
            return iso(datetime.fromisoformat(text)) if text and _MOMENT.match(text) else _none(text)
        except (ValueError, OverflowError) as error:
            raise PydanticCustomError("refused", "{words}", {"words": f"is not a moment: {error}"}) from error

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if bool(self.url) == (self.inline is not None):
            raise PydanticCustomError("refused", "{words}", {"words": "has either `url` or `inline`"})
        return self

    @property
    def told(self) -> dict[str, Any]:
        """As it travels: what is given."""
        return self.model_dump(exclude_defaults=True)


def is_evidence_name(text: str) -> bool:
    return len(text) <= 63 and _NAME.match(text) is not None


def evidence_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a build message says under `evidence`, with what is evidence in one form: an object with `inline`, `sha256`
    or `produced_at`, or with `url` under the name of a gate's kind. Everything else stays as it is. Raises
    PydanticCustomError."""
    return {name: _read(name, value) if _is_one(name, value) else value for name, value in given.items()}


def _is_one(name: str, value: Any) -> bool:
    told = (*_OF_EVIDENCE, "url") if name in KINDS else _OF_EVIDENCE
    return isinstance(value, dict) and any(key in value for key in told)


def _read(name: str, value: Any) -> dict[str, Any]:
    try:
        return Evidence.model_validate(value).told
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([name, *(str(part) for part in first["loc"][:1])])
        told = first.get("ctx", {}).get("words") or first["msg"]
        raise PydanticCustomError("refused", "{words}", {"words": f"{where[:120]} {told}"}) from error


def _none(text: str) -> str:
    if text:
        raise ValueError(f"{text[:40]!r} is none in ISO 8601 with a time zone")
    return ""
