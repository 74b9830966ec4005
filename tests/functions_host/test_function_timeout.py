"""functionTimeout of host.json."""

import asyncio
import threading
import time

import aiohttp
import azure.durable_functions as df
import azure.functions as func
import pytest

from tests.functions_host.in_process import hosted

SHORT = {"functionTimeout": "00:00:00.2"}


async def test_function_that_overruns_is_answered_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    go_on, ended = threading.Event(), threading.Event()
    cleaned_up: list[str] = []

    @app.route(route="sync")
    def sync(req: func.HttpRequest) -> str:
        go_on.wait(30)
        ended.set()
        return "late"

    @app.route(route="async")
    async def asynchronous(req: func.HttpRequest) -> str:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned_up.append("async")
        return "late"

    @app.route(route="own")
    async def own(req: func.HttpRequest) -> str:
        raise TimeoutError("the shop is closed")

    async with hosted(app, host_json=SHORT) as it, aiohttp.ClientSession(it.url) as client:
        began = time.monotonic()
        assert (await client.get("/api/sync")).status == 500
        assert (await client.get("/api/async")).status == 500
        assert time.monotonic() - began < 20
        assert cleaned_up == ["async"]
        assert "Timeout value of 00:00:00.2000000 was exceeded by function: Functions.sync" in caplog.text
        assert "its thread goes on" in caplog.text
        go_on.set()
        assert ended.wait(30), "what a sync function does after that still happens"
        caplog.clear()
        assert (await client.get("/api/own")).status == 500
        assert "TimeoutError: the shop is closed" in caplog.text
        assert "exceeded" not in caplog.text


async def test_activity_that_overruns_fails_for_its_orchestrator() -> None:
    app = df.DFApp()
    go_on = threading.Event()

    @app.activity_trigger(input_name="x")
    def slow(x: object) -> str:
        go_on.wait(30)
        return "late"

    @app.orchestration_trigger(context_name="context")
    def hurried(context: df.DurableOrchestrationContext):
        try:
            yield context.call_activity("slow")
        except Exception:  # noqa: BLE001  the SDK raises it bare
            return "went on without"

    async with hosted(app, host_json=SHORT) as it, aiohttp.ClientSession(it.url) as client:
        await client.post(it.rpc + "/orchestrators/hurried/one")
        await it.time.settle()
        status = await (await client.get(it.rpc + "/instances/one")).json()
        assert (status["runtimeStatus"], status["output"]) == ("Completed", "went on without")
        go_on.set()


async def test_host_json_lets_a_start_replace_what_is_running() -> None:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def waits(context: df.DurableOrchestrationContext):
        yield context.wait_for_external_event("go")

    settings = {"extensions": {"durableTask": {"overridableExistingInstanceStates": "AnyState"}}}
    async with hosted(app, host_json=settings) as it, aiohttp.ClientSession(it.url) as client:
        for given in (1, 2):
            assert (await client.post(it.rpc + "/orchestrators/waits/one", json=given)).status == 202
            await it.time.settle()
        assert (await (await client.get(it.rpc + "/instances/one")).json())["input"] == 2
