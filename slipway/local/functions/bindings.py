"""The bindings that this host has, read from the SDK's own description of a function.

`get_raw_bindings()` of azure-functions gives one JSON object per binding, in the shape of function.json with
the names of enums in upper case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.local.functions.ncrontab import Schedule
from slipway.local.functions.refusal import AppRefused

RETURN = "$return"


@dataclass(frozen=True)
class HttpTrigger:
    name: str
    route: str  # as the author wrote it, without the prefix
    methods: frozenset[str] | None  # upper case; None: all
    auth_level: str  # ANONYMOUS, FUNCTION or ADMIN


@dataclass(frozen=True)
class ServiceBusTrigger:
    name: str
    connection: str
    queue: str | None
    topic: str | None
    subscription: str | None
    sessions: bool = False

    @property
    def path(self) -> str:
        return self.queue or f"{self.topic}/Subscriptions/{self.subscription}"


@dataclass(frozen=True)
class TimerTrigger:
    name: str
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class OrchestrationTrigger:
    name: str
    orchestration: str | None


@dataclass(frozen=True)
class ActivityTrigger:
    name: str
    activity: str | None


@dataclass(frozen=True)
class EntityTrigger:
    name: str
    entity: str | None


@dataclass(frozen=True)
class DurableClientInput:
    name: str


@dataclass(frozen=True)
class HttpOutput:
    name: str


@dataclass(frozen=True)
class ServiceBusOutput:
    name: str
    connection: str
    queue: str | None
    topic: str | None


Trigger = HttpTrigger | ServiceBusTrigger | TimerTrigger | OrchestrationTrigger | ActivityTrigger | EntityTrigger
Output = HttpOutput | ServiceBusOutput
TRIGGER_TYPES: Mapping[type, str] = {
    HttpTrigger: "httpTrigger",
    ServiceBusTrigger: "serviceBusTrigger",
    TimerTrigger: "timerTrigger",
    OrchestrationTrigger: "orchestrationTrigger",
    ActivityTrigger: "activityTrigger",
    EntityTrigger: "entityTrigger",
}
Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Bindings:
    """One trigger, the other inputs, the outputs."""

    trigger: Trigger
    inputs: tuple[DurableClientInput, ...]
    outputs: tuple[Output, ...]


def read_bindings(function: str, raw: Sequence[Raw], expand: Callable[[str], str]) -> Bindings:
    """The bindings of one function; `expand` replaces `%NAME%` in schedules and in names of queues and topics.

    Raises AppRefused that names function and binding for whatever is not in this module.
    """
    triggers: list[Trigger] = []
    inputs: list[DurableClientInput] = []
    outputs: list[Output] = []
    for one in raw:
        match one["type"], one["direction"]:
            case "httpTrigger", "IN":
                triggers.append(_http_trigger(one))
            case "serviceBusTrigger", "IN":
                triggers.append(_service_bus_trigger(function, one, expand))
            case "timerTrigger", "IN":
                triggers.append(_timer_trigger(function, one, expand))
            case "orchestrationTrigger", "IN":
                triggers.append(OrchestrationTrigger(one["name"], one.get("orchestration")))
            case "activityTrigger", "IN":
                triggers.append(ActivityTrigger(one["name"], one.get("activity")))
            case "entityTrigger", "IN":
                triggers.append(EntityTrigger(one["name"], one.get("entityName")))
            case "durableClient", "IN":
                inputs.append(_durable_client(function, one))
            case "http", "OUT":
                outputs.append(HttpOutput(one["name"]))
            case "serviceBus", "OUT":
                outputs.append(_service_bus_output(one, expand))
            case kind, direction:
                raise AppRefused(
                    f"function '{function}': binding '{one['name']}' of type {kind} ({direction.lower()}) "
                    "is not supported by this host"
                )
    if len(triggers) != 1:
        raise AppRefused(f"function '{function}' must have one trigger, it has {len(triggers)}")
    return Bindings(triggers[0], tuple(inputs), tuple(outputs))


def _http_trigger(raw: Raw) -> HttpTrigger:
    methods = raw.get("methods")
    return HttpTrigger(
        name=raw["name"],
        route=raw["route"],
        methods=frozenset(str(method).upper() for method in methods) if methods else None,
        auth_level=str(raw.get("authLevel", "FUNCTION")).upper(),
    )


def _service_bus_trigger(function: str, raw: Raw, expand: Callable[[str], str]) -> ServiceBusTrigger:
    where = f"function '{function}': binding '{raw['name']}' of type serviceBusTrigger"
    if raw.get("cardinality", "ONE") != "ONE":
        raise AppRefused(f"{where} with cardinality many is not supported by this host")
    return ServiceBusTrigger(
        name=raw["name"],
        connection=raw.get("connection") or "ServiceBus",
        queue=_expanded(raw, "queueName", expand),
        topic=_expanded(raw, "topicName", expand),
        subscription=_expanded(raw, "subscriptionName", expand),
        sessions=bool(raw.get("isSessionsEnabled")),
    )


def _timer_trigger(function: str, raw: Raw, expand: Callable[[str], str]) -> TimerTrigger:
    try:
        schedule = Schedule.parse(expand(raw["schedule"]))
    except ValueError as error:
        raise AppRefused(f"function '{function}': binding '{raw['name']}' of type timerTrigger: {error}") from error
    return TimerTrigger(
        name=raw["name"],
        schedule=schedule,
        run_on_startup=bool(raw.get("runOnStartup")),
        use_monitor=raw.get("useMonitor") is not False,
    )


def _service_bus_output(raw: Raw, expand: Callable[[str], str]) -> ServiceBusOutput:
    return ServiceBusOutput(
        name=raw["name"],
        connection=raw.get("connection") or "ServiceBus",
        queue=_expanded(raw, "queueName", expand),
        topic=_expanded(raw, "topicName", expand),
    )


def _durable_client(function: str, raw: Raw) -> DurableClientInput:
    if raw.get("taskHub") or raw.get("connectionName"):
        raise AppRefused(
            f"function '{function}': binding '{raw['name']}' of type durableClient with a task hub or "
            "connection of its own is not supported by this host"
        )
    return DurableClientInput(raw["name"])


def _expanded(raw: Raw, key: str, expand: Callable[[str], str]) -> str | None:
    value = raw.get(key)
    return expand(value) if value else None
