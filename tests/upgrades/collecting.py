"""Keeps what runs in virtual time: every generation of an orchestration as far as it got, each shape of it once."""

import json
from typing import Any

from slipway.local.functions.durable.engine import DurableEngine
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.model import Instance, Selection
from tests.upgrades.stored import Batch, History

Shape = tuple[Any, ...]


class Collector:
    """A watcher of `tests.workflow.virtual`. Set `situation` before something begins; `ends` when that is over."""

    def __init__(self) -> None:
        self.situation = ""
        self._histories: dict[Shape, History] = {}
        self._batches: dict[Shape, Batch] = {}
        self._open: dict[tuple[int, str], History] = {}
        self._engine: DurableEngine | None = None

    def histories(self) -> list[History]:
        """Those that are not the beginning of another one: whoever replays that has replayed them."""
        shapes = set(self._histories)
        begun = {(*shape[:2], shape[2][:n]) for shape in shapes for n in range(1, len(shape[2]))}
        return [history for shape, history in self._histories.items() if shape not in begun]

    def batches(self) -> list[Batch]:
        return list(self._batches.values())

    def sees_episode(self, engine: DurableEngine, body: str) -> None:
        self._engine = engine
        if instance := engine._store.instance(json.loads(body)["instanceId"]):
            self._note(engine, instance)

    def sees_batch(self, entity: str, body: str) -> None:
        asked = json.loads(body)
        state = json.loads(asked["state"]) if asked["state"] else None
        for each in asked["batch"]:
            shape = entity, each["name"], _shape_of(state)
            alone = {**asked, "batch": [each]}
            self._batches.setdefault(shape, Batch(self.situation, entity, alone))

    def ends(self) -> None:
        """The situation is over: what still waits is kept, too."""
        if self._engine is not None and not self._engine._stopping:
            for instance in self._engine._store.select(Selection()):
                if not instance.status.ended:
                    self._note(self._engine, instance)
        for history in self._open.values():
            self._histories.setdefault(shape_of(history), history)
        self._open.clear()
        self._engine = None

    def _note(self, engine: DurableEngine, instance: Instance) -> None:
        episodes = engine._store.history(instance.id)
        if not episodes:
            return
        parent = instance.parent.instance if instance.parent else None
        given = json.loads(instance.input or "null")
        told = self.situation, instance.name, instance.id, instance.version, parent, given
        self._open[id(engine), instance.execution] = History(*told, tuple(tuple(each) for each in episodes))


def shape_of(history: History) -> Shape:
    """What was called, and in which order; of a stage and an operation, for what. The last part has every beginning of
    the history in front."""
    where = history.given.get("phase") or history.given.get("activity") or ""
    return history.orchestrator, where, tuple(_told(event) for event in history.events)


def _told(event: HistoryEvent) -> Shape:
    name = json.loads(event.input or "{}").get("op", "") if event.kind is Kind.EVENT_SENT else event.name
    return event.kind, "" if event.kind is Kind.EVENT_RAISED and event.name != "nudge" else name


def _shape_of(value: Any, depth: int = 3) -> Any:
    """Which fields there are, and of which kind; of lists, that of what is in them."""
    if isinstance(value, dict) and depth:
        return tuple(sorted((name, _shape_of(each, depth - 1)) for name, each in value.items()))
    if isinstance(value, list) and depth:
        return "list", tuple(sorted({repr(_shape_of(each, depth - 1)) for each in value}))
    return type(value).__name__
