"""What can only be seen in several stages together: names, needs, environments, targets.

Works on the data as it was read, so that a mistake in one stage does not hide those in another.
"""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.graph import cycles, stuck_behind
from slipway.promotion.pipeline.models import MOST_STAGES
from slipway.promotion.pipeline.positions import Document, Path

Placed = list[tuple[Path, dict[str, Any]]]


def check_stages_together(document: Document) -> None:
    """Report doubled names, environments and slots, unknown needs, and stages that can never start."""
    stages = _mappings(document.data.get("stages"), ("stages",))
    _check_unique(document, "DUPLICATE_NAME", "a stage of this name", _texts(stages, "name"))
    _check_unique(document, "DUPLICATE_ENVIRONMENT", "a stage for this environment", _texts(stages, "environment"))
    _check_unique(document, "DUPLICATE_TARGET", "a target with this resource and slot", _places(stages))
    for path, stage in stages:
        targets = _mappings(stage.get("targets"), (*path, "targets"))
        _check_unique(document, "DUPLICATE_NAME", "a target of this name in the stage", _texts(targets, "name"))
    if len(stages) <= MOST_STAGES:
        _check_needs(document, stages)


def _check_unique(document: Document, code: str, what: str, values: Iterator[tuple[Path, str]]) -> None:
    first: dict[str, Path] = {}
    for path, value in values:
        if value in first:
            line = document.line(first[value])
            document.report(code, f"there is already {what}, on line {line}", path)
        first.setdefault(value, path)


def _check_needs(document: Document, stages: Placed) -> None:
    paths: dict[str, Path] = {}
    needs: dict[str, list[str]] = {}
    for path, stage in stages:
        name = stage.get("name")
        if isinstance(name, str) and name not in paths:
            paths[name], needs[name] = path, []
    for path, stage in stages:
        name = stage.get("name")
        known = _check_own_needs(document, path, stage, list(paths))
        if isinstance(name, str) and paths[name] == path:
            needs[name] = known
    for cycle in cycles(needs):
        words = f"these stages wait for each other: {' → '.join([*cycle, cycle[0]])}"
        if behind := stuck_behind(cycle, needs):
            words += f"; unreachable behind them: {', '.join(behind)}"
        document.report("CYCLE", words, (*paths[cycle[0]], "needs"))


def _check_own_needs(document: Document, path: Path, stage: dict[str, Any], names: list[str]) -> list[str]:
    """Report what is wrong with one stage's needs; answers the sound ones."""
    written = stage.get("needs")
    sound: list[str] = []
    for index, need in enumerate(written if isinstance(written, list) else []):
        at: Path = (*path, "needs", index)
        if not isinstance(need, str):
            continue
        if need == stage.get("name"):
            document.report("SELF_NEED", f"the stage {quoted(need)} needs itself", at)
        elif need not in names:
            others = [name for name in names if name != stage.get("name")]
            document.report("UNKNOWN_STAGE", f"there is no stage {quoted(need)}", at, like=(need, others))
        elif need in sound:
            document.report("DUPLICATE_NEED", f"{quoted(need)} is needed twice", at)
        else:
            sound.append(need)
    return sound


def _mappings(value: Any, path: Path) -> Placed:
    """The mappings in the list at `path`, each with its own path."""
    items = enumerate(value) if isinstance(value, list) else ()
    return [((*path, index), item) for index, item in items if isinstance(item, dict)]


def _texts(items: Placed, key: str) -> Iterator[tuple[Path, str]]:
    return (((*path, key), item[key]) for path, item in items if isinstance(item.get(key), str))


def _places(stages: Placed) -> Iterator[tuple[Path, str]]:
    """Every target's resource and slot; Azure does not tell capitals apart."""
    for path, stage in stages:
        for place, target in _mappings(stage.get("targets"), (*path, "targets")):
            resource, slot = target.get("resource"), target.get("slot", "staging")
            if isinstance(resource, str) and isinstance(slot, str):
                yield place, f"{resource}\n{slot}".lower()
