"""Events of CI systems, as they are in the folder `events`, or with some fields changed."""

import copy
import json
from pathlib import Path
from typing import Any

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
            del part[last]
        else:
            part[last] = copy.deepcopy(value)
    return read


def body(name: str, changes: dict[str, Any] | None = None) -> bytes:
    return json.dumps(event(name, changes)).encode()
