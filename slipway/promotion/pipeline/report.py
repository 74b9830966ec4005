"""`report`: which code hosts are told how a build gets on."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, WithJsonSchema, model_validator

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.headers import SecretName
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.reports import AzureRepository, CodeHost, GitHubRepository

MOST_REPORTS = 5
_GITHUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}\Z")
_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}\Z")
_NAMED = re.compile(r"[^\s/\\:*?\"<>|;#$%{},+=\[\]\x00-\x1f][^/\\:*?\"<>|;#$%{},+=\[\]\x00-\x1f]{0,63}\Z")


def _repository(text: str) -> str:
    if not _GITHUB.match(text) or text.endswith(("/.", "/..")):
        raise refusal("INVALID_REPOSITORY", f"{quoted(text)} is not a repository of GitHub, such as shop/storefront")
    return text


def _organization(text: str) -> str:
    if not _ORGANIZATION.match(text):
        words = f"{quoted(text)} is not an organization of Azure DevOps: the first part of its address, such as shop"
        raise refusal("INVALID_REPOSITORY", words)
    return text


def _named(text: str) -> str:
    if not _NAMED.match(text) or text.endswith("."):
        raise refusal("INVALID_REPOSITORY", f"{quoted(text)} is no name of a project or repository of Azure DevOps")
    return text


Repository = Annotated[
    str, AfterValidator(_repository), WithJsonSchema({"type": "string", "pattern": "^[^/]+/[^/]+$", "maxLength": 140})
]
Organization = Annotated[str, AfterValidator(_organization), WithJsonSchema({"type": "string", "maxLength": 50})]
Named = Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "maxLength": 64})]


class GitHubReport(Section):
    """A repository of GitHub: a deployment for each stage."""

    called: ClassVar[str] = "a report to GitHub"

    repository: Repository = key("The repository, such as shop/storefront.")
    secret: SecretName = key("Name of the secret in the key vault that holds a token with the right on deployments.")


class AzureDevOpsReport(Section):
    """A repository of Azure DevOps: a status of the commit for each stage."""

    called: ClassVar[str] = "a report to Azure DevOps"

    organization: Organization = key("The organization, as in dev.azure.com/shop.")
    project: Named = key("The project.")
    repository: Named = key("The repository of the project.")


class Report(Section):
    """One code host that is told."""

    called: ClassVar[str] = "a report"

    github: GitHubReport | None = key("Deployments in a repository of GitHub.", None)
    azure_devops: AzureDevOpsReport | None = key(
        "Statuses of commits in a repository of Azure DevOps.", None, alias="azure-devops"
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.github is None) == (self.azure_devops is None):
            raise refusal("ONE_HOST_AN_ITEM", 'each item of report is one host: "github" or "azure-devops"')
        return self

    @property
    def host(self) -> CodeHost:
        if self.github:
            return GitHubRepository(self.github.repository, self.github.secret)
        assert self.azure_devops is not None
        told = self.azure_devops
        return AzureRepository(told.organization, told.project, told.repository)
