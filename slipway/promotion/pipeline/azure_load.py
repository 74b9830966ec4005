"""`azure:` of a load test: the test of a load testing resource that is run."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema, model_validator

from slipway.promotion.load_runs.plan import AIMS, IGNORED, PLACEHOLDERS, REQUIRED, USUAL_ENV, LoadRunPlan
from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

_RESOURCE = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
    r"Microsoft\.LoadTestService/loadTests/[a-z0-9][-\w]{0,63}\Z",
    re.IGNORECASE | re.ASCII,
)
_TEST = re.compile(r"[a-z0-9_-]{2,50}\Z")
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")


def _resource(text: str) -> str:
    if _RESOURCE.match(text):
        return text
    raise refusal(
        "INVALID_RESOURCE",
        f"{quoted(text)} is not the resource id of a load testing resource: /subscriptions/<guid>/resourceGroups/"
        "<group>/providers/Microsoft.LoadTestService/loadTests/<name>",
    )


def _test(text: str) -> str:
    if _TEST.match(text):
        return text
    words = f"{quoted(text)} is not the id of a test: 2 to 50 small letters, digits, hyphens and underscores"
    raise refusal("INVALID_NAME", words)


def _value(text: str) -> str:
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in PLACEHOLDERS:
            suggestion = nearest(placeholder, PLACEHOLDERS)
            words = f"{quoted('{' + placeholder + '}')} cannot be filled in; {{host}}, {{address}} and {{version}} can"
            raise refusal("UNKNOWN_PLACEHOLDER", words, f"{{{suggestion}}}" if suggestion else "")
    return text


LoadTesting = Annotated[
    str,
    AfterValidator(_resource),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/[Ll]oad[Tt]ests/[^/]+$"}),
]
TestId = Annotated[str, AfterValidator(_test), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9_-]{2,50}$"})]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
VariableValue = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_value)]
RunWindow = Annotated[float, BeforeValidator(between("5m", "24h")), DURATION_SCHEMA]
Criteria = Annotated[str, BeforeValidator(choice(REQUIRED, IGNORED)), choice_schema(REQUIRED, IGNORED)]


class AzureLoad(Section):
    """A test of Azure Load Testing. Its script asks its environment where the release is."""

    called: ClassVar[str] = "an Azure load"

    resource: LoadTesting = key("Resource id of the load testing resource.")
    test: TestId = key("Id of the test there.")
    env: dict[VariableName, VariableValue] = key(
        "Variables for the test's script; {host}, {address} and {version} are those of the release.",
        USUAL_ENV,
        min_length=1,
        max_length=20,
    )

    @model_validator(mode="after")
    def _is_aimed(self) -> Self:
        named = {name for text in self.env.values() for name in _PLACEHOLDER.findall(text)}
        if not named & set(AIMS):
            words = "no variable says where the release is, so the load would go elsewhere: put {host} into one"
            raise refusal("LOAD_NOT_AIMED", words)
        return self

    @property
    def name(self) -> str:
        """The test's id in the letters of our names."""
        return LoadRunPlan(self.resource, self.test).name
