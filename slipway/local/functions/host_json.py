"""`host.json`: the settings that this host acts upon; all others are read over, as Azure does."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from slipway.local.functions.durable.versions import FailureStrategy, MatchStrategy
from slipway.local.functions.refusal import AppRefused

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


def _time_span(text: object) -> timedelta:
    """.NET's `[d.]hh:mm:ss[.fffffff]`."""
    match = _TIME_SPAN.fullmatch(str(text))
    if match is None:
        raise ValueError("must be hh:mm:ss")
    days, hours, minutes, seconds, fraction = match.groups()
    return timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or "").ljust(7, "0")[:6]),
    )


def _timeout(text: object) -> timedelta | None:
    """A time span, or -1 for none."""
    if str(text) == "-1":
        return None
    span = _time_span(text)
    if not span:
        raise ValueError("must be longer than nothing, or -1")
    return span


TimeSpan = Annotated[timedelta, BeforeValidator(_time_span)]


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class HttpSettings(_Section):
    route_prefix: str = "api"


class ServiceBusSettings(_Section):
    auto_complete_messages: bool = True
    max_auto_lock_renewal_duration: TimeSpan = timedelta(minutes=5)
    max_concurrent_calls: int = Field(default=16, ge=1)
    max_concurrent_sessions: int = Field(default=8, ge=1)
    session_idle_timeout: TimeSpan = timedelta(minutes=1)
    prefetch_count: int = Field(default=0, ge=0)


class DurableTaskSettings(_Section):
    hub_name: str = "TestHubName"
    max_concurrent_activity_functions: int = Field(default=20, ge=1)
    max_concurrent_orchestrator_functions: int = Field(default=10, ge=1)
    max_concurrent_entity_functions: int = Field(default=10, ge=1)
    max_entity_operation_batch_size: int = Field(default=5000, ge=1)
    max_orchestration_actions: int = Field(default=100_000, ge=1)
    overridable_existing_instance_states: Literal["NonRunningStates", "AnyState"] = "NonRunningStates"
    default_version: str | None = None
    version_match_strategy: MatchStrategy = "CurrentOrOlder"
    version_failure_strategy: FailureStrategy = "Reject"


class _Extensions(_Section):
    http: HttpSettings = HttpSettings()
    service_bus: ServiceBusSettings = ServiceBusSettings()
    durable_task: DurableTaskSettings = DurableTaskSettings()


class _Logging(_Section):
    log_level: dict[str, str] = {}


class HostJson(_Section):
    """The whole file; absent keys have the defaults of the Functions host."""

    version: str
    function_timeout: Annotated[timedelta | None, BeforeValidator(_timeout)] = timedelta(minutes=30)
    extensions: _Extensions = _Extensions()
    logging: _Logging = _Logging()


def read_host_json(app: Path) -> HostJson:
    """Reads `host.json` in the folder of the app. Raises AppRefused with the key that is wrong."""
    try:
        document = HostJson.model_validate_json((app / "host.json").read_bytes())
    except FileNotFoundError as error:
        raise AppRefused(f"there is no host.json in {app}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AppRefused(f"host.json: {where or 'the file'}: {first['msg']}") from error
    if document.version != "2.0":
        raise AppRefused(f"host.json: version '{document.version}'; only 2.0 is known")
    if not document.extensions.service_bus.auto_complete_messages:
        raise AppRefused(
            "host.json: extensions.serviceBus.autoCompleteMessages=false is not supported: "
            "a Python function cannot settle its message itself"
        )
    return document
