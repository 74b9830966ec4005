"""An app whose runs can be counted, for tests that crash it. As a script: runs it in real time on a state file."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df

from slipway.local.functions.clock import WallClock
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from tests.durable_engine.harness import AppFunctions

CHILDREN, STEPS = 3, 4


def crashing_app(count_run: Callable[[str], int], pause: timedelta) -> df.DFApp:
    """`count_run` is called in every run of an activity, and says which run of that step it is."""
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def parent(context):
        names = [f"{context.instance_id}-{n}" for n in range(CHILDREN)]
        start = {"step": 0, "answers": {}}
        children = [context.call_sub_orchestrator("child", start, name) for name in names]
        answers = yield context.task_all(children)
        total = yield context.call_entity(df.EntityId("total", "all"), "get")
        return {"answers": {step: run for one in answers for step, run in one.items()}, "total": total}

    @app.orchestration_trigger("context")
    def child(context):
        """One generation a step: two activities, an entity call, a signal, a pause."""
        state = context.get_input()
        here = f"{context.instance_id}/{state['step']}"
        runs = yield context.task_all([context.call_activity("work", f"{here}/{side}") for side in "ab"])
        state["answers"] |= {f"{here}/a": runs[0], f"{here}/b": runs[1]}
        total = df.EntityId("total", "all")
        yield context.call_entity(total, "add", 1)
        context.signal_entity(total, "add", 10)
        yield context.create_timer(context.current_utc_datetime + pause)
        state["step"] += 1
        if state["step"] == STEPS:
            return state["answers"]
        context.continue_as_new(state)
        return None

    @app.activity_trigger("step")
    async def work(step: str) -> int:
        run = count_run(step)
        await asyncio.sleep(0)
        return run

    @app.entity_trigger("context")
    def total(context):
        value = context.get_state(lambda: 0)
        if context.operation_name == "add":
            value += context.get_input()
            context.set_state(value)
        context.set_result(value)

    return app


EXPECTED_TOTAL = CHILDREN * STEPS * 11


async def main(state: str, runs: str) -> None:
    """Starts `one` unless it is there, prints its output when it has ended. Runs are lines of the file `runs`."""
    counted: Counter[str] = Counter()

    def count_run(step: str) -> int:
        with Path(runs).open("a+", encoding="utf-8") as file:
            file.write(f"{step}\n")
            file.flush()
            file.seek(0)
            counted.clear()
            counted.update(file.read().split())
        return counted[step]

    engine = DurableEngine(AppFunctions(crashing_app(count_run, timedelta(milliseconds=30))), state, WallClock())
    await engine.start()
    await engine.handle(RpcRequest("POST", "orchestrators/parent/one", {}, {}))
    while True:
        status = json.loads((await engine.handle(RpcRequest("GET", "instances/one", {}, {}))).body)
        if status["runtimeStatus"] not in ("Pending", "Running"):
            print(json.dumps(status), flush=True)
            break
        await asyncio.sleep(0.01)
    await engine.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
