"""What a Front Door needs of the stage before which it stands."""

from typing import Any

from slipway.promotion.front_door import KIND
from slipway.promotion.kinds.front_door import FRONT_DOOR
from slipway.promotion.pipeline.canary import Canary
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.placed import Placed, mappings, rings_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.router import Origins, Router
from slipway.promotion.pipeline.section import sound
from slipway.promotion.pipeline.times import written


def check_front_door(document: Document, path: Path, canary: Canary, stage: dict[str, Any]) -> None:
    """Report origins that are missing or of no use, stages of several targets, and ramps that cannot come to
    their end in time; `path` is the canary's."""
    rings = rings_of(path[:2], stage)
    if canary.router.kind != KIND:
        for at, ring in rings:
            if "origins" in ring:
                words = f"origins are those of a router of the kind {KIND}, and this canary has none"
                document.report("CONFLICTING_KEYS", words, (*at, "origins"), key=True)
        return
    _check_origins(document, path, canary, rings)
    for at, placed in rings or [(path[:2], stage)]:
        if len(targets := mappings(placed.get("targets"), (*at, "targets"))) > 1:
            words = (
                "a share at Front Door is one change of one origin, and changes queue behind each other: "
                f"{len(targets)} targets at once are refused; make each a ring"
            )
            document.report("TOO_MANY", words, (*at, "targets"), key=True)
    _check_time(document, path, canary)


def _check_origins(document: Document, path: Path, canary: Canary, rings: Placed) -> None:
    router = canary.router
    if len(rings) < 2 and not any("origins" in ring for _, ring in rings):
        _check_whole(document, (*path, "router"), router)
        return
    for at, ring in rings:
        if "origins" not in ring:
            words = (
                f'each ring behind {KIND} needs its own "origins", in an origin group and behind an endpoint of its own'
            )
            document.report("MISSING_KEY", words, at)
        elif origins := sound(Origins, ring["origins"]):
            if router.testers and not origins.testers:
                words = "each ring needs a rule set and an origin group of its own for the stage's testers"
                document.report("MISSING_KEY", f'"testers" is missing: {words}', (*at, "origins"))
            if origins.testers and not router.testers:
                words = "the stage's router has no testers that could be sent there"
                document.report("CONFLICTING_KEYS", words, (*at, "origins", "testers"), key=True)


def _check_whole(document: Document, at: Path, router: Router) -> None:
    """What only rings may leave to themselves."""
    for name in ("origin_group", "endpoint"):
        if getattr(router, name) is None:
            document.report("MISSING_KEY", f"a router of the kind {KIND} needs {quoted(name)}", at)
            return
    if router.live is None:
        words = 'a router of the kind front-door needs "live" and "idle", the origins of both sides'
        document.report("MISSING_KEY", words, at)
    if router.testers and None in (router.testers.rule_set, router.testers.origin_group):
        words = 'testers need "rule_set" and "origin_group", or each ring its own'
        document.report("MISSING_KEY", words, (*at, "testers"))


def _check_time(document: Document, path: Path, canary: Canary) -> None:
    """A calm ramp settles at every step, and once more before its swap and where testers are let in first."""
    policy = canary.policy()
    steps = len(policy.steps) - 1
    settle_s = FRONT_DOOR.settle_s if canary.router.settle is None else canary.router.settle
    at_least_s = (settle_s + policy.patience * policy.tick_s) * steps
    if at_least_s >= canary.within:
        words = (
            f"{steps} steps below 100% of {written(settle_s)} to settle and {policy.patience} ticks of "
            f"{written(canary.tick)} are {written(at_least_s)}: a calm ramp would not be over within "
            f"{written(canary.within)}"
        )
        document.report("RAMP_TOO_SLOW", words, (*path, "within"))
