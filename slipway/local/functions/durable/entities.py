"""Runs entities: everything that has arrived as one batch, one batch at a time, state and answers in one commit."""

import asyncio
import json
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slipway.local.functions.durable.backend import Backend
from slipway.local.functions.durable.contract import Functions, Limits
from slipway.local.functions.durable.decisions import EntityRequest
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.hub import Hub
from slipway.local.functions.durable.model import Message

log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Answer:
    exists: bool
    state: str
    results: Sequence[dict[str, Any]]


class Entities:
    def __init__(self, functions: Functions, hub: Hub, pool: Executor, limits: Limits, backend: Backend) -> None:
        self._functions, self._hub, self._pool, self._limits = functions, hub, pool, limits
        self._backend = backend
        self._slots = asyncio.Semaphore(limits.entities)
        self._failures: dict[str, int] = {}

    async def step(self, entity_id: str) -> bool:
        """Runs one batch, if there is one; says whether there may be more.

        A batch whose call fails as a whole (the SDK answers failed operations itself) is kept and tried again.
        """
        async with self._slots:
            batch = self._hub.inbox(entity_id)[: self._limits.entity_batch]
            if not batch or self._hub.timers.of(entity_id):
                return False
            state = self._hub.store.entity_state(entity_id)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._pool, self._run, entity_id, state, batch)
            if answer is None:
                self._try_later(entity_id)
                return False
            self._failures.pop(entity_id, None)
            self._commit(entity_id, batch, answer)
            return True

    def _run(self, entity_id: str, state: str | None, batch: Sequence[Message]) -> _Answer | None:
        _, name, key = entity_id.split("@", 2)
        body = {
            "self": {"name": name, "key": key},
            "exists": state is not None,
            "state": state,
            "batch": [
                {"name": request.operation, "input": request.input, "isSignal": request.signal}
                for request in _requests(batch)
            ],
        }
        try:
            answer = json.loads(self._functions.run_entity(name, json.dumps(body)))
            self._backend.check_payload(f"state of the entity {entity_id}", answer["entityState"])
            return _Answer(answer["entityExists"], answer["entityState"], answer["results"])
        except Exception:  # whatever the function or the SDK raised: the batch must not be lost
            log.exception("entity %s: the whole batch of %d failed; trying again later", entity_id, len(batch))
            return None

    def _commit(self, entity_id: str, batch: Sequence[Message], answer: _Answer) -> None:
        hub = self._hub
        now = hub.clock.now()
        with hub.transaction():
            hub.take(batch)
            hub.store.put_entity_state(entity_id, answer.state if answer.exists else None, now)
            for request, result in zip(_requests(batch), answer.results, strict=True):
                if request.parent is None or request.signal:
                    continue
                said = {"result": result["result"], **({"exceptionType": "Error"} if result["isError"] else {})}
                event = HistoryEvent(Kind.EVENT_RAISED, now, name=request.id, input=json.dumps(said))
                hub.post(request.parent, event, request.parent_execution)

    def _try_later(self, entity_id: str) -> None:
        failures = self._failures[entity_id] = self._failures.get(entity_id, 0) + 1
        pause = min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)
        self._hub.wake_at(entity_id, self._hub.clock.now() + pause)


def _requests(batch: Sequence[Message]) -> list[EntityRequest]:
    return [message.body for message in batch if isinstance(message.body, EntityRequest)]
