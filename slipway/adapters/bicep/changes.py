"""What Azure foresees of a stack, as changes that people can read (`changes.resourceChanges` of a what-if's result)."""

from collections.abc import Iterator, Sequence
from typing import Any

from slipway.adapters.bicep.template import Template
from slipway.promotion.planned_changes import (
    CREATE,
    DELETE,
    DETACH,
    HIDDEN,
    MODIFY,
    SAME,
    UNSUPPORTED,
    Change,
    PlannedChanges,
    digest_of,
    shown,
)

_MEANS = {"create": CREATE, "delete": DELETE, "detach": DETACH, "modify": MODIFY, "nochange": SAME}
DENY = "the stack's deny settings"


def planned_changes(told: dict[str, Any], template: Template) -> PlannedChanges:
    """`told` is `properties.changes`. What Azure calls by another word is one that cannot be foreseen."""
    changes = [_change(each, template.secrets) for each in told.get("resourceChanges") or ()]
    denied = told.get("denySettingsChange") or {}
    if denied.get("before") and (details := list(_details(denied.get("delta") or (), ()))):
        changes.append(Change(MODIFY, DENY, tuple(details), digest_of(denied.get("delta"))))
    return PlannedChanges(tuple(changes), of=template.digest)


def _change(told: dict[str, Any], secrets: Sequence[str]) -> Change:
    what = _MEANS.get(str(told.get("changeType") or "").lower(), UNSUPPORTED)
    configured = told.get("resourceConfigurationChanges") or {}
    details = [f"because {told['unsupportedReason']}"] if told.get("unsupportedReason") else []
    if str(told.get("changeCertainty") or "").lower() == "potential":
        details.append("perhaps")
    if what in (MODIFY, UNSUPPORTED):
        details += _details(configured.get("delta") or (), secrets)
    digest = digest_of([configured.get("delta"), configured.get("after") if what == CREATE else None])
    return Change(what, short(str(told.get("id") or "")), tuple(details), digest)


def _details(delta: Sequence[dict[str, Any]], secrets: Sequence[str], above: str = "") -> Iterator[str]:
    """`sku.name B1 → P1v3`, of the innermost properties that change."""
    for each in delta:
        path = f"{above}.{each.get('path')}" if above else str(each.get("path") or "")
        how = str(each.get("changeType") or "").lower()
        if how == "noeffect":
            continue
        if children := each.get("children"):
            yield from _details(children, secrets, path)
        elif how == "create":
            yield f"{path} = {shown(path, each.get('after'), secrets)}"
        elif how == "delete":
            yield f"{path} goes"
        else:
            before, after = (shown(path, each.get(key), secrets) for key in ("before", "after"))
            told = before != after and HIDDEN not in (before, after)  # what one side hides the other may show
            yield f"{path} {before} → {after}" if told else f"{path} changes"


def short(resource: str) -> str:
    """`Microsoft.Web/serverfarms/plan` of a resource id."""
    return resource.rpartition("/providers/")[2] or resource
