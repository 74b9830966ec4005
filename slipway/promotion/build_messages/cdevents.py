"""CDEvents `artifact.packaged` and `artifact.published`: bare, or as the data of a CloudEvent.

Fields: https://cdevents.dev/docs/continuous-integration/. An artifact is named by a package URL.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from pydantic import Field

from slipway.promotion.build_messages.vendor import (
    Event,
    MaybeText,
    Message,
    Moment,
    Text,
    digest_in,
    named,
    read,
    unknown_version,
)
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.reported import CDEVENTS, Origin, ReportedBuild

_ARTIFACT = re.compile(r"dev\.cdevents\.artifact\.(?:packaged|published)\.(?P<version>.+)\Z")
_KNOWN = re.compile(r"0\.[123]\.[0-9]+(?:-draft)?\Z")  # before 1.0 each minor version may differ from the last
_PURL = re.compile(r"pkg:[a-z0-9.+-]+/(?P<path>[^@?#]+)(?:@(?P<version>[^?#]+))?(?:\?(?P<more>[^#]*))?(?:#.*)?\Z")


class _Context(Event):
    type: Text
    source: Text
    timestamp: Moment


class _Change(Event):
    id: MaybeText = ""


class _Content(Event):
    change: _Change = _Change()
    user: MaybeText = ""


class _Subject(Event):
    id: str = Field(max_length=1000)
    content: _Content = _Content()


class _Artifact(Event):
    context: _Context
    subject: _Subject


class _Typed(Event):
    type: Text


class _Told(Event):
    context: _Typed


@dataclass(frozen=True)
class _Package:
    names: tuple[str, ...]
    version: str
    digest: str


def recognises(message: Message) -> bool:
    return "context" in message and "subject" in message


def parse_artifact(message: Message) -> ReportedBuild:
    """The artifact. Raises BuildRejected INVALID_BUILD, UNKNOWN_EVENT_VERSION; NotABuild NOT_A_BUILD, NO_TAG."""
    kind = read(_Told, message).context.type
    artifact = _ARTIFACT.match(kind)
    if artifact is None:
        words = f"{kind[:100]} tells of no artifact that was packaged or published"
        raise NotABuild(CDEVENTS, "NOT_A_BUILD", words)
    if not _KNOWN.match(artifact["version"]):
        raise unknown_version(kind[:100], artifact["version"], "0.1 to 0.3")
    told = read(_Artifact, message)
    package, content = _package(told.subject.id), told.subject.content
    if not package.version:
        raise NotABuild(CDEVENTS, "NO_TAG", f"{told.subject.id[:100]} has no version, and no tag")
    return ReportedBuild(
        origin=Origin(CDEVENTS, named(source=told.context.source, package=package.names)),
        version="{version}",
        parts={"version": package.version},
        commit=content.change.id[:100],
        branch="",
        author=content.user[:200],
        finished_at=told.context.timestamp,
        digest=package.digest,
    )


def _package(purl: str) -> _Package:
    found = _PURL.match(purl)
    if found is None:
        raise BuildRejected("INVALID_BUILD", f"subject.id: {purl[:100]!a} is no package URL (pkg:type/name@version)")
    path = unquote(found["path"]).strip("/")
    version = unquote(found["version"] or "")
    more = parse_qs(found["more"] or "")
    digest = digest_in(version)
    tag = next(iter(more.get("tag", ())), "")
    names = (path.rpartition("/")[2], path, *more.get("repository_url", ()))
    return _Package(names, tag if digest else version, digest)
