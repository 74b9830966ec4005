"""Loads a function app of the Python v2 model and describes its functions."""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from slipway.local.functions.bindings import (
    RETURN,
    TRIGGER_TYPES,
    ActivityTrigger,
    Bindings,
    EntityTrigger,
    OrchestrationTrigger,
    read_bindings,
)
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.settings import expand, is_on

MODULE = "function_app"
DURABLE_TRIGGERS = (OrchestrationTrigger, ActivityTrigger, EntityTrigger)


@dataclass(frozen=True)
class Function:
    """One function of the app."""

    name: str
    bindings: Bindings
    raw_bindings: tuple[Mapping[str, Any], ...]  # as function.json would have them
    code: Callable[..., Any]
    is_async: bool
    takes_context: bool
    disabled: bool = False

    @property
    def trigger_type(self) -> str:
        """The trigger's name in function.json."""
        return TRIGGER_TYPES[type(self.bindings.trigger)]

    @property
    def registered_name(self) -> str:
        """The name under which orchestrators and clients call it."""
        match self.bindings.trigger:
            case OrchestrationTrigger(orchestration=name) | ActivityTrigger(activity=name) | EntityTrigger(entity=name):
                return name or self.name
        return self.name


def load_app(app: Path, settings: Mapping[str, str]) -> tuple[Function, ...]:
    """Imports `function_app` from the folder, which goes first on sys.path, and reads its functions.

    Raises AppRefused for what this host cannot run. An error in the app's own code comes out as it is.
    """
    if not (app / f"{MODULE}.py").exists():
        raise AppRefused(f"there is no {MODULE}.py in {app}")
    sys.path.insert(0, str(app.resolve()))
    return read_functions(importlib.import_module(MODULE), settings)


def read_functions(module: ModuleType, settings: Mapping[str, str]) -> tuple[Function, ...]:
    """The functions of an imported app. Once per module: the SDK registers the names for good."""
    registers = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if len(registers) != 1:
        raise AppRefused(f"{MODULE}.py must have exactly one FunctionApp or DFApp, it has {len(registers)}")
    (register,) = registers.values()
    try:
        found = register.get_functions()
    except ValueError as error:  # no trigger, a name used twice
        raise AppRefused(str(error)) from error
    functions = tuple(_describe(function, settings) for function in found)
    _refuse_doubles(functions)
    return functions


def _describe(function: Any, settings: Mapping[str, str]) -> Function:
    name: str = function.get_function_name()
    raw = tuple(json.loads(binding) for binding in function.get_raw_bindings())
    bindings = read_bindings(name, raw, partial(expand, settings=settings))
    code = function.get_user_function()
    parameters = set(inspect.signature(code).parameters)
    bound = {binding["name"] for binding in raw if binding["name"] != RETURN}
    if not isinstance(bindings.trigger, OrchestrationTrigger | EntityTrigger):  # those are called through the SDK
        _check_parameters(name, parameters, bound)
    return Function(
        name=name,
        bindings=bindings,
        raw_bindings=raw,
        code=code,
        is_async=inspect.iscoroutinefunction(code),
        takes_context="context" in parameters and "context" not in bound,
        disabled=is_on(settings, f"AzureWebJobs.{name}.Disabled"),
    )


def _check_parameters(name: str, parameters: set[str], bound: set[str]) -> None:
    unbound = parameters - bound - {"context"}
    if unbound:
        raise AppRefused(f"function '{name}': no binding for parameter {', '.join(sorted(unbound))}")
    unused = bound - parameters
    if unused:
        raise AppRefused(f"function '{name}': no parameter for binding {', '.join(sorted(unused))}")


def _refuse_doubles(functions: Sequence[Function]) -> None:
    seen: dict[str, Function] = {}
    for function in functions:
        is_durable = isinstance(function.bindings.trigger, DURABLE_TRIGGERS)
        key = f"{'durable' if is_durable else 'plain'} {function.registered_name.lower()}"
        if key in seen:
            name, other = function.registered_name, seen[key].name
            raise AppRefused(f"function '{function.name}': the name '{name}' is taken by '{other}'")
        seen[key] = function
