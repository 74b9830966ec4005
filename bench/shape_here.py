"""The shape of a promotion on the laptop's durable engine: real host code, a state file, full replays.

One parent, four sub-orchestrations one after the other, 18 activities in all, one event before the last stage.
"""

import asyncio
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.durable_functions as df

from bench.figure import ms
from slipway.local.functions.app import read_functions
from slipway.local.functions.clock import WallClock
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from slipway.local.functions.durable_functions import DurableFunctions
from slipway.local.functions.invocation import Invoker

STEPS = (4, 4, 5, 5)
_JSON = {"content-type": "application/json"}


def app() -> df.DFApp:
    made = df.DFApp()

    @made.orchestration_trigger("context")
    def promotion(context: df.DurableOrchestrationContext) -> Any:
        for number, steps in enumerate(STEPS[:-1]):
            yield context.call_sub_orchestrator("stage", {"name": f"s{number}", "steps": steps})
        yield context.wait_for_external_event("approved")
        return (yield context.call_sub_orchestrator("stage", {"name": "last", "steps": STEPS[-1]}))

    @made.orchestration_trigger("context")
    def stage(context: df.DurableOrchestrationContext) -> Any:
        given = context.get_input()
        for number in range(given["steps"]):
            yield context.call_activity("noop", {**given, "n": number})
        return given["name"]

    @made.activity_trigger("order")
    def noop(order: dict[str, Any]) -> dict[str, Any]:
        return order

    return made


class Here:
    """`once` carries one promotion from start to end; what it returns is milliseconds."""

    def __init__(self, runner: asyncio.Runner, engine: DurableEngine) -> None:
        self._runner, self._engine = runner, engine
        self._count = 0

    def once(self) -> float:
        self._count += 1
        return ms(lambda: self._runner.run(self._promote(f"p{self._count}")))

    async def _promote(self, id: str) -> None:
        await self._post(f"orchestrators/promotion/{id}", json.dumps(json.dumps({"build": self._count})))
        await self._post(f"instances/{id}/raiseEvent/approved", "{}")
        await self._engine.until_idle()
        status = json.loads((await self._engine.handle(RpcRequest("GET", f"instances/{id}", {}, {}))).body)
        assert status["runtimeStatus"] == "Completed", status

    async def _post(self, path: str, body: str) -> None:
        answer = await self._engine.handle(RpcRequest("POST", path, {}, _JSON, body.encode()))
        assert answer.status == 202, answer


@contextmanager
def here(folder: Path) -> Iterator[Here]:
    """The engine on a state file in `folder`."""
    logging.getLogger().setLevel(logging.ERROR)  # the SDK warns that an app without HTTP has an auth level
    module = ModuleType("function_app")
    module.app = app()  # type: ignore[attr-defined]
    nobody: Any = None
    with asyncio.Runner() as runner, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about an event that comes early
        runner.get_loop()
        functions = DurableFunctions(read_functions(module, {}), Invoker("", None, lambda: "", nobody))
        engine = DurableEngine(functions, folder / "hub.sqlite", WallClock())
        runner.run(engine.start())
        yield Here(runner, engine)
        runner.run(engine.stop())
