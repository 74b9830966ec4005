"""A build as its CI reports it: everything but the service, which only the pipelines know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected
from slipway.promotion.ids import is_version

AZURE_DEVOPS, GITHUB, REGISTRY, CDEVENTS = "azure-devops", "github", "registry", "cdevents"
CALLED = {AZURE_DEVOPS: "Azure DevOps", GITHUB: "GitHub", REGISTRY: "a container registry", CDEVENTS: "CDEvents"}
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# What a version may be made of, by system. The names are those of the payloads.
PLACEHOLDERS = {
    AZURE_DEVOPS: ("buildNumber", "id", "sha", "short_sha"),
    GITHUB: ("run_number", "run_attempt", "run_id", "tag", "sha", "short_sha"),
    REGISTRY: ("tag",),
    CDEVENTS: ("version",),
}
SHORT_SHA = 7
OF_NO_COMMIT = (REGISTRY,)
OF_NO_BRANCH = (REGISTRY, CDEVENTS)  # they tell of an artifact; which ones are promoted, tags and sources say


@dataclass(frozen=True)
class Origin:
    """Where a build comes from. `named` has what it goes by, by field; several values where CI knows several names of
    the same thing, such as a project's name and its id."""

    system: str
    named: Mapping[str, tuple[str, ...]]

    def goes_by(self, field: str, value: str) -> bool:
        """Whether `value` is its name there; neither Azure DevOps nor GitHub minds capitals."""
        return value.casefold() in (each.casefold() for each in self.named.get(field, ()))

    def __str__(self) -> str:
        known = ((field, names) for field, names in self.named.items() if not field.endswith("-name"))
        return f"{CALLED[self.system]}: " + ", ".join(f"{field} {' or '.join(names)}" for field, names in known)


@dataclass(frozen=True)
class ReportedBuild:
    """A finished build of an origin. `version` is how its version is made where the pipeline does not say, `parts` what
    it may be made of; a part that this event does not have is left out. `url` is its page at CI, and `schema` what its
    code runs on (`database_schema`), where the event says them."""

    origin: Origin
    version: str
    parts: Mapping[str, str]
    commit: str
    branch: str
    author: str
    finished_at: datetime
    result: str = "succeeded"
    digest: str = ""
    url: str = ""
    schema: Mapping[str, int] = field(default_factory=dict)

    @property
    def evidence(self) -> dict[str, Any]:
        """Where CI has it, for whoever wants to look there or tell CI what became of it."""
        numbers = {name: said for name, said in self.parts.items() if name not in ("tag", "sha", "short_sha")}
        names = {field: names[0] for field, names in self.origin.named.items() if not field.endswith("-name")}
        link = {"url": self.url} if self.url else {}
        return {"ci": {"system": self.origin.system, **names, **numbers, **link}}

    def build(self, service: str, version: str = "", branch: str = "") -> Build:
        """The service's build; `version` is the pipeline's own template, `branch` what it says where CI does not.

        Raises BuildRejected: INVALID_BUILD when that makes no version, BRANCH_UNKNOWN when nobody says the branch of a
        build that could be of any.
        """
        if not (self.branch or branch) and self.origin.system not in OF_NO_BRANCH:
            words = f"{self.origin}: this event says no branch, so it may be of any, a pull request's too"
            advice = "send one that does (of Azure DevOps build.complete), or write `branch:` in the item of `builds`"
            raise BuildRejected("BRANCH_UNKNOWN", f"{words}; {advice}")
        return Build(
            service=service,
            version=self._made(version or self.version),
            commit=self.commit,
            branch=self.branch or branch,
            author=self.author,
            finished_at=self.finished_at,
            result=self.result,
            digest=self.digest,
            source=self.origin.system,
            evidence=self.evidence,
            schema=dict(self.schema),
        )

    def _made(self, template: str) -> str:
        missing = [name for name in PLACEHOLDER.findall(template) if not self.parts.get(name)]
        if missing:
            words = f"{self.origin}: the version {template} needs {missing[0]}, which this event does not say"
            raise BuildRejected("INVALID_BUILD", words)
        version = PLACEHOLDER.sub(lambda found: self.parts[found[1]], template)
        if not is_version(version):
            words = f"version: {version[:80]!a} is none: up to 64 letters, digits and . _ + -, beginning with a letter"
            words += f" or digit; `version:` in `builds` can make another of {', '.join(sorted(self.parts))}"
            raise BuildRejected("INVALID_BUILD", words)
        return version
