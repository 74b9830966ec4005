"""What a switch needs of the targets around it: it is the only one of its target, and nobody else's."""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.kinds import ROUTERS, SWITCHES
from slipway.promotion.kinds.switches import DNS_SWITCH, TRAFFIC_MANAGER_SWITCH
from slipway.promotion.pipeline.placed import stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path

_DIVIDES, _NAMES = TRAFFIC_MANAGER_SWITCH.section, DNS_SWITCH.section


def check_switches(document: Document) -> None:
    """Report targets with two switches, switches that two targets share, and canaries on targets that have no
    weights."""
    first: dict[str, Path] = {}
    for path, stage in stages_in(document):
        rollout = stage.get("rollout")
        ramps = isinstance(rollout, dict) and "canary" in rollout
        for place, target in targets_of(path, stage):
            if len(given := [section for section in SWITCHES if section in target]) > 1:
                words = f"a target has one switch: {given[0]} or {given[1]}"
                document.report("CONFLICTING_KEYS", words, (*place, given[1]), key=True)
            if ramps and target.get("kind") == ROUTERS[_DIVIDES].target and _DIVIDES not in target:
                words = f"nothing divides the users of this target: a canary on {target['kind']} needs {_DIVIDES}"
                document.report("NO_ROUTER", words, place)
            for at, stands_at in _standing(place, target):
                if stands_at in first:
                    words = f"the target on line {document.line(first[stands_at])} is switched by it, too"
                    document.report("DUPLICATE_TARGET", words, at)
                    break
                first[stands_at] = at


def _standing(path: Path, target: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """What no other target may be switched by: its record, or each of its endpoints. Azure does not tell capitals
    apart."""
    for section in SWITCHES:
        written = target.get(section)
        if not isinstance(written, dict):
            continue
        where = written.get("record" if section == _NAMES else "profile")
        if section == _NAMES and isinstance(where, str):
            yield (*path, section), where.lower()
        if section == _DIVIDES and isinstance(where, str):
            names = [written.get(side) for side in ("blue", "green")]
            ends = dict.fromkeys(f"{where}\n{name}".lower() for name in names if isinstance(name, str))
            yield from (((*path, section), end) for end in ends)
