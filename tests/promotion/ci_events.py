"""Events of CI systems, as they are in the folder `events`, or with some fields changed."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.build_messages import parse_build
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.reported import ReportedBuild

EVENTS = Path(__file__).parent / "events"
BUILD_1, BUILD_2 = "azure-devops-build-complete-1.0", "azure-devops-build-complete-2.0"
RUN_STATE = "azure-devops-run-state-changed"
WORKFLOW_RUN, PACKAGE = "github-workflow-run-completed", "github-registry-package-published"
PUSHED, PUSHED_AS_CLOUD_EVENT = "event-grid-image-pushed", "cloudevents-image-pushed"
PACKAGED, PUBLISHED = "cdevents-artifact-packaged-0.3.0", "cdevents-artifact-published-0.3.0"
TAG = "registry_package.package_version.container_metadata.tag.name"
TAGGED = {TAG: "1.4.2"}  # the published example has an empty one
MISSING = object()


def event(name: str, changes: dict[str, Any] | None = None) -> Any:
    """The event of that file. `changes` are by path (`resource.result`); of a list the first item is meant, and
    MISSING takes a field out."""
    read = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    for path, value in (changes or {}).items():
        *way, last = path.split(".")
        part = read[0] if isinstance(read, list) else read
        for step in way:
            part = part.setdefault(step, {})
            part = part[0] if isinstance(part, list) else part
        if value is MISSING:
            part.pop(last, None)
        else:
            part[last] = copy.deepcopy(value)
    return read


def body(name: str, changes: dict[str, Any] | None = None) -> bytes:
    return json.dumps(event(name, changes)).encode()


def reported(name: str, changes: dict[str, Any] | None = None) -> ReportedBuild:
    """What that event says of a build."""
    told = parse_build(body(name, changes))
    assert isinstance(told, ReportedBuild)
    return told


def wrapped(text: bytes, kind: int = 0x99, size: int = 1) -> bytes:
    """As .NET's data contract serializer writes a string: MC-NBFX, an element in Microsoft's namespace."""
    namespace = b"http://schemas.microsoft.com/2003/10/Serialization/"
    head = b"\x40\x06string\x08" + bytes([len(namespace)]) + namespace
    assert head.startswith(b"@\x06string\x083http://"), "what people see of it"
    return head + bytes([kind]) + len(text).to_bytes(size, "little") + text


LABELS = "registry_package.package_version.container_metadata.labels"
OF_BUILDS = (BUILD_1, BUILD_2, RUN_STATE, WORKFLOW_RUN, PUSHED, PUSHED_AS_CLOUD_EVENT, PACKAGED, PUBLISHED)


def refused(name: str, changes: dict[str, Any]) -> str:
    """Code and words of the refusal."""
    with pytest.raises((BuildRejected, NotABuild)) as error:
        parse_build(body(name, changes))
    return str(error.value)
