"""What targets that are planned first ask of the stage around them: nothing that needs an address, no flag."""

from typing import Any

from slipway.promotion.kinds.targets import TARGETS
from slipway.promotion.pipeline.placed import mappings, stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path

NEED_ADDRESSES = ("health", "load", "tests")


def check_planned(document: Document) -> None:
    """Report checks of a stage in which nothing can be reached, and flags where people are to be asked about a plan."""
    for path, stage in stages_in(document):
        named = [target.get("kind") for _, target in targets_of(path, stage)]
        kinds = [TARGETS[kind] for kind in named if isinstance(kind, str) and kind in TARGETS]
        for place, target in targets_of(path, stage):
            if "pointer" in target and "configuration" not in stage and "configuration" not in document.data:
                words = (
                    "a pointer names the snapshot of a release's settings, and no `configuration` says where they lie"
                )
                document.report("MISSING_KEY", words, (*place, "pointer"), key=True)
        planned = [kind.kind for kind in kinds if kind.planned]
        if not planned:
            continue
        if not any(kind.answers for kind in kinds):
            _check_verify(document, path, stage, planned[0])
        rollout = stage.get("rollout")
        if isinstance(rollout, dict) and "flag" in rollout:
            words = f"what is planned for {planned[0]} is for people to see, and a flag asks nobody before its switch"
            document.report("CONFLICTING_KEYS", f"{words}: take blue-green", (*path, "rollout", "flag"), key=True)


def _check_verify(document: Document, path: Path, stage: dict[str, Any], kind: str) -> None:
    for place, check in mappings(stage.get("verify"), (*path, "verify")):
        for name in NEED_ADDRESSES:
            if name in check and not (name == "tests" and _once(check[name])):
                words = f"no target of this stage has an address to be verified at: {kind} is planned and applied"
                document.report("CANNOT_SUCCEED", f"{words}; take it out", (*place, name), key=True)


def _once(tests: object) -> bool:
    """Whether tests run once for the stage, and need no target's address."""
    return isinstance(tests, dict) and tests.get("once") is True
