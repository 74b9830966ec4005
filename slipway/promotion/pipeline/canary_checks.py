"""What a canary needs of the stage around it: its router and targets, its times."""

from typing import Any

from slipway.promotion.kinds import TARGETS, Router, routers_for
from slipway.promotion.kinds.app_configuration_flag import APP_CONFIGURATION_FLAG
from slipway.promotion.pipeline.canary import Canary
from slipway.promotion.pipeline.flag import Flag
from slipway.promotion.pipeline.front_door_checks import check_front_door
from slipway.promotion.pipeline.front_door_places import check_places
from slipway.promotion.pipeline.placed import rings_of, targets_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.section import sound
from slipway.promotion.pipeline.times import seconds_of, written


def check_canaries(document: Document) -> None:
    """Report routers that are not the targets', ticks and bakes that are too short, steps that a router cannot set,
    and ramps that cannot come to their end in time."""
    stages = document.data.get("stages")
    for index, stage in enumerate(stages if isinstance(stages, list) else []):
        rollout = stage.get("rollout") if isinstance(stage, dict) else None
        block = rollout.get("canary") if isinstance(rollout, dict) else None
        canary = sound(Canary, block)
        flag = sound(Flag, rollout.get("flag")) if isinstance(rollout, dict) and "flag" in rollout else None
        if flag is not None:
            _check_flag(document, ("stages", index, "rollout", "flag"), flag, stage)
        if canary is not None:
            path: Path = ("stages", index, "rollout", "canary")
            _check_times(document, path, canary, stage)
            for kind in _kinds(stage):
                _check_router(document, path, canary, kind)
            check_front_door(document, path, canary, stage)
    check_places(document)


def _check_router(document: Document, path: Path, canary: Canary, target: str) -> None:
    routers = list(routers_for(target))
    if not routers:
        if target in TARGETS:  # else the kind is reported elsewhere
            words = f"nothing divides the traffic of {target}; take all-at-once, blue-green or a flag"
            document.report("NO_ROUTER", words, path, key=True)
        return
    router = next((each for each in routers if canary.router.kind in (None, each.kind)), None)
    if router is None:
        words = f"the traffic of {target} is divided by {routers[0].kind}, not by {canary.router.kind}"
        document.report("ROUTER_MISMATCH", words, (*path, "router", "kind"), routers[0].kind)
        return
    settle_s = router.settle_s if canary.router.settle is None else canary.router.settle
    if canary.tick < settle_s and not router.fronts:
        words = (
            f"a tick of {written(canary.tick)} is over before {router.kind} has settled, which takes "
            f"{written(settle_s)}: it would be judged on the share before"
        )
        document.report("TICK_TOO_SHORT", words, (*path, "tick"))
    _check_grain(document, path, canary, router)


def _check_flag(document: Document, path: Path, flag: Flag, stage: dict[str, Any]) -> None:
    _check_times(document, path, flag, stage)
    _check_grain(document, path, flag, APP_CONFIGURATION_FLAG)
    if flag.compare and not APP_CONFIGURATION_FLAG.can_set(flag.compare.share):
        words = f"a flag is set in steps of {100 * APP_CONFIGURATION_FLAG.grain:g}%"
        document.report(
            "STEP_TOO_FINE", f"{words}, and {100 * flag.compare.share:g}% is none", (*path, "compare", "share")
        )
    if flag.tick < flag.settle:
        words = (
            f"a tick of {written(flag.tick)} is over before applications have read the flag, which takes "
            f"{written(flag.settle)}: it would be judged on the share before"
        )
        document.report("TICK_TOO_SHORT", words, (*path, "tick"))


def _check_grain(document: Document, path: Path, canary: Canary | Flag, router: Router) -> None:
    for index, step in enumerate(canary.steps):
        if not router.can_set(step):
            words = f"{router.kind} sets multiples of {100 * router.grain:g}%, and {100 * step:g}% is none"
            document.report("STEP_TOO_FINE", words, (*path, "steps", index))


def _check_times(document: Document, path: Path, canary: Canary | Flag, stage: dict[str, Any]) -> None:
    policy = canary.policy()
    steps = len(policy.steps) - 1
    at_least_s = policy.patience * policy.tick_s * steps
    if at_least_s >= canary.within:
        words = (
            f"patience of {policy.patience} ticks × {written(canary.tick)} × {steps} steps below 100% are "
            f"{written(at_least_s)}: a calm ramp would not be over within {written(canary.within)}"
        )
        document.report("RAMP_TOO_SLOW", words, (*path, "within"))
    for at, baking in [(path[:2], stage), *rings_of(path[:2], stage)]:
        bake_s = seconds_of(baking.get("bake"))
        if 0 < bake_s < canary.tick:
            words = f"a bake of {written(bake_s)} is over before one tick of {written(canary.tick)} is judged"
            document.report("BAKE_TOO_SHORT", words, (*at, "bake"))


def _kinds(stage: dict[str, Any]) -> list[str]:
    """The kinds of its targets, each once."""
    found = [target.get("kind") for _, target in targets_of((), stage)]
    return list(dict.fromkeys(kind for kind in found if isinstance(kind, str)))
