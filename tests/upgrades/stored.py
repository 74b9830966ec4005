"""Recorded histories of orchestrations, and batches of entities, as they lie in `histories/<version>/`.

One gzipped file an orchestrator or entity, one line of JSON a history or batch. Once a version has been released its
files are never written again: they are what waits in somebody's task hub.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.local.functions.durable.history import HistoryEvent, dump_events, load_events

FOLDER = Path(__file__).with_name("histories")


@dataclass(frozen=True)
class History:
    """One generation of an orchestration as it waited for what never came. `situation` says where that was recorded,
    `input` is its own; `episodes` are those of the generation, oldest first."""

    situation: str
    orchestrator: str
    instance: str
    version: str | None
    parent: str | None
    input: Any
    episodes: tuple[tuple[HistoryEvent, ...], ...]

    @property
    def given(self) -> dict[str, Any]:
        """What the code reads as its input: client and SDK encode it once more."""
        given: dict[str, Any] = json.loads(self.input) if isinstance(self.input, str) else self.input
        return given

    @property
    def events(self) -> list[HistoryEvent]:
        return [event for episode in self.episodes for event in episode]

    def dump(self) -> dict[str, Any]:
        return {**vars(self), "episodes": [json.loads(dump_events(episode)) for episode in self.episodes]}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "History":
        return cls(**{**data, "episodes": tuple(tuple(load_events(json.dumps(each))) for each in data["episodes"])})


@dataclass(frozen=True)
class Batch:
    """A call of an entity: `body` is the SDK's JSON, with the state that it had and what was asked of it."""

    situation: str
    entity: str
    body: dict[str, Any]


def versions(folder: Path = FOLDER) -> list[str]:
    """The versions of which histories are stored, in no order."""
    return [each.name for each in folder.iterdir() if each.is_dir()]


def histories(folder: Path = FOLDER) -> Iterator[History]:
    """All that are stored, of every version."""
    for file in sorted(folder.glob("*/orchestration-*.jsonl.gz")):
        yield from (History.load(data) for data in _read(file))


def batches(folder: Path = FOLDER) -> Iterator[Batch]:
    for file in sorted(folder.glob("*/entity-*.jsonl.gz")):
        yield from (Batch(**data) for data in _read(file))


def store(folder: Path, found: Iterable[History], asked: Iterable[Batch]) -> None:
    """Write the files of one version, the same bytes for the same content."""
    files: dict[str, list[dict[str, Any]]] = {}
    for history in found:
        files.setdefault(f"orchestration-{history.orchestrator}", []).append(history.dump())
    for batch in asked:
        files.setdefault(f"entity-{batch.entity}", []).append(asdict(batch))
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _read(file: Path) -> Iterator[dict[str, Any]]:
    for line in gzip.decompress(file.read_bytes()).decode().splitlines():
        yield json.loads(line)
