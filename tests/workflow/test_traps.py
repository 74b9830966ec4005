"""Each trap is seen: small orchestrators step into one each, on the SDK and the laptop's engine."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import azure.durable_functions as df
import pytest

from tests.durable_engine.harness import World
from tests.workflow.traps import traps

Context = df.DurableOrchestrationContext
Code = Callable[[Context], Generator[Any, Any, Any]]
M1 = timedelta(minutes=1)


def in_a_minute(context: Context) -> datetime:
    return context.current_utc_datetime + M1


def well_behaved(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity("echo", 1)
    yield context.task_all([context.call_activity("echo", n) for n in range(20)])
    context.set_custom_status({"state": "waiting"})
    wait, timer = context.wait_for_external_event("nudge"), context.create_timer(in_a_minute(context))
    if (yield context.task_any([wait, timer])) is not timer:
        timer.cancel()


def begins_with_the_wait(context: Context) -> Generator[Any, Any, Any]:
    yield context.wait_for_external_event("nudge")


def waits_for_another_name(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity("echo", 1)
    yield context.wait_for_external_event("Nudge")


def waits_twice(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity("echo", 1)
    yield context.task_all([context.wait_for_external_event("nudge"), context.wait_for_external_event("nudge")])


def uses_a_timer_again(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity("echo", 1)
    deadline = context.create_timer(in_a_minute(context))
    yield context.task_any([context.call_activity("echo", 2), deadline])
    yield context.task_any([context.wait_for_external_event("nudge"), deadline])


def nests(context: Context) -> Generator[Any, Any, Any]:
    yield context.task_all([context.task_all([context.call_activity("echo", 1)])])


def is_too_wide(context: Context) -> Generator[Any, Any, Any]:
    yield context.task_all([context.call_activity("echo", n) for n in range(21)])


def times_in_another_zone(context: Context) -> Generator[Any, Any, Any]:
    yield context.create_timer(in_a_minute(context).replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=2))))


def waits_for_long(context: Context) -> Generator[Any, Any, Any]:
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def leaves_a_timer_open(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity("echo", 1)
    timer = context.create_timer(in_a_minute(context))
    yield context.task_any([context.wait_for_external_event("nudge"), timer])


def tries_again(context: Context) -> Generator[Any, Any, Any]:
    yield context.call_activity_with_retry("echo", df.RetryOptions(1000, 2), 1)


def says_nothing(context: Context) -> Generator[Any, Any, Any]:
    context.set_custom_status(["words"])
    yield context.call_activity("echo", 1)


def says_too_much(context: Context) -> Generator[Any, Any, Any]:
    context.set_custom_status({"words": "x" * 8000})
    yield context.call_activity("echo", 1)


STEPS: list[tuple[Code, str]] = [
    (begins_with_the_wait, "begins with the wait"),
    (waits_for_another_name, "another name"),
    (waits_twice, "two waits for one name"),
    (uses_a_timer_again, "used again is left out"),
    (nests, "composite within a composite"),
    (is_too_wide, "21 children"),
    (times_in_another_zone, "not in UTC"),
    (waits_for_long, "longer than our 15 minutes"),
    (leaves_a_timer_open, "a timer is left open"),
    (tries_again, "a retry by the SDK"),
    (says_nothing, "no object with something in it"),
    (says_too_much, "beyond 8,000 characters"),
]


async def seen(code: Code) -> set[str]:
    """The traps that are seen while the code runs and a nudge comes."""
    app, found = df.DFApp(), set[str]()
    app.orchestration_trigger("context")(code)

    @app.activity_trigger("x")
    def echo(x: object) -> object:
        return x

    async with World(app) as world:
        orchestrate = world.functions.orchestrate

        def watched(name: str, body: str) -> str:
            answer = orchestrate(name, body)
            found.update(traps(body, answer))
            return answer

        world.functions.orchestrate = watched  # type: ignore[method-assign]
        await world.start(code.__name__)
        await world.settle()
        await world.raise_event("one", "nudge")
        await world.settle()
    return found


@pytest.mark.filterwarnings("ignore:Potential duplicate")
@pytest.mark.parametrize(("code", "trap"), STEPS, ids=[code.__name__ for code, _ in STEPS])
async def test_a_step_into_a_trap_is_seen(code: Code, trap: str) -> None:
    assert any(trap in each for each in await seen(code))


async def test_an_orchestrator_that_steps_into_none_is_left_in_peace() -> None:
    assert await seen(well_behaved) == set()
