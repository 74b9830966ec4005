"""An image pushed to Azure Container Registry, as Event Grid tells it in its own schema.

Fields: https://learn.microsoft.com/azure/event-grid/event-schema-container-registry. The same in the CloudEvents form
comes here too, rewritten by `envelopes`.
"""

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
from slipway.promotion.reported import REGISTRY, Origin, ReportedBuild

PREFIX = "Microsoft.ContainerRegistry."
_PUSHED = ("ImagePushed", PREFIX + "ImagePushed")  # older pages write it without the prefix
_VERSION, _METADATA = "1.0", "1"


class _Target(Event):
    media_type: MaybeText = Field("", alias="mediaType")
    digest: MaybeText = ""
    repository: Text
    tag: MaybeText = ""


class _Request(Event):
    host: MaybeText = ""


class _Actor(Event):
    name: MaybeText = ""


class _Push(Event):
    action: Text
    target: _Target
    request: _Request = _Request()
    actor: _Actor | None = None


class _Pushed(Event):
    at: Moment = Field(alias="eventTime")
    data: _Push


def recognises(message: Message) -> bool:
    kind = str(message.get("eventType", ""))
    return "eventTime" in message and (kind.startswith(PREFIX) or kind in _PUSHED)


def parse_push(message: Message) -> ReportedBuild:
    """The image that was pushed, by its tag. Raises BuildRejected INVALID_BUILD, UNKNOWN_EVENT_VERSION; NotABuild
    NOT_A_BUILD, NO_TAG."""
    kind = message["eventType"]
    if kind not in _PUSHED:
        raise NotABuild(REGISTRY, "NOT_A_BUILD", f"the registry tells of {str(kind)[:80]}; a build is an ImagePushed")
    if (version := message.get("dataVersion") or _VERSION) != _VERSION:
        raise unknown_version(str(kind), version, _VERSION)
    if (version := message.get("metadataVersion") or _METADATA) != _METADATA:
        raise unknown_version("the Event Grid event around it", version, _METADATA)
    pushed = read(_Pushed, message)
    push, target = pushed.data, pushed.data.target
    where = f"{push.request.host or 'the registry'}/{target.repository}"
    if push.action != "push" or "helm" in target.media_type:
        words = f"{where}: {push.action} of {target.media_type or 'something'} is no push of an image"
        raise NotABuild(REGISTRY, "NOT_A_BUILD", words)
    if not target.tag:
        words = f"{where}: pushed without a tag, as the parts of an image for several architectures are"
        raise NotABuild(REGISTRY, "NO_TAG", words)
    if target.tag.startswith("sha256-"):
        words = f"{where}: {target.tag[:40]} names what is attached to an image, such as its signature"
        raise NotABuild(REGISTRY, "NOT_A_BUILD", words)
    digest = digest_in(target.digest)
    if not digest:
        raise BuildRejected("INVALID_BUILD", "data.target.digest: is not sha256: and 64 small hex digits")
    last = target.repository.rpartition("/")[2]
    return ReportedBuild(
        origin=Origin(REGISTRY, named(host=push.request.host, repository=target.repository, repository_name=last)),
        version="{tag}",
        parts={"tag": target.tag},
        commit="",
        branch="",
        author=push.actor.name[:200] if push.actor else "",
        finished_at=pushed.at,
        digest=digest,
    )
