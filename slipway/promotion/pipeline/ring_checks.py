"""What rings need of each other, and of the stage around them."""

from typing import Any

from slipway.promotion.ids import is_name
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.models import MOST_STAGES
from slipway.promotion.pipeline.placed import Placed, rings_of, stages_in
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.rings import WRITE_REGION_LAST, ring_name


def check_rings(document: Document) -> None:
    """Report stages with neither targets nor rings, or both; rings in a second stage; approvals, `max_parallel` and
    regions that could not count; and names, or stages, that are too long or too many once rings are stages."""
    stages, ringed, count = stages_in(document), 0, 0
    for path, stage in stages:
        if "targets" not in stage and "rings" not in stage:
            document.report("MISSING_KEY", 'a stage needs "targets" or "rings"', path)
        if "rings" not in stage:
            count += 1
            _without_rings(document, path, stage)
            continue
        ringed += 1
        if ringed > 1:
            words = "the rings of a pipeline are those of one stage, and another stage has some already"
            document.report("TOO_MANY", words, (*path, "rings"), key=True)
        if "targets" in stage:
            words = "a stage has targets or rings: with rings, every target stands in one of them"
            document.report("CONFLICTING_KEYS", words, (*path, "targets"), key=True)
        count += len(rings_of(path, stage))
        if count > MOST_STAGES >= len(stages):
            words = f"each ring is a stage of its own: that makes {count} of them, and the limit is {MOST_STAGES}"
            document.report("TOO_MANY", words, (*path, "rings"), key=True)
        _check(document, path, stage)


def _without_rings(document: Document, path: Path, stage: dict[str, Any]) -> None:
    for name in ("on_bad_ring", "cosmos"):
        if name in stage:
            words = f"{quoted(name)} is about rings, and this stage has none"
            document.report("CONFLICTING_KEYS", words, (*path, name), key=True)


def _check(document: Document, path: Path, stage: dict[str, Any]) -> None:
    rings = rings_of(path, stage)
    if "flag" in _rollout(stage):
        words = "a flag is given to the users of all rings together, those of later rings before they have the release"
        document.report("CONFLICTING_KEYS", words, (*path, "rollout", "flag"), key=True)
    if rings and "approval" in stage and "approval" in rings[0][1]:
        words = "the stage's approval is asked before the first ring: give it there, or the ring's own, not both"
        document.report("CONFLICTING_KEYS", words, (*rings[0][0], "approval"), key=True)
    for at, ring in rings:
        for whole in ("name", "environment"):
            _check_length(document, at, stage.get(whole), ring.get("name"), whole)
        if "max_parallel" in ring and "canary" in _rollout(stage):
            words = "a canary moves the traffic of all targets of a ring together; divide the ring instead"
            document.report("CONFLICTING_KEYS", words, (*at, "max_parallel"), key=True)
        if "region" in ring and "cosmos" not in stage:
            words = "a region is looked up in the account of `cosmos`, and this stage names none"
            document.report("CONFLICTING_KEYS", words, (*at, "region"), key=True)
    _check_telemetry(document, rings, stage)
    cosmos = stage.get("cosmos")
    if not isinstance(cosmos, dict):
        return
    regions = [ring["region"] for _, ring in rings if "region" in ring]
    if rings and not regions:
        document.report("MISSING_KEY", "no ring has a region that could be looked up there", (*path, "cosmos"))
    elif cosmos.get("order") == WRITE_REGION_LAST and len(regions) < 2:
        words = "an order of regions needs rings in two of them at least"
        document.report("CONFLICTING_KEYS", words, (*path, "cosmos", "order"))
    elif cosmos.get("order") == WRITE_REGION_LAST:
        _check_last(document, [(at, ring["region"]) for at, ring in rings if "region" in ring])


def _check_last(document: Document, regions: list[tuple[Path, object]]) -> None:
    """The last ring's region is the one that is written to: no ring before that of another region is in it."""
    (_, last), left = regions[-1], list(regions)
    while left and left[-1][1] == last:
        left.pop()
    for at, region in left:
        if region == last:
            words = f"{quoted(region)} is the last ring's region, so it is to come last, and rings elsewhere follow"
            document.report("CONFLICTING_KEYS", words, (*at, "region"))
    if not left:
        document.report("CONFLICTING_KEYS", f"all rings are in {quoted(last)}: no other comes before it", regions[0][0])


def _check_telemetry(document: Document, rings: Placed, stage: dict[str, Any]) -> None:
    """A judge tells releases apart by version only, and a version that is whole in one ring is new in the next: so no
    two rings may have one telemetry."""
    if not _judged(stage):
        for at, ring in rings:
            for name in ("workspace", "role"):
                if name in ring:
                    words = f"{quoted(name)} says where a judge's numbers come from, and this stage has none"
                    document.report("CONFLICTING_KEYS", words, (*at, name), key=True)
        return
    first: dict[tuple[str, str], Path] = {}
    for at, ring in rings:
        source = str(ring.get("workspace", "")).lower(), str(ring.get("role", ""))
        if source in first:
            words = (
                f"the telemetry of this ring is that of the ring on line {document.line(first[source])}: both releases "
            )
            words += "would be counted together; give each a role or a workspace of its own"
            document.report("SHARED_TELEMETRY", words, at)
        first.setdefault(source, at)


def _check_length(document: Document, at: Path, whole: object, ring: object, what: str) -> None:
    if isinstance(whole, str) and isinstance(ring, str) and is_name(whole) and is_name(ring):
        joined = ring_name(whole, ring)
        if not is_name(joined):
            words = f"the ring's {what} is {quoted(joined)}, which is too long: 63 characters are the most"
            document.report("NAME_TOO_LONG", words, (*at, "name"))


def _judged(stage: dict[str, Any]) -> bool:
    """Whether a judge reads telemetry there: of a canary always, of a switch where it is given."""
    rollout = _rollout(stage)
    switch = rollout.get("blue-green")
    return "canary" in rollout or (isinstance(switch, dict) and isinstance(switch.get("telemetry"), dict))


def _rollout(stage: dict[str, Any]) -> dict[str, Any]:
    """The rollout's settings; none where it is a word."""
    written = stage.get("rollout")
    return written if isinstance(written, dict) else {}
