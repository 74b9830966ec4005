"""What this host cannot run is named at the start."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import azure.durable_functions as df
import azure.functions as func
import pytest

from slipway.local.functions.app import load_app, read_functions
from slipway.local.functions.host_json import read_host_json
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.settings import load_settings


def read(*apps: object, settings: dict[str, str] | None = None) -> None:
    module = ModuleType("function_app")
    for number, app in enumerate(apps):
        setattr(module, f"app{number}", app)
    read_functions(module, settings or {})


def many_messages(app: df.DFApp) -> None:
    @app.service_bus_queue_trigger(arg_name="msg", queue_name="q", connection="BUS", cardinality="many")
    def f(msg: object) -> None: ...


def blob_output(app: df.DFApp) -> None:
    @app.route(route="f")
    @app.blob_output(arg_name="blob", path="a/b", connection="STORE")
    def f(req: object, blob: object) -> None: ...


def unset_placeholder(app: df.DFApp) -> None:
    @app.service_bus_queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="BUS")
    def f(msg: object) -> None: ...


def seven_fields(app: df.DFApp) -> None:
    @app.timer_trigger(arg_name="tick", schedule="0 0 0 * * * 2026")
    def f(tick: object) -> None: ...


def span_of_time(app: df.DFApp) -> None:
    @app.timer_trigger(arg_name="tick", schedule="00:05:00")
    def f(tick: object) -> None: ...


def unset_schedule(app: df.DFApp) -> None:
    @app.timer_trigger(arg_name="tick", schedule="%EVERY_NIGHT%")
    def f(tick: object) -> None: ...


def parameter_without_binding(app: df.DFApp) -> None:
    @app.route(route="f")
    def f(req: object, extra: object) -> None: ...


def binding_without_parameter(app: df.DFApp) -> None:
    @app.route(route="f")
    @app.service_bus_queue_output(arg_name="out", queue_name="q", connection="BUS")
    def f(req: object) -> None: ...


def foreign_task_hub(app: df.DFApp) -> None:
    @app.route(route="f")
    @app.durable_client_input(client_name="client", task_hub="other")
    async def f(req: object, client: object) -> None: ...


def same_durable_name(app: df.DFApp) -> None:
    @app.activity_trigger(input_name="x", activity="Pack")
    def f(x: object) -> None: ...

    @app.orchestration_trigger(context_name="context", orchestration="pack")
    def g(context: object) -> None: ...


@pytest.mark.parametrize(
    ("define", "words"),
    [
        (many_messages, "function 'f': binding 'msg' of type serviceBusTrigger with cardinality many"),
        (blob_output, "function 'f': binding 'blob' of type blob \\(out\\)"),
        (unset_placeholder, "needs the setting QUEUE"),
        (seven_fields, "function 'f': binding 'tick' of type timerTrigger: .* is not an NCRONTAB schedule"),
        (span_of_time, "'00:05:00' is not an NCRONTAB schedule"),
        (unset_schedule, "needs the setting EVERY_NIGHT"),
        (parameter_without_binding, "function 'f': no binding for parameter extra"),
        (binding_without_parameter, "function 'f': no parameter for binding out"),
        (foreign_task_hub, "function 'f': binding 'client' of type durableClient"),
        (same_durable_name, "function 'g': the name 'pack' is taken by 'f'"),
    ],
)
def test_unsupported_part_is_refused_by_name(define: Callable[[df.DFApp], None], words: str) -> None:
    app = df.DFApp()
    define(app)
    with pytest.raises(AppRefused, match=words):
        read(app)


def test_app_needs_exactly_one_register() -> None:
    with pytest.raises(AppRefused, match="exactly one"):
        read()
    with pytest.raises(AppRefused, match="exactly one"):
        read(func.FunctionApp(), func.FunctionApp())


def test_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppRefused, match=r"no function_app\.py"):
        load_app(tmp_path, {})
    with pytest.raises(AppRefused, match=r"no host\.json"):
        read_host_json(tmp_path)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"version": "3.0"}, "only 2.0"),
        ({"version": "2.0", "extensions": {"serviceBus": {"maxConcurrentCalls": 0}}}, "maxConcurrentCalls"),
        ({"version": "2.0", "functionTimeout": "5 min"}, "functionTimeout"),
        ({"version": "2.0", "functionTimeout": "00:00:00"}, "longer than nothing"),
        ({"version": "2.0", "extensions": {"durableTask": {"maxConcurrentEntityFunctions": 0}}}, "maxConcurrentEntity"),
        (
            {"version": "2.0", "extensions": {"durableTask": {"overridableExistingInstanceStates": "All"}}},
            "overridableExistingInstanceStates",
        ),
        ({"version": "2.0", "extensions": {"durableTask": {"versionMatchStrategy": "Newest"}}}, "versionMatch"),
        (
            {"version": "2.0", "extensions": {"durableTask": {"versionFailureStrategy": "Wait"}}},
            "versionFailureStrategy",
        ),
        ({"version": "2.0", "extensions": {"serviceBus": {"maxAutoLockRenewalDuration": "5m"}}}, "hh:mm:ss"),
        (
            {"version": "2.0", "extensions": {"serviceBus": {"autoCompleteMessages": False}}},
            "autoCompleteMessages",
        ),
    ],
)
def test_wrong_host_json_is_refused_by_key(tmp_path: Path, document: object, words: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps(document))
    with pytest.raises(AppRefused, match=words):
        read_host_json(tmp_path)


def test_encrypted_local_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {}}')
    with pytest.raises(AppRefused, match="encrypted"):
        load_settings(tmp_path)
