"""What a target's kind asks for: a resource of that kind, its artifact, and a slot or none."""

from slipway.promotion.pipeline.placed import stages_in, targets_of
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.vocabulary import kind_of

ARTIFACT_OF = {"app-service": "zip", "container-apps": "image"}


def check_targets(document: Document) -> None:
    """Report targets whose kind is not that of their resource, nor fits the pipeline's artifact, and slots that there
    are none of."""
    artifact = document.data.get("artifact")
    given = [each for each in ARTIFACT_OF.values() if isinstance(artifact, dict) and each in artifact]
    for path, stage in stages_in(document):
        for place, target in targets_of(path, stage):
            if isinstance(target.get("kind"), str) and target["kind"] in ARTIFACT_OF:
                _check(document, place, target, given)


def _check(document: Document, path: Path, target: dict[str, object], artifact: list[str]) -> None:
    kind, resource = str(target["kind"]), target.get("resource")
    found = kind_of(resource) if isinstance(resource, str) else ""
    if found and found != kind:
        words = f"the resource is one of the kind {found}, not {kind}"
        document.report("RESOURCE_MISMATCH", words, (*path, "kind"), found)
        return
    if len(artifact) == 1 and artifact != [ARTIFACT_OF[kind]]:
        words = f"{kind} runs an artifact given as `{ARTIFACT_OF[kind]}`, and this pipeline's is `{artifact[0]}`"
        document.report("ARTIFACT_MISMATCH", words, (*path, "kind"))
    if kind == "container-apps" and "slot" in target:
        words = "container-apps have revisions and no slots; take it out"
        document.report("CONFLICTING_KEYS", words, (*path, "slot"), key=True)
