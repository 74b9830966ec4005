"""What an approval needs of the other stages: that those whose approvers may not approve here ask somebody, too."""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.pipeline.approval import APPROVER_OF
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.placed import rings_of, stages_in
from slipway.promotion.pipeline.positions import Document, Path


def check_approvals(document: Document) -> None:
    """Report `approver of` a stage that is not there, or that asks nobody."""
    stages = stages_in(document)
    asking = {str(stage.get("name")): bool(list(_approvals(path, stage))) for path, stage in stages}
    for path, stage in stages:
        for at, approval in _approvals(path, stage):
            written = approval.get("not")
            for index, each in enumerate(written if isinstance(written, list) else []):
                if isinstance(each, str) and each.startswith(APPROVER_OF):
                    _check(document, (*at, "not", index), each.removeprefix(APPROVER_OF), asking)


def _check(document: Document, at: Path, name: str, asking: dict[str, bool]) -> None:
    if name not in asking:
        document.report("UNKNOWN_STAGE", f"there is no stage {quoted(name)}", at, like=(name, asking))
    elif not asking[name]:
        document.report("CANNOT_SUCCEED", f"the stage {quoted(name)} asks nobody, so nobody is its approver", at)


def _approvals(path: Path, stage: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The approvals of a stage: before it, before its rings, and before its switch."""
    for at, item in [(path, stage), *rings_of(path, stage)]:
        if isinstance(found := item.get("approval"), dict):
            yield (*at, "approval"), found
    rollout = stage.get("rollout")
    switch = rollout.get("blue-green") if isinstance(rollout, dict) else None
    if isinstance(switch, dict) and isinstance(switch.get("approval"), dict):
        yield (*path, "rollout", "blue-green", "approval"), switch["approval"]
