"""The section `helm` of a target of the kind `aks`: which releases, and where users and testers ask."""

import json
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from slipway.promotion.ids import is_name
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import key
from slipway.promotion.pipeline.target_section import TargetSection
from slipway.promotion.pipeline.units import refusal
from slipway.promotion.pipeline.vocabulary import Name, WebAddress, choice, choice_schema, is_web_address

SIDE, SIDES = "{side}", ("blue", "green")
LONGEST_RELEASE = 53 - len("-green")  # Helm's limit is 53, of the name of a side's release
MOST_VALUES = 16 * 1024  # bytes of JSON: they travel with the plan
KUBERNETES_API, RUN_COMMAND = "kubernetes-api", "run-command"


def _release(text: str) -> str:
    if len(text) > LONGEST_RELEASE:
        words = f"{quoted(text)} is longer than {LONGEST_RELEASE} characters: Helm takes 53, with -green at its end"
        raise refusal("INVALID_NAME", words)
    return text


def _deployment(text: str) -> str:
    if SIDE not in text:
        words = f"{quoted(text)} is the same for both sides; put {SIDE} into it"
        raise refusal("SAME_SIDES", words, f"{text}-{SIDE}" if is_name(text) else "")
    if not is_name(text.replace(SIDE, "blue")):
        raise refusal("INVALID_NAME", f"{quoted(text)} is not the name of a Deployment with {SIDE} in it")
    return text


def _preview(given: Any) -> Any:
    """Both addresses, from one with `{side}` or from a mapping."""
    if isinstance(given, str):
        if SIDE not in given:
            raise refusal("SAME_SIDES", f"{quoted(given)} is the same for both sides; put {SIDE} into it")
        given = {side: given.replace(SIDE, side) for side in SIDES}
    if not isinstance(given, dict) or set(given) != set(SIDES):
        words = f"an address with {SIDE} in it, or blue and green with an address each, belongs here"
        raise refusal("WRONG_TYPE", words)
    for address in given.values():
        if not isinstance(address, str) or not is_web_address(address):
            raise refusal("INVALID_ADDRESS", f"{quoted(address)} is not a web address; write https://host")
    if len(set(given.values())) < len(SIDES):
        raise refusal("SAME_SIDES", f"{quoted(given['blue'])} is the address of both sides")
    return {side: address.rstrip("/") for side, address in given.items()}


def _values(given: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(given, default=str)) > MOST_VALUES:
        raise refusal("INVALID_VALUE", f"values are more than {MOST_VALUES // 1024} KiB; put them into the chart")
    return given


Release = Annotated[Name, AfterValidator(_release)]
Deployment = Annotated[
    str, AfterValidator(_deployment), WithJsonSchema({"type": "string", "pattern": r"^[a-z0-9{}-]*\{side\}[a-z0-9-]*$"})
]
_ADDRESS = {"type": "string", "pattern": "^https?://[^/]+"}
_ADDRESSES = {
    "type": "object",
    "propertyNames": {"enum": [*SIDES]},
    "minProperties": 2,
    "additionalProperties": _ADDRESS,
}
Preview = Annotated[
    dict[str, str],
    BeforeValidator(_preview),
    WithJsonSchema({"oneOf": [{"type": "string", "pattern": r"^https?://.*\{side\}.*$"}, _ADDRESSES]}),
]
Values = Annotated[dict[str, Any], AfterValidator(_values)]
_REACHES = (KUBERNETES_API, RUN_COMMAND)
Reach = Annotated[str, BeforeValidator(choice(*_REACHES)), choice_schema(*_REACHES)]


class Helm(TargetSection):
    """Two releases of one chart in one namespace, `{release}-blue` and `{release}-green`, one with the users."""

    called: ClassVar[str] = "a helm section"

    namespace: Name = key("Namespace of the releases; it exists.")
    release: Release = key("Name of the releases without -blue and -green, and of the Service that users come by.")
    deployment: Deployment | None = key("Name of a side's Deployment; {release}-{side} when left out.", None)
    address: WebAddress | None = key("Web address of the users, where no other switch knows it.", None)
    preview: Preview | None = key("Web address of each side, whoever has the users: one with {side}, or both.", None)
    values: Values = key("Values for the chart, beside image.repository, image.tag and image.digest.", {})
    reach: Reach = key(
        "How the cluster is read: kubernetes-api, or run-command where its API server cannot be reached.",
        KUBERNETES_API,
    )

    @property
    def within(self) -> str:
        return f"{self.namespace}/{self.release}"

    @property
    def settings(self) -> dict[str, Any]:
        return {"deployment": f"{self.release}-{SIDE}", **super().settings}
