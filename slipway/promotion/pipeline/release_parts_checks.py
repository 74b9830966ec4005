"""What configuration and flags of a stage need of each other, and of the other stages."""

from typing import Any

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.placed import stages_in
from slipway.promotion.pipeline.positions import Document, Path

Flag = tuple[str, str]


def check_release_parts(document: Document) -> None:
    """Report one label whose snapshot would hold different keys, and flags that two stages or rings would switch."""
    _check_labels(document)
    seen: dict[Flag, Path] = {}
    for path, stage in stages_in(document):
        for at, flag in flags_of(path, stage):
            if "rings" in stage and "{environment}" not in flag[1]:
                words = "this flag is that of all rings, and users of later ones would have it before the release"
                document.report("CONFLICTING_KEYS", f"{words}; give it a label with {{environment}}", at)
            if flag in seen:
                words = f"the flag {quoted(flag[0])} is changed on line {document.line(seen[flag])} already"
                document.report("CONFLICTING_KEYS", f"{words}: a way back from one would undo the other", at)
            seen.setdefault(flag, at)


def _check_labels(document: Document) -> None:
    places: list[tuple[Path, Any]] = [((), document.data), *stages_in(document)]
    filters: dict[str, str] = {}
    for path, holder in places:
        written = holder.get("configuration")
        if not isinstance(written, dict) or not isinstance(written.get("label"), str):
            continue
        label, keys = written["label"], str(written.get("key_filter", "*"))
        if filters.setdefault(label, keys) != keys:
            words = f"settings with the label {quoted(label)} are kept as one snapshot, and elsewhere it is taken of"
            at = (*path, "configuration", "key_filter" if "key_filter" in written else "label")
            document.report("CONFLICTING_KEYS", f"{words} {quoted(filters[label])}: give this stage its own label", at)


def flags_of(path: Path, stage: dict[str, Any]) -> list[tuple[Path, Flag]]:
    """The flags that a stage changes: those that it switches, and the one that it ramps."""
    written, rollout = stage.get("flags"), stage.get("rollout")
    found: list[tuple[Path, Any]] = [
        ((*path, "flags", index), each) for index, each in enumerate(written if isinstance(written, list) else [])
    ]
    if isinstance(rollout, dict) and "rings" not in stage:
        found.insert(0, ((*path, "rollout", "flag"), rollout.get("flag")))
    environment = str(stage.get("environment", ""))
    return [
        (at, (each["name"], _label(each, environment if "rings" not in stage else "")))
        for at, each in found
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    ]


def _label(flag: dict[str, Any], environment: str) -> str:
    label = str(flag.get("label") or "")
    return label.replace("{environment}", environment) if environment else label
