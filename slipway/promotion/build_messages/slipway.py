"""Slipway's own build message."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from slipway.promotion.build import Build
from slipway.promotion.build_messages.evidence import evidence_in
from slipway.promotion.errors import BuildRejected
from slipway.promotion.groups import MOST_MEMBERS, digest_of_members
from slipway.promotion.ids import MOST_RUNS, is_name, is_version

LARGEST_EVIDENCE = 32 * 1024
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)


def _refusal(words: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{words}", {"words": words})


def _service(value: Any) -> Any:
    if isinstance(value, str) and not is_name(value):
        raise _refusal("is not a name: up to 63 small letters and digits, with single hyphens between")
    return value


def _version(value: Any) -> Any:
    if isinstance(value, str) and not is_version(value):
        raise _refusal("is not a version: up to 64 letters, digits and . _ + -, beginning with a letter or digit")
    return value


def _finished_at(value: Any) -> datetime:
    form = _MOMENT.match(value) if isinstance(value, str) else None
    if form is None:
        raise _refusal("is not a moment in ISO 8601 such as 2026-03-01T09:30:00Z")
    if form["zone"] is None:
        raise _refusal("has no time zone; end it with Z or an offset such as +01:00")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refusal(f"is not a moment: {error}") from error


def _members(value: Any) -> Any:
    if isinstance(value, dict) and len(value) > MOST_MEMBERS:
        raise _refusal(f"names {len(value)} members; a group has at most {MOST_MEMBERS}")
    return value


def _evidence(value: Any) -> Any:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_EVIDENCE:
        words = f"has {size} bytes; at most {LARGEST_EVIDENCE} are kept: give what is larger by its address"
        raise _refusal(f"{words} (url)")
    return evidence_in(value) if isinstance(value, dict) else value


Service = Annotated[
    str,
    BeforeValidator(_service),
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 63}),
]
Version = Annotated[
    str,
    BeforeValidator(_version),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$"}),
]
FinishedAt = Annotated[
    datetime, BeforeValidator(_finished_at), WithJsonSchema({"type": "string", "format": "date-time"})
]
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


SchemaVersion = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class DatabaseSchema(BaseModel):
    """The versions of the database that the build's code runs on, and those to which its migration brings it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: SchemaVersion = Field(alias="from", description="The oldest version of the database that the code runs on.")
    last: SchemaVersion = Field(alias="to", description="The newest version that it is known to run on.")
    expand: SchemaVersion | None = Field(None, description="The version that its migration expands the database to.")
    contract: SchemaVersion | None = Field(None, description="The version that it contracts it to, at last.")

    @model_validator(mode="after")
    def _its_code_runs_on_it(self) -> Self:
        steps = [self.first, *(each for each in (self.expand, self.contract) if each), self.last]
        if steps != sorted(steps):
            raise _refusal("has to rise from `from` over `expand` and `contract` to `to`")
        if self.expand and self.expand == self.contract:
            raise _refusal("expands and contracts to one version, which says nothing of what is taken away")
        return self

    @property
    def told(self) -> dict[str, int]:
        given = {"from": self.first, "to": self.last, "expand": self.expand, "contract": self.contract}
        return {key: version for key, version in given.items() if version}


class SlipwayBuild(BaseModel):
    """A build that CI finished, as CI tells it."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Slipway build message")

    service: Service = Field(description="The service that was built; its pipeline has the same name.")
    version: Version = Field(description="The build's version; never used for two different builds.")
    commit: str = Field(description="The commit that was built.", max_length=100, pattern=PRINTABLE)
    branch: str = Field(description="The branch that was built.", max_length=250, pattern=PRINTABLE)
    author: str = Field(description="CI's name for the commit's author.", max_length=200, pattern=PRINTABLE)
    finished_at: FinishedAt = Field(
        description="When CI finished the build, with time zone; orders a service's builds."
    )
    result: Literal["succeeded", "partially-succeeded", "failed", "canceled"] = Field(
        "succeeded", description="How the build ended; only succeeded ones are promoted."
    )
    digest: str = Field(
        "", description="SHA-256 of the package, when CI knows it.", pattern=r"^(sha256:[0-9a-f]{64})?$"
    )
    evidence: Annotated[dict[str, Any], BeforeValidator(_evidence)] = Field(
        default_factory=dict,
        description="Quality evidence by its name: {url | inline, sha256?, produced_at?}; at most 32 KB of JSON.",
    )
    members: Annotated[dict[Service, Version], BeforeValidator(_members)] = Field(
        default_factory=dict, description="Of a group: the version of each of its members, by service."
    )
    database: DatabaseSchema | None = Field(
        None, alias="schema", description="The versions of its database that the build's code runs on."
    )
    hotfix: str = Field(
        "",
        description="Why the build is a hotfix, which enters through freezes that except hotfixes.",
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]*$",
    )
    run: int = Field(
        1, description="2 and more: promoted once more, because a person said so.", ge=1, le=MOST_RUNS, strict=True
    )


_FIELDS = [field.alias or name for name, field in SlipwayBuild.model_fields.items()]


def parse_slipway_build(message: dict[str, Any]) -> Build:
    """The build that the message tells of. Raises BuildRejected INVALID_BUILD, naming every wrong field."""
    try:
        told = SlipwayBuild.model_validate(message)
    except ValidationError as invalid:
        wrong = "; ".join(_wrong(error) for error in invalid.errors(include_url=False)[:10])
        raise BuildRejected("INVALID_BUILD", wrong) from invalid
    fields = {name: value for name, value in dict(told).items() if name != "database"}
    build = Build(**fields, source="slipway", schema=told.database.told if told.database else {})
    if not build.members:
        return build
    # Another composition under the same version is another build, as another artifact would be.
    digest = digest_of_members(build.members)
    if build.digest not in ("", digest):
        words = "digest: is none that a group has: its members are built by themselves; leave it out"
        raise BuildRejected("INVALID_BUILD", words)
    return replace(build, digest=digest)


def build_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the message."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SlipwayBuild.model_json_schema()}


def _wrong(error: ErrorDetails) -> str:
    """One error as `version: is missing`."""
    field = str(error["loc"][0])[:60]
    if field in ("members", "schema") and len(error["loc"]) > 1:
        field = f"{field}.{str(error['loc'][1])[:60]}"
    kind, context = error["type"], error.get("ctx", {})
    known = {
        "missing": "is missing",
        "extra_forbidden": f"is not a field; the fields are {', '.join(_FIELDS)}",
        "string_type": "is not text",
        "dict_type": "is not an object",
        "literal_error": f"can be {context.get('expected')}",
        "string_too_long": f"is longer than {context.get('max_length')} characters",
        "refused": context.get("words"),
    }
    if kind == "string_pattern_mismatch":
        return f"{field}: " + (
            "is not sha256: and 64 small hex digits" if field == "digest" else "is empty or holds control characters"
        )
    return f"{field}: {known.get(kind) or error['msg']}"
