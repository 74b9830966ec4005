"""What targets that are planned first ask of the stage around them: nothing that needs an address, or divides
traffic."""

from typing import Any

from slipway.promotion.kinds.targets import TARGETS
from slipway.promotion.pipeline.placed import mappings, stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path


def check_planned(document: Document) -> None:
    """Report checks of a stage in which nothing can be reached, and rollouts that divide what nobody asks."""
    for path, stage in stages_in(document):
        kinds = [TARGETS[kind] for _, target in targets_of(path, stage) if (kind := target.get("kind")) in TARGETS]
        planned = [kind.kind for kind in kinds if kind.planned]
        if not planned:
            continue
        if not any(kind.answers for kind in kinds):
            _check_verify(document, path, stage, planned[0])
        rollout = stage.get("rollout")
        for strategy in ("canary", "flag"):
            if isinstance(rollout, dict) and strategy in rollout:
                words = f"a target of the kind {planned[0]} has no traffic that a {strategy} could divide"
                document.report(
                    "CONFLICTING_KEYS",
                    f"{words}; blue-green asks people about its plan",
                    (*path, "rollout", strategy),
                    key=True,
                )


def _check_verify(document: Document, path: Path, stage: dict[str, Any], kind: str) -> None:
    for place, check in mappings(stage.get("verify"), (*path, "verify")):
        for name in ("health", "load"):
            if name in check:
                words = f"no target of this stage has an address to be verified at: {kind} is planned and applied"
                document.report("CANNOT_SUCCEED", f"{words}; take it out", (*place, name), key=True)
