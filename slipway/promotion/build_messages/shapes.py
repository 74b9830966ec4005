"""The shapes of message that are understood, and how a message is matched to one."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.promotion.build import Build
from slipway.promotion.build_messages import azure_devops, cdevents, github, registry
from slipway.promotion.build_messages.slipway import parse_slipway_build
from slipway.promotion.build_messages.vendor import Message
from slipway.promotion.reported import AZURE_DEVOPS, CDEVENTS, GITHUB, REGISTRY, ReportedBuild


@dataclass(frozen=True)
class Shape:
    """One message of a `system`: `recognises` looks only at what tells it from the others, `parse` judges the rest. It
    raises BuildRejected, or NotABuild for an event that is of no build."""

    system: str
    name: str
    recognises: Callable[[Message], bool]
    parse: Callable[[Message], Build | ReportedBuild]


SHAPES: tuple[Shape, ...] = (
    Shape("slipway", "slipway", lambda message: "service" in message, parse_slipway_build),
    Shape(AZURE_DEVOPS, "Azure DevOps service hook", azure_devops.recognises, azure_devops.parse_azure_devops),
    Shape(GITHUB, "GitHub workflow_run", github.is_workflow_run, github.parse_workflow_run),
    Shape(GITHUB, "GitHub registry_package", github.is_package, github.parse_package),
    Shape(REGISTRY, "Event Grid ImagePushed", registry.recognises, registry.parse_push),
    Shape(CDEVENTS, "CDEvents artifact", cdevents.recognises, cdevents.parse_artifact),
)  # the first that recognises a message parses it
