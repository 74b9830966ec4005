"""The janitor's look in virtual time: its own code, on the engine in place of its client, and a world for tables."""

import json
from datetime import UTC, datetime
from typing import Any

from slipway.adapters.watched import Watched
from slipway.local.functions.durable.engine import RpcRequest
from slipway.promotion.audit import AuditRecord
from slipway.promotion.promotion_run import PromotionRun
from tests.workflow.rough_workflow import RoughWorkflow
from tests.workflow.virtual import Workflow
from triggers.looking_after import Found
from triggers.rebuilding import Rows


class EngineRuntime:
    """What the janitor asks of the durable runtime, at the addresses that its client asks, too. `lost`: where it
    says what it has terminated."""

    def __init__(self, flow: RoughWorkflow | Workflow, lost: set[str]) -> None:
        self._flow, self._lost = flow, lost

    async def found(self, instance: str) -> Found | None:
        answer = await self._flow.engine.handle(RpcRequest("GET", f"instances/{instance}", {}, {}))
        if answer.status == 404:
            return None
        shown = json.loads(answer.body)
        updated = datetime.fromisoformat(shown["lastUpdatedTime"]).astimezone(UTC)
        return Found(shown["runtimeStatus"], updated)

    async def given(self, instance: str) -> Any:
        answer = await self._flow.engine.handle(RpcRequest("GET", f"instances/{instance}", {"showInput": "true"}, {}))
        given = json.loads(answer.body)["input"] if answer.status != 404 else None
        return json.loads(given) if isinstance(given, str) else given

    async def decisions(self, promotion: str) -> dict[str, Any]:
        return await self._flow.entity("decisions", promotion)

    async def start(self, orchestration: str, instance: str, given: dict[str, Any]) -> None:
        answer = await self._flow.post(f"orchestrators/{orchestration}/{instance}", json.dumps(given))
        assert answer.status == 202 or b"already exists" in answer.body, answer

    async def terminate(self, instance: str, reason: str) -> None:
        self._lost.add(instance)
        await self._flow.engine.handle(RpcRequest("POST", f"instances/{instance}/terminate", {"reason": reason}, {}))

    async def nudge(self, waiters: list[str]) -> None:
        for waiter in waiters:
            await self._flow.nudge(waiter)


class WorldRecords:
    """What the janitor reads of the tables."""

    def __init__(self, flow: RoughWorkflow) -> None:
        self._flow = flow
        self.entries: dict[str, Watched] = {}
        self._taken_in: dict[str, PromotionRun] = {}

    def watch(self, entry: Watched) -> None:
        self.entries.setdefault(entry.instance, entry)

    def take_in(self, run: PromotionRun) -> None:
        """What the pipeline's text and the build say of a promotion that has not said so itself."""
        self._taken_in.setdefault(run.id, run)

    async def watched(self, after: str | None, top: int) -> list[Watched]:
        behind = sorted(instance for instance in self.entries if instance > (after or ""))
        return [self.entries[instance] for instance in behind[:top]]

    async def rows(self, promotion: str) -> Rows:
        kept = self._flow.rough.of(promotion)
        state = "ended" if kept.ended else "running" if kept.token else "new"
        intake = {"state": state, "token": kept.token, "received_at": ""}
        return {
            "intake": intake,
            "promotion": self._taken_in[promotion].row(),
            **{key: row["doc"] for key, row in kept.rows.items()},
        }

    async def locks(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(*key.split("--"), lock) for key, lock in self._flow.rough.environments.items()]  # type: ignore[misc]

    async def behind(self) -> bool:
        return False

    async def unwatch(self, instance: str) -> None:
        del self.entries[instance]

    async def audit(self, promotion: str, record: AuditRecord) -> None:
        raise AssertionError(f"in this world nothing is watched after its stage: {record}")
