"""What a target's kind asks for: a resource of that kind, its artifact, and a slot or none."""

from typing import Any

from slipway.promotion.pipeline.placed import stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.vocabulary import kind_of

ARTIFACT_OF = {"app-service": "zip", "container-apps": "image"}


def check_targets(document: Document) -> None:
    """Report targets whose kind is not that of their resource, nor fits the pipeline's artifact, and slots that there
    are none of."""
    asked: dict[Path, set[str]] = {}
    for path, stage in stages_in(document):
        for place, target in targets_of(path, stage):
            if isinstance(target.get("kind"), str) and target["kind"] in ARTIFACT_OF:
                at, whose = _artifact_of(document, target)
                asked.setdefault(at, set()).add(ARTIFACT_OF[target["kind"]])
                _check(document, place, target, _given(document, at), whose)
    for at, kinds in asked.items():
        if len(_given(document, at)) > len(kinds):
            words = 'an artifact is either "zip" or "image" where its targets are of one kind; take one out'
            document.report("CONFLICTING_KEYS", words, at)


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
    return [each for each in ARTIFACT_OF.values() if isinstance(written, dict) and each in written]


def _check(document: Document, path: Path, target: dict[str, object], artifact: list[str], whose: str) -> None:
    kind, resource = str(target["kind"]), target.get("resource")
    found = kind_of(resource) if isinstance(resource, str) else ""
    if found and found != kind:
        words = f"the resource is one of the kind {found}, not {kind}"
        document.report("RESOURCE_MISMATCH", words, (*path, "kind"), found)
        return
    if len(artifact) == 1 and artifact != [ARTIFACT_OF[kind]]:
        words = f"{kind} runs an artifact given as `{ARTIFACT_OF[kind]}`, and {whose} is `{artifact[0]}`"
        document.report("ARTIFACT_MISMATCH", words, (*path, "kind"))
    if kind == "container-apps" and "slot" in target:
        words = "container-apps have revisions and no slots; take it out"
        document.report("CONFLICTING_KEYS", words, (*path, "slot"), key=True)
