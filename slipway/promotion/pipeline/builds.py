"""`builds`: which CI systems' builds are the service's, each by what it goes by there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from slipway.promotion.claims import USUAL_WORKFLOWS, Claim, Claims, claimed_twice
from slipway.promotion.ids import is_version
from slipway.promotion.pipeline.findings import Finding, nearest, quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.pipeline.vocabulary import Branch, VersionPattern
from slipway.promotion.reported import AZURE_DEVOPS, CDEVENTS, GITHUB, PLACEHOLDER, PLACEHOLDERS, REGISTRY

MOST_BUILDS = 20
_AS_NAMED = {"type": "string", "minLength": 1, "maxLength": 250}


def _template_of(system: str) -> Callable[[str], str]:
    """A reader of a version's template, made of what events of that system say."""
    known = PLACEHOLDERS[system]

    def read(text: str) -> str:
        named = PLACEHOLDER.findall(text)
        shown = ", ".join(f"{{{name}}}" for name in known)
        if unknown := next((name for name in named if name not in known), ""):
            meant = nearest(unknown, known)
            words = f"{quoted('{' + unknown + '}')} cannot be filled in; {shown} can"
            raise refusal("UNKNOWN_PLACEHOLDER", words, f"{{{meant}}}" if meant else "")
        if not named:
            words = f"{quoted(text)} is the same for every build; put one of {shown} into it"
            raise refusal("INVALID_VALUE", words)
        if not is_version(PLACEHOLDER.sub("1", text)):
            raise refusal("INVALID_VALUE", f"{quoted(text)} makes no version: letters, digits and . _ + -")
        return text

    return read


def _template_schema(system: str) -> WithJsonSchema:
    names = "|".join(PLACEHOLDERS[system])
    return WithJsonSchema({"type": "string", "pattern": rf"^.*\{{({names})\}}.*$"})


Named = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$"), WithJsonSchema(_AS_NAMED)]
AzureDevOpsVersion = Annotated[str, AfterValidator(_template_of(AZURE_DEVOPS)), _template_schema(AZURE_DEVOPS)]
GitHubVersion = Annotated[str, AfterValidator(_template_of(GITHUB)), _template_schema(GITHUB)]
RegistryVersion = Annotated[str, AfterValidator(_template_of(REGISTRY)), _template_schema(REGISTRY)]
CDEventsVersion = Annotated[str, AfterValidator(_template_of(CDEVENTS)), _template_schema(CDEVENTS)]


class AzureDevOpsBuilds(Section):
    """Builds of a definition (a pipeline) of Azure DevOps."""

    called: ClassVar[str] = "builds of azure-devops"
    meant: ClassVar[dict[str, str]] = {"pipeline": "definition"}

    project: Named | None = key("The project's name or id; any project when left out.", None)
    definition: Named = key("Name of the build definition, which is the pipeline's name.")
    version: AzureDevOpsVersion | None = key("How a version is made; the build number when left out.", None)
    branch: Branch | None = key("The branch that it builds, where its events do not say one.", None)

    @property
    def claim(self) -> Claim:
        named = _named(project=self.project, definition=self.definition)
        return Claim(AZURE_DEVOPS, named, self.version or "", self.branch or "")


class GitHubBuilds(Section):
    """Runs of a workflow of a GitHub repository, or a package that it publishes."""

    called: ClassVar[str] = "builds of github"

    repository: Named = key("The repository, as owner/name.")
    workflow: Named | None = key(f"The workflow's file or name; {USUAL_WORKFLOWS[0]} when left out.", None)
    package: Named | None = key("Instead of a workflow: the package whose publication is the build.", None)
    version: GitHubVersion | None = key("How a version is made; the run's number, or the package's tag.", None)
    tags: VersionPattern | None = key("Which tags of the package are promoted; * is any text, as in 1.4.*.", None)
    branch: Branch | None = key("The branch that it builds, where its events do not say one.", None)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.workflow and self.package:
            raise refusal("CONFLICTING_KEYS", 'builds of github have either "workflow" or "package"')
        if self.tags and not self.package:
            raise refusal("CONFLICTING_KEYS", '"tags" are those of a "package"; branches stand in `triggers`')
        return self

    @property
    def claim(self) -> Claim:
        workflow = None if self.package else self.workflow or USUAL_WORKFLOWS[0]
        named = _named(repository=self.repository, workflow=workflow, package=self.package)
        return Claim(GITHUB, named, self.version or "", self.branch or "", self.tags or "")


class RegistryBuilds(Section):
    """Images pushed to a repository of a container registry."""

    called: ClassVar[str] = "builds of registry"

    repository: Named = key("The repository within the registry, such as shop/storefront.")
    host: Named | None = key("The registry's host, such as shop.azurecr.io; any when left out.", None)
    tags: VersionPattern | None = key("Which tags are promoted; * is any text. Never latest.", None)
    version: RegistryVersion | None = key("How a version is made; the tag when left out.", None)

    @property
    def claim(self) -> Claim:
        named = _named(repository=self.repository, host=self.host)
        return Claim(REGISTRY, named, self.version or "", tags=self.tags or "")


class CDEventsBuilds(Section):
    """Artifacts of a source of CDEvents."""

    called: ClassVar[str] = "builds of cdevents"

    source: Named = key("The events' source.")
    package: Named | None = key("Name in the artifact's package URL; any of that source when left out.", None)
    version: CDEventsVersion | None = key("How a version is made; the artifact's own when left out.", None)

    @property
    def claim(self) -> Claim:
        return Claim(CDEVENTS, _named(source=self.source, package=self.package), self.version or "")


class Builds(Section):
    """Where builds of the service come from: one CI system."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    called: ClassVar[str] = "an item of builds"

    azure_devops: AzureDevOpsBuilds | None = key("A definition of Azure DevOps.", None, alias="azure-devops")
    github: GitHubBuilds | None = key("A workflow or package of GitHub.", None)
    registry: RegistryBuilds | None = key("A repository of a container registry.", None)
    cdevents: CDEventsBuilds | None = key("A source of CDEvents.", None)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self._given) != 1:
            systems = ", ".join(f'"{name}"' for name in self.keys())
            raise refusal("ONE_SYSTEM_AN_ITEM", f"each item of builds is one of {systems}")
        return self

    @property
    def _given(self) -> list[AzureDevOpsBuilds | GitHubBuilds | RegistryBuilds | CDEventsBuilds]:
        return [each for each in (self.azure_devops, self.github, self.registry, self.cdevents) if each]

    @property
    def claim(self) -> Claim:
        return self._given[0].claim


def shared_claims(claims: Claims, file_of: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each claim that another pipeline has too, in the file of the later one; files by service."""
    for earlier, later, claim in claimed_twice(claims):
        words = f"{claim}: {earlier} takes these builds already ({file_of[earlier]}), so neither gets them"
        yield Finding(file_of[later], 1, 1, "CLAIMED_TWICE", words)


def _named(**fields: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in fields.items() if value)
