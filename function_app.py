"""The Azure Functions app: every function of `blueprints.py`, each of which loads its module at its first call.

What they are stands in `functions.json`, made from the blueprints by `make functions`, so that a new instance need not
import the whole app before it answers (ADR 42). Where that file no longer fits the code the blueprints are imported.
"""

import inspect
import json
import re
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

ROOT = Path(__file__).parent
TABLE = ROOT / "functions.json"
_HEADS = re.compile(r"^@bp\.[\s\S]*?^(?:async )?def [\s\S]*?:\n", re.MULTILINE)
FOLDERS = ("activities", "entities", "orchestrators", "triggers")
_TYPES: dict[str, Any] = {
    "HttpRequest": func.HttpRequest,
    "HttpResponse": func.HttpResponse,
    "Context": func.Context,
    "TimerRequest": func.TimerRequest,
    "ServiceBusMessage": func.ServiceBusMessage,
    "OrchestrationContext": func.OrchestrationContext,
    "str": str,
    "None": None,
}


def marks() -> int:
    """A number that another one takes the place of when a decorator, a parameter or a name of a function changes."""
    files = sorted(file for folder in FOLDERS for file in (ROOT / folder).glob("*.py"))
    heads = [(file.stem, _HEADS.findall(file.read_text(encoding="utf-8"))) for file in files]
    return zlib.crc32(repr([head for head in heads if head[1]]).encode())


def registered(functions: list[dict[str, Any]]) -> df.DFApp:
    """An app with these functions, as the table tells of them."""
    made = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for each in functions:
        door: Any = _at_first_call(each)
        for binding in each["bindings"]:
            if binding["type"] == "http":  # comes with its trigger
                continue
            door = _bound(made, binding)(door)
        made.function_name(each["name"])(door)
    return made


def _bound(made: df.DFApp, binding: dict[str, Any]) -> Any:
    kind, name = binding["type"], binding["name"]
    more = {key: value for key, value in binding.items() if key not in ("direction", "type", "name")}
    if kind == "httpTrigger":
        return made.route(more["route"], name, methods=more["methods"], auth_level=more["authLevel"])
    if kind.endswith("Trigger"):
        return made.generic_trigger(arg_name=name, type=kind, **more)
    bind = made.generic_output_binding if binding["direction"] == "OUT" else made.generic_input_binding
    return bind(arg_name=name, type=kind, **more)


def _at_first_call(entry: dict[str, Any]) -> Callable[..., Any]:
    """In place of a function until it is called: its name and parameters are all that the Functions worker reads."""

    def function() -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(entry["module"]), entry["attribute"])
        return found

    async def waits(*given: Any, **named: Any) -> Any:
        return await function()(*given, **named)

    def calls(*given: Any, **named: Any) -> Any:
        return function()(*given, **named)

    door = waits if entry["async"] else calls
    types = {name: _TYPES.get(type_, dict) for name, type_ in entry["parameters"].items()}
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=types[name]) for name in types
    ]
    door.__name__ = door.__qualname__ = entry["attribute"]
    door.__module__ = entry["module"]
    door.__annotations__ = {**types, "return": _TYPES.get(entry["returns"], dict)}
    vars(door)["__signature__"] = inspect.Signature(parameters, return_annotation=door.__annotations__["return"])
    return door


def _app() -> df.DFApp:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    if table.get("marks") == marks():
        return registered(table["functions"])
    blueprints: Any = import_module("blueprints")
    composed: df.DFApp = blueprints.composed()
    return composed


app = _app()
