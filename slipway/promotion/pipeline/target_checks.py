"""What a target's kind asks for: a resource of that kind, its artifacts, a slot or none, what describes it further."""

from typing import Any

from slipway.promotion.kinds.switches import SWITCHES
from slipway.promotion.kinds.target import TargetKind
from slipway.promotion.kinds.targets import TARGETS
from slipway.promotion.pipeline.models import ARTIFACTS
from slipway.promotion.pipeline.placed import stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.vocabulary import kind_of

SECTIONS = tuple(dict.fromkeys(section for kind in TARGETS.values() for section in kind.sections))

OTHER_SWITCHES = tuple(SWITCHES)  # each knows the addresses of users and sides


def check_targets(document: Document) -> None:
    """Report targets whose kind is not that of their resource, nor fits the pipeline's artifacts, and slots and
    sections that there are none of."""
    asked: dict[Path, set[str]] = {}
    for path, stage in stages_in(document):
        for place, target in targets_of(path, stage):
            if isinstance(target.get("kind"), str) and target["kind"] in TARGETS:
                kind = TARGETS[target["kind"]]
                at, whose = _artifact_of(document, target)
                asked.setdefault(at, set()).update(kind.artifacts, kind.more_artifacts)
                _check(document, place, target, kind, _given(document, at), whose)
                _check_addresses(document, place, target)
    for at, wanted in asked.items():
        given = _given(document, at)
        spare = [each for each in given if each not in wanted]
        if spare and len(spare) < len(given):  # else each target is told what it wants instead
            words = f"no target runs an artifact given as `{spare[0]}`; take it out"
            document.report("CONFLICTING_KEYS", words, (*at, spare[0]), key=True)


def _check_addresses(document: Document, path: Path, target: dict[str, object]) -> None:
    """Where the Kubernetes Service is the switch, only the section says where users and testers ask."""
    helm = target.get("helm")
    if not isinstance(helm, dict) or any(section in target for section in OTHER_SWITCHES):
        return
    for name in ("address", "preview"):
        if name not in helm:
            document.report("MISSING_KEY", f'a helm section needs "{name}" where no other switch is', (*path, "helm"))


def _artifact_of(document: Document, target: dict[str, object]) -> tuple[Path, str]:
    """Where the artifact of the target stands, and whose it is, in words."""
    member = target.get("member")
    if isinstance(document.data.get("members"), dict) and isinstance(member, str):
        return ("members", member, "artifact"), f"{member}'s"
    return ("artifact",), "this pipeline's"


def _given(document: Document, at: Path) -> list[str]:
    """The kinds of artifact that are given there."""
    written: Any = document.data
    for part in at:
        written = written.get(part) if isinstance(written, dict) else None
    return [each for each in ARTIFACTS if isinstance(written, dict) and each in written]


def _check(
    document: Document, path: Path, target: dict[str, object], kind: TargetKind, given: list[str], whose: str
) -> None:
    resource = target.get("resource")
    found = kind_of(resource) if isinstance(resource, str) else ""
    if found and found != kind.kind:
        words = f"the resource is one of the kind {found}, not {kind.kind}"
        document.report("RESOURCE_MISMATCH", words, (*path, "kind"), found)
        return
    missing = [each for each in kind.artifacts if each not in given]
    if given and missing:
        has = " and ".join(f"`{each}`" for each in given)
        words = f"{kind.kind} runs an artifact given as `{missing[0]}`, and {whose} is {has}"
        document.report("ARTIFACT_MISMATCH", words, (*path, "kind"))
    if not kind.slots and "slot" in target:
        words = f"{kind.kind} has no slots; take it out"
        document.report("CONFLICTING_KEYS", words, (*path, "slot"), key=True)
    for section in SECTIONS:
        if section in target and section not in kind.sections:
            document.report(
                "CONFLICTING_KEYS", f"{kind.kind} has no {section}; take it out", (*path, section), key=True
            )
        elif section in kind.must and section not in target:
            document.report("MISSING_KEY", f'a target of the kind {kind.kind} needs "{section}"', path)
