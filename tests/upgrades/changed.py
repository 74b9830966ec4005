"""Orchestrators as somebody might change them, wrongly and rightly, in the place of the app's own."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import azure.durable_functions as df

from slipway.local.functions.app import read_functions
from slipway.local.functions.durable.contract import Functions
from slipway.local.functions.durable_functions import DurableFunctions
from slipway.promotion.orchestration_version import began_before
from tests.workflow.virtual import app_code, app_functions

A_CALL = ("nudge", {"waiters": []})
NEXT = "99.0.0"
Orchestrator = Callable[[df.DurableOrchestrationContext], Any]


@dataclass(frozen=True)
class Changed:
    """The app's functions, but for one orchestrator."""

    name: str
    instead: DurableFunctions

    def kind(self, name: str) -> str | None:
        return app_code().kind(name)

    def orchestrate(self, name: str, body: str) -> str:
        return (self.instead if name == self.name else app_code()).orchestrate(name, body)

    def run_entity(self, name: str, body: str) -> str:
        return app_code().run_entity(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        raise AssertionError("a replay runs no activity")


def with_change(name: str, make: Callable[[Orchestrator], Orchestrator]) -> Functions:
    """The app with another orchestrator `name`, made of today's."""
    app = df.DFApp()

    def changed(context: df.DurableOrchestrationContext) -> Any:
        return (yield from make(_today(name))(context))

    app.orchestration_trigger("context", orchestration=name)(changed)
    module = ModuleType("function_app")
    module.app = app  # type: ignore[attr-defined]
    unused: Any = None
    return Changed(name, DurableFunctions(read_functions(module, {}), unused))


def _today(name: str) -> Orchestrator:
    """The code behind the SDK's handler."""
    function = next(each for each in app_functions() if each.registered_name == name)
    code: Orchestrator = function.code.orchestrator_function  # type: ignore[attr-defined]
    return code


def another_call_first(today: Orchestrator) -> Orchestrator:
    def changed(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity(*A_CALL)
        return (yield from today(context))

    return changed


def another_call_first_for_those_that_begin_from_now_on(today: Orchestrator) -> Orchestrator:
    def changed(context: df.DurableOrchestrationContext) -> Any:
        if not began_before(context.version, NEXT):
            yield context.call_activity(*A_CALL)
        return (yield from today(context))

    return changed


def a_field_that_nothing_fills(today: Orchestrator) -> Orchestrator:
    def changed(context: df.DurableOrchestrationContext) -> Any:
        context.set_custom_status({"state": "running", "colour": context.get_input()["colour"]})
        return (yield from today(context))

    return changed


def an_end_after_the_first_call(today: Orchestrator) -> Orchestrator:
    def changed(context: df.DurableOrchestrationContext) -> Any:
        yield next(today(context))
        return "enough"

    return changed


def a_second_activity_beside_each(today: Orchestrator) -> Orchestrator:
    def changed(context: df.DurableOrchestrationContext) -> Any:
        alone = context.call_activity

        def with_another(name: str, given: Any) -> Any:
            return context.task_all([alone(name, given), alone(*A_CALL)])

        context.call_activity = with_another  # type: ignore[method-assign]
        return (yield from today(context))

    return changed
