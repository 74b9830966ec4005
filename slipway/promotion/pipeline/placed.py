"""Where in a pipeline's text its stages, rings and targets stand.

Works on the data as it was read, so that a mistake in one place does not hide those in another.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.promotion.pipeline.positions import Document, Path, read_document

Placed = list[tuple[Path, dict[str, Any]]]


def mappings(value: Any, path: Path) -> Placed:
    """The mappings in the list at `path`, each with its own path."""
    items = enumerate(value) if isinstance(value, list) else ()
    return [((*path, index), item) for index, item in items if isinstance(item, dict)]


def stages_in(document: Document) -> Placed:
    """Every stage."""
    return mappings(document.data.get("stages"), ("stages",))


def rings_of(path: Path, stage: dict[str, Any]) -> Placed:
    """The rings of the stage at `path`, in their order."""
    return mappings(stage.get("rings"), (*path, "rings"))


def targets_of(path: Path, stage: dict[str, Any]) -> Placed:
    """Every target of the stage at `path`, its rings' among them."""
    rings = [target for at, ring in rings_of(path, stage) for target in mappings(ring.get("targets"), (*at, "targets"))]
    return [*mappings(stage.get("targets"), (*path, "targets")), *rings]


def texts(items: Placed, key: str) -> Iterator[tuple[Path, str]]:
    """The texts at `key` of each."""
    return (((*path, key), item[key]) for path, item in items if isinstance(item.get(key), str))


def documents_in(pipelines: Iterable[tuple[str, str]]) -> Iterator[tuple[Document, str]]:
    """Each of the `pipelines`, a text and its file, that is a mapping, to be looked at beside the others; what is wrong
    with it by itself is left to whoever lints it alone."""
    for text, file in pipelines:
        document = read_document(text, file)
        if isinstance(document.data, dict):
            document.findings.clear()
            yield document, file
