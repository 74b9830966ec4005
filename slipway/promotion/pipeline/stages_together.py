"""What can only be seen in several stages together: names, needs, environments, targets.

Works on the data as it was read, so that a mistake in one stage does not hide those in another.
"""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.graph import cycles, stuck_behind
from slipway.promotion.pipeline.models import MOST_STAGES, Target
from slipway.promotion.pipeline.placed import Placed, rings_of, stages_in, targets_of, texts
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.section import sound
from slipway.promotion.rings import ring_name


def check_stages_together(document: Document) -> None:
    """Report doubled names, environments and slots, unknown needs, and stages that can never start."""
    stages = stages_in(document)
    for path, stage in stages:
        _check_unique(document, "DUPLICATE_NAME", "a ring of this name", texts(rings_of(path, stage), "name"))
        _check_unique(
            document, "DUPLICATE_NAME", "a target of this name in the stage", texts(targets_of(path, stage), "name")
        )
    _check_unique(document, "DUPLICATE_NAME", "a stage of this name", _with_rings(document, stages, "name"))
    environments = _with_rings(document, stages, "environment")
    _check_unique(document, "DUPLICATE_ENVIRONMENT", "a stage for this environment", environments)
    _check_unique(document, "DUPLICATE_TARGET", "a target with this resource and slot", _places(stages))
    if len(stages) <= MOST_STAGES:
        _check_needs(document, stages)


def _with_rings(document: Document, stages: Placed, key: str) -> Iterator[tuple[Path, str]]:
    """What every stage has at `key`, and what its rings will have there once they are stages."""
    yield from texts(stages, key)
    for path, stage in stages:
        if isinstance(stage.get(key), str):
            rings = (each for each in texts(rings_of(path, stage), "name") if each[0] not in document.reported)
            yield from ((at, ring_name(stage[key], name)) for at, name in rings)


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


def _places(stages: Placed) -> Iterator[tuple[Path, str]]:
    """Every target's resource and slot, and which part of the resource it is; Azure does not tell capitals apart."""
    for path, stage in stages:
        for place, target in targets_of(path, stage):
            resource, slot = target.get("resource"), target.get("slot", "staging")
            if isinstance(resource, str) and isinstance(slot, str):
                read = sound(Target, target)
                yield place, f"{resource}\n{slot}\n{read.within if read else ''}".lower()
