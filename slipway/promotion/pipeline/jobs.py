"""`tests` and `migrate`: Container Apps jobs that a stage runs, each a team's own image."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Tag, WithJsonSchema

from slipway.promotion.job_plan import JobPlan, JobTest, Migration
from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.telemetry import Workspace
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import Name

MOST_TESTS = 3
MOST_ARGS, MOST_VARIABLES = 20, 30
_JOB = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
    r"Microsoft\.App/jobs/[a-z](?:-?[a-z0-9]){0,31}\Z",
    re.IGNORECASE | re.ASCII,
)
_IMAGE = re.compile(
    r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})\Z"
)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_OURS = re.compile(r"(SLIPWAY_|TARGET_)", re.IGNORECASE)
_SECRET = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,250}[a-z0-9])?\Z")


def _job(text: str) -> str:
    if _JOB.match(text):
        return text
    raise refusal(
        "INVALID_RESOURCE",
        f"{quoted(text)} is not the resource id of a Container Apps job: /subscriptions/<guid>/resourceGroups/"
        "<group>/providers/Microsoft.App/jobs/<name>",
    )


def _image(text: str) -> str:
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in ("service", "version"):
            suggestion = nearest(placeholder, ("service", "version"))
            words = f"{quoted('{' + placeholder + '}')} cannot be filled in; {{service}} and {{version}} can"
            raise refusal("UNKNOWN_PLACEHOLDER", words, f"{{{suggestion}}}" if suggestion else "")
    if not _IMAGE.match(_PLACEHOLDER.sub("x", text)):
        words = f"{quoted(text)} is not an image with its tag; write registry.example/app-tests:{{version}}"
        raise refusal("INVALID_ARTIFACT", words)
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.match(text):
        raise refusal("INVALID_NAME", f"{quoted(text)} is not the name of a variable: letters, digits and underscores")
    if _OURS.match(text):
        raise refusal("DOES_NOT_RUN", f"{quoted(text)} is set by Slipway itself; take it out")
    return text


def _secret(text: str) -> str:
    if not _SECRET.match(text):
        words = "this is not the name of a secret of a job: small letters, digits, hyphens and dots"
        raise refusal("INVALID_SECRET_NAME", words)
    return text


def _text(written: Any) -> str:
    if not isinstance(written, str):
        raise refusal("WRONG_TYPE", "a variable's value is text (in quotes), or {secret: <name>}")
    if len(written) > 2000:
        raise refusal("TOO_MANY", f"a variable's value has at most 2000 characters; this one has {len(written)}")
    return written


def _written_as(written: Any) -> str:
    return "reference" if isinstance(written, dict | BaseModel) else "literal"


class JobSecret(Section):
    """A secret that the job itself has; its value never leaves the job."""

    called: ClassVar[str] = "a reference to a job's secret"

    secret: Annotated[str, AfterValidator(_secret)] = key("Name of the secret among the job's own.")


JobId = Annotated[
    str,
    AfterValidator(_job),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/[Mm]icrosoft.[Aa]pp/jobs/[^/]+$"}),
]
JobImage = Annotated[str, AfterValidator(_image), WithJsonSchema({"type": "string", "pattern": r"^[^/]+/.*[:@].+$"})]
Variable = Annotated[
    str, AfterValidator(_variable), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$"})
]
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string", "maxLength": 2000})]
Value = Annotated[Annotated[Text, Tag("literal")] | Annotated[JobSecret, Tag("reference")], Discriminator(_written_as)]
Environment = dict[Variable, Value]
Argument = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string"})]
JobWindow = Annotated[float, BeforeValidator(between("1s", "6h")), DURATION_SCHEMA]


class Tests(Section):
    """Tests in a container of the team: they pass when it exits with 0."""

    called: ClassVar[str] = "tests"

    name: Name | None = key("What they are called; tests when left out.", None)
    job: JobId = key("Resource id of the Container Apps job that runs them.")
    image: JobImage | None = key("Image that runs instead of the job's own, perhaps with {version}.", None)
    args: list[Argument] = key("Arguments instead of the job's own.", [], max_length=MOST_ARGS)
    env: Environment = key("More variables: text, or {secret: <name>} of the job.", {}, max_length=MOST_VARIABLES)
    within: JobWindow = key("How long they may take; then they are stopped.", "10m")
    once: bool = key("Once for the stage, not for each target.", False, strict=True)
    workspace: Workspace | None = key("Id of the Log Analytics workspace that has their log; else Slipway's.", None)

    def test(self, name: str) -> JobTest:
        return JobTest(name, _plan(self), tuple(self.args), self.once)


class Migrate(Section):
    """The change of a database around a release: expanded before it, contracted once the one before is gone."""

    called: ClassVar[str] = "a migration"

    job: JobId = key("Resource id of the Container Apps job that migrates the database.")
    image: JobImage | None = key("Image that runs instead of the job's own, perhaps with {version}.", None)
    expand: list[Argument] = key("Its arguments before a deployment.", min_length=1, max_length=MOST_ARGS)
    contract: list[Argument] = key("Its arguments once the release before is gone.", [], max_length=MOST_ARGS)
    env: Environment = key("More variables: text, or {secret: <name>} of the job.", {}, max_length=MOST_VARIABLES)
    within: JobWindow = key("How long each may take; then it is stopped.", "15m")
    workspace: Workspace | None = key("Id of the Log Analytics workspace that has its log; else Slipway's.", None)

    @property
    def plan(self) -> Migration:
        return Migration(_plan(self), tuple(self.expand), tuple(self.contract))


def _plan(written: Tests | Migrate) -> JobPlan:
    return JobPlan(
        job=written.job,
        image=written.image or "",
        env={name: value for name, value in written.env.items() if isinstance(value, str)},
        secrets={name: value.secret for name, value in written.env.items() if isinstance(value, JobSecret)},
        within_s=written.within,
        workspace=written.workspace or "",
    )
