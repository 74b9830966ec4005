"""What can only be seen in several pipelines together: flags that more than one of them changes."""

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.promotion.pipeline.findings import Finding, quoted
from slipway.promotion.pipeline.placed import documents_in, rings_of, stages_in, texts
from slipway.promotion.pipeline.positions import Path
from slipway.promotion.pipeline.release_parts_checks import Flag, flags_of
from slipway.promotion.rings import ring_name


def shared_flags(pipelines: Iterable[tuple[str, str]]) -> list[Finding]:
    """A finding for each flag, by name and label in the one store, that an earlier one of the `pipelines` changes, too.
    Each is a text and the file that it lies in."""
    first: dict[Flag, tuple[str, int]] = {}
    found: list[Finding] = []
    for document, file in documents_in(pipelines):
        for path, stage in stages_in(document):
            for at, flag in _flags(path, stage):
                where, line = first.setdefault(flag, (file, document.line(at)))
                if where != file:
                    words = f"the flag {quoted(flag[0])} is changed by {where}, on line {line}, too"
                    words += ": whichever release has it, the other's ends with FLAG_IN_USE, or undoes what it did"
                    document.report("SHARED_FLAG", words, at)
        found += sorted(set(document.findings))
    return found


def _flags(path: Path, stage: dict[str, Any]) -> Iterator[tuple[Path, Flag]]:
    """The flags that a stage changes; of a label that differs by ring, each ring's."""
    environment = str(stage.get("environment", ""))
    rings = [ring_name(environment, name) for _, name in texts(rings_of(path, stage), "name")]
    for at, (name, label) in flags_of(path, stage):
        for each in rings if "{environment}" in label else ["" if rings else environment]:
            yield at, (name, label.replace("{environment}", each))
