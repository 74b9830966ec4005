"""What the gates of a pipeline need of each other, and of the stages before them."""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.placed import Placed, mappings, stages_in
from slipway.promotion.pipeline.positions import Document, Path

_SWITCHES = ("blue-green", "canary")


def check_gates(document: Document) -> None:
    """Report gates of one name in a stage, and comparisons with a stage that is not before, or has no load."""
    stages = stages_in(document)
    by_name = {stage["name"]: stage for _, stage in stages if isinstance(stage.get("name"), str)}
    for path, stage in stages:
        seen: dict[str, Path] = {}
        for at, kind, gate in _gates_of(path, stage):
            _check_name(document, at, gate, seen)
            if kind == "performance":
                _check_performance(document, at, gate, stage, by_name)
        _check_hotfix(document, path, stage)


def _check_hotfix(document: Document, path: Path, stage: dict[str, Any]) -> None:
    hotfix = stage.get("hotfix")
    skips = hotfix.get("skips") if isinstance(hotfix, dict) else None
    there = [str(gate.get("name") or kind) for _, kind, gate in _gates_of(path, stage)]
    for number, name in enumerate(skips if isinstance(skips, list) else ()):
        if isinstance(name, str) and name not in there:
            words = f"{quoted(name)} is no gate of this stage, or of its switch"
            document.report("UNKNOWN_GATE", words, (*path, "hotfix", "skips", number), like=(name, there))


def _gates_of(path: Path, stage: dict[str, Any]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each gate of the stage and of its switch: where it stands, its kind, its mapping."""
    for at, item in (*mappings(stage.get("gates"), (*path, "gates")), *_of_switch(path, stage)):
        yield from (((*at, str(kind)), str(kind), gate) for kind, gate in item.items() if isinstance(gate, dict))


def _of_switch(path: Path, stage: dict[str, Any]) -> Placed:
    rollout = stage.get("rollout")
    rollout = rollout if isinstance(rollout, dict) else {}
    for kind in _SWITCHES:
        if isinstance(switch := rollout.get(kind), dict):
            return mappings(switch.get("gates"), (*path, "rollout", kind, "gates"))
    return []


def _check_name(document: Document, at: Path, gate: dict[str, Any], seen: dict[str, Path]) -> None:
    name = gate.get("name")
    if not isinstance(name, str):
        return
    if name in seen:
        line = document.line(seen[name])
        document.report("DUPLICATE_NAME", f"a gate of this name stands in line {line} already", (*at, "name"))
    seen.setdefault(name, at)


def _check_performance(
    document: Document, at: Path, gate: dict[str, Any], stage: dict[str, Any], stages: dict[str, dict[str, Any]]
) -> None:
    of = gate.get("stage")
    if not isinstance(of, str):
        return
    before = _before(stage, stages)
    if of not in before:
        words = f"{quoted(of)} is no stage that must have passed before this one"
        document.report("UNKNOWN_STAGE", words, (*at, "stage"), like=(of, before))
    elif not any(isinstance(check, dict) and "load" in check for check in stages[of].get("verify") or ()):
        document.report("NOTHING_TO_COMPARE", f"stage {of} has no load to compare by", (*at, "stage"))


def _before(stage: dict[str, Any], stages: dict[str, dict[str, Any]]) -> list[str]:
    """The stages that must have passed before it."""
    found: list[str] = []
    left = [stage]
    while left:
        needs = left.pop().get("needs")
        for need in needs if isinstance(needs, list) else ():
            if isinstance(need, str) and need in stages and need not in found:
                found.append(need)
                left.append(stages[need])
    return found
