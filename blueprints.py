"""The app, whole: the blueprints of the four folders. `python -m blueprints` writes `functions.json` anew."""

import inspect
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.functions.decorators.function_app import FunctionBuilder

from activities import (
    approvals,
    claims,
    comparison,
    configuration,
    flags,
    front_door,
    gates,
    jobs,
    load_runs,
    loads,
    mirror,
    nudge,
    pins,
    policies,
    ramp,
    ramp_looks,
    record,
    release_flags,
    rings,
    switch_looks,
    targets,
    verification,
    watching,
)
from entities import decisions, environment
from orchestrators import abort, approval, canary_ramp, intent, operation, promotion, release_watch, rollback, stage
from triggers import audit_checkpoint, builds_queue, janitor, reports
from triggers.routes import ROUTES

MODULES = (
    promotion,
    stage,
    approval,
    operation,
    rollback,
    canary_ramp,
    release_watch,
    abort,
    intent,
    decisions,
    environment,
    claims,
    approvals,
    record,
    mirror,
    nudge,
    pins,
    policies,
    comparison,
    targets,
    verification,
    loads,
    load_runs,
    jobs,
    flags,
    configuration,
    release_flags,
    front_door,
    gates,
    ramp,
    ramp_looks,
    rings,
    switch_looks,
    watching,
    builds_queue,
    reports,
    janitor,
    audit_checkpoint,
    *ROUTES,
)


def composed() -> df.DFApp:
    """The app. Once per process: the SDK registers the functions of a blueprint for good."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for module in MODULES:
        app.register_functions(module.bp)
    return app


def table() -> list[dict[str, Any]]:
    """What `function_app.py` must know of each function to stand in its place until it is called."""
    places = {id(builder): place for module in MODULES for place, builder in _builders(module)}
    app = composed()
    told = []
    for builder in app._function_builders:  # get_functions() lets go of the builders, by which their place is known
        function = builder.build(app.auth_level)
        code = inspect.signature(function.get_user_function())
        told.append(
            {
                "name": function.get_function_name(),
                **places[id(builder)],
                "async": inspect.iscoroutinefunction(function.get_user_function()),
                "parameters": {name: _called(each.annotation) for name, each in code.parameters.items()},
                "returns": _called(code.return_annotation),
                "bindings": [json.loads(binding) for binding in function.get_raw_bindings()],
            }
        )
    return told


def _builders(module: ModuleType) -> Iterator[tuple[dict[str, str], FunctionBuilder]]:
    for name, value in vars(module).items():
        if isinstance(value, FunctionBuilder):
            yield {"module": module.__name__, "attribute": name}, value


def _called(annotation: Any) -> str:
    return getattr(annotation, "__name__", "") if annotation is not None else "None"


if __name__ == "__main__":
    import function_app

    written = {"marks": function_app.marks(), "functions": table()}
    function_app.TABLE.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
