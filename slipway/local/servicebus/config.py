"""The Service Bus emulator's Config.json, read strictly: what this broker cannot do is refused by name.

Shape: https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from slipway.local.servicebus.entry import Rules
from slipway.local.servicebus.namespace import NamespaceConfig, QueueConfig, TopicConfig

_TRUE_FILTERS = {"1=1", "1 = 1"}
_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$"


class ConfigError(Exception):
    """The configuration cannot be used; one line per reason, each naming the place."""


def read_config(path: Path) -> NamespaceConfig:
    """Read a Config.json. Raises ConfigError."""
    try:
        file = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_line(path, each) for each in error.errors())) from error
    namespace = file.user_config.namespaces[0]
    lacking = list(namespace.unsupported())
    if lacking:
        raise ConfigError("\n".join(f"{path}: {each}" for each in lacking))
    names = [each.name.lower() for each in namespace.queues]
    names += [each.name.lower() for each in namespace.topics]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"{path}: two queues or topics are called {', '.join(sorted(twice))}")
    return namespace.config()


def _seven_digits(value: Any) -> Any:
    """.NET writes ten-millionths of a second, as in its longest P10675199DT2H48M5.4775807S; six digits do."""
    return re.sub(r"(\.\d{6})\d+(?=S$)", r"\1", value) if isinstance(value, str) else value


_Duration = Annotated[timedelta, BeforeValidator(_seven_digits), Field(gt=timedelta(0))]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid", frozen=True)


class _EntityProperties(_Model):
    default_message_time_to_live: _Duration | None = None
    requires_duplicate_detection: bool = False
    duplicate_detection_history_time_window: _Duration = timedelta(minutes=10)

    def window_ms(self) -> int | None:
        return _ms(self.duplicate_detection_history_time_window) if self.requires_duplicate_detection else None


class _QueueProperties(_EntityProperties):
    dead_lettering_on_message_expiration: bool = False
    dead_lettering_on_filter_evaluation_exceptions: bool = False  # there are no filters that could fail
    lock_duration: _Duration = timedelta(minutes=1)
    max_delivery_count: int = Field(default=10, ge=1)
    forward_to: str | None = None
    forward_dead_lettered_messages_to: str | None = None
    requires_session: bool = False

    def unsupported(self) -> Iterator[str]:
        if self.requires_session:
            yield "RequiresSession"
        if self.forward_to:
            yield "ForwardTo"
        if self.forward_dead_lettered_messages_to:
            yield "ForwardDeadLetteredMessagesTo"

    def rules(self) -> Rules:
        return Rules(
            lock_ms=_ms(self.lock_duration),
            max_deliveries=self.max_delivery_count,
            ttl_ms=_ttl(self.default_message_time_to_live),
            dead_letter_expired=self.dead_lettering_on_message_expiration,
            duplicate_window_ms=self.window_ms(),
        )


class _SqlFilter(_Model):
    sql_expression: str = ""


class _RuleProperties(_Model):
    model_config = ConfigDict(extra="allow")
    filter_type: str = ""
    sql_filter: _SqlFilter = _SqlFilter()
    action: dict[str, Any] | None = None

    def lets_everything_pass(self) -> bool:
        sql = self.filter_type.lower() == "sql" and self.sql_filter.sql_expression.strip() in _TRUE_FILTERS
        default = not self.filter_type and not self.model_extra
        return (sql or default) and not self.action


class _Rule(_Model):
    name: str
    properties: _RuleProperties = _RuleProperties()


class _Queue(_Model):
    name: str = Field(pattern=_NAME)
    properties: _QueueProperties = _QueueProperties()


class _Subscription(_Queue):
    rules: tuple[_Rule, ...] = ()

    def unsupported(self) -> Iterator[str]:
        yield from self.properties.unsupported()
        if self.properties.requires_duplicate_detection:
            yield "RequiresDuplicateDetection (it belongs to the topic)"
        for rule in self.rules:
            if not rule.properties.lets_everything_pass():
                yield f"rule '{rule.name}' (filters other than 1=1 and rule actions)"


class _Topic(_Model):
    name: str = Field(pattern=_NAME)
    properties: _EntityProperties = _EntityProperties()
    subscriptions: tuple[_Subscription, ...] = ()

    def config(self) -> TopicConfig:
        rules = Rules(
            ttl_ms=_ttl(self.properties.default_message_time_to_live),
            duplicate_window_ms=self.properties.window_ms(),
        )
        subscriptions = tuple(QueueConfig(each.name, each.properties.rules()) for each in self.subscriptions)
        return TopicConfig(self.name, rules, subscriptions)


class _Namespace(_Model):
    name: str = ""
    queues: tuple[_Queue, ...] = ()
    topics: tuple[_Topic, ...] = ()

    def unsupported(self) -> Iterator[str]:
        for queue in self.queues:
            for what in queue.properties.unsupported():
                yield f"queue '{queue.name}': {what} is not supported by this broker"
        for topic in self.topics:
            for subscription in topic.subscriptions:
                for what in subscription.unsupported():
                    place = f"topic '{topic.name}', subscription '{subscription.name}'"
                    yield f"{place}: {what} is not supported by this broker"

    def config(self) -> NamespaceConfig:
        queues = tuple(QueueConfig(each.name, each.properties.rules()) for each in self.queues)
        return NamespaceConfig(queues, tuple(each.config() for each in self.topics))


class _UserConfig(_Model):
    namespaces: tuple[_Namespace, ...] = Field(min_length=1, max_length=1)
    logging: dict[str, Any] | None = None


class _File(_Model):
    user_config: _UserConfig


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _ttl(span: timedelta | None) -> int | None:
    """A TTL that does not fit the message header's 32 bits (49 days) is none on a laptop."""
    ms = None if span is None else _ms(span)
    return ms if ms is None or ms < 2**32 else None


def _line(path: Path, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    return f"{path}: {place}: {error['msg']}" if place else f"{path}: {error['msg']}"
