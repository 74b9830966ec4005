"""The sections that describe targets of the kinds where a release is planned first: `stack` of `bicep`, `pointer` of
`configuration`, `terraform` of `terraform`."""

import json
import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import key
from slipway.promotion.pipeline.target_section import TargetSection
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import Image, choice, choice_schema

MOST_PARAMETERS = 16 * 1024  # bytes of JSON: they travel with the plan
ALLOW, REFUSE = "allow", "refuse"
_DENY, _UNMANAGED, _DELETES = ("none", "denyDelete", "denyWriteAndDelete"), ("detach", "delete"), (REFUSE, ALLOW)


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if not isinstance(value, str | int | float | bool):
            words = (
                f"the parameter {quoted(name)} is no text, number, true or false; put it into the file of parameters"
            )
            raise refusal("WRONG_TYPE", words)
    if len(json.dumps(given)) > MOST_PARAMETERS:
        words = f"parameters are more than {MOST_PARAMETERS // 1024} KiB; put them into a file of parameters"
        raise refusal("INVALID_VALUE", words)
    return given


Parameters = Annotated[
    dict[str, Any],
    AfterValidator(_parameters),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
]
_POINTER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,98}[A-Za-z0-9])?\Z")


def _pointer(text: str) -> str:
    if not _POINTER.match(text):
        words = f"{quoted(text)} is not the key or label of a pointer: letters, digits and . _ : / - between them"
        raise refusal("INVALID_NAME", words)
    return text


PointerText = Annotated[str, AfterValidator(_pointer)]
Deny = Annotated[str, BeforeValidator(choice(*_DENY)), choice_schema(*_DENY)]
Unmanaged = Annotated[str, BeforeValidator(choice(*_UNMANAGED)), choice_schema(*_UNMANAGED)]
RunWindow = Annotated[float, BeforeValidator(between("10s", "1d")), DURATION_SCHEMA]
Deletes = Annotated[str, BeforeValidator(choice(*_DELETES)), choice_schema(*_DELETES)]


class Stack(TargetSection):
    """How a deployment stack is applied."""

    called: ClassVar[str] = "a stack"

    parameters: Parameters = key("Parameters of the template; they come over those of the artifact's file.", {})
    deny: Deny = key(
        "What nobody else may do to the stack's resources: none, denyDelete or denyWriteAndDelete.", "none"
    )
    unmanaged: Unmanaged = key("What becomes of resources that the template has no more: detach or delete.", "detach")
    deletes: Deletes = key("Whether a release that deletes resources may be promoted at all: refuse or allow.", REFUSE)

    @model_validator(mode="after")
    def _has_something_to_allow(self) -> Self:
        if self.deletes == ALLOW and self.unmanaged != "delete":
            raise refusal(
                "CONFLICTING_KEYS", "where unmanaged resources are detached nothing is deleted: take `deletes` out"
            )
        return self


class Pointer(TargetSection):
    """The setting that names the snapshot which applications read."""

    called: ClassVar[str] = "a pointer"

    name: PointerText = key("Key of the setting that names a release's snapshot, as in shop/release.", alias="key")
    label: PointerText | None = key("Its label; none when left out.", None)

    @property
    def within(self) -> str:
        return f"{self.name}@{self.label}" if self.label else self.name


class Terraform(TargetSection):
    """A job of the team's own image, which plans and applies."""

    called: ClassVar[str] = "a terraform section"

    image: Image | None = key("Image of each build, as registry.example/infra:{version}; else the job's own.", None)
    run_within: RunWindow = key("How long a plan or an apply may take.", "10m", alias="within")
    deletes: Deletes = key("Whether a release that destroys resources may be promoted at all: refuse or allow.", REFUSE)
