"""The Service Bus emulator's Config.json, read strictly: what it does not know is refused with its place.

Shape: https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator
"""

import codecs
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from slipway.local.servicebus.config_checks import complaints
from slipway.local.servicebus.entry import Settings
from slipway.local.servicebus.namespace import NamespaceConfig, QueueConfig, SubscriptionConfig, TopicConfig
from slipway.local.servicebus.rules.errors import RuleError
from slipway.local.servicebus.rules.rule import DEFAULT_NAME, EVERYTHING, CorrelationFilter, Rule, SqlFilter

_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$"


class ConfigError(Exception):
    """The configuration cannot be used; one line per reason, each naming the place."""


def read_config(path: Path) -> NamespaceConfig:
    """Read a Config.json. Raises ConfigError."""
    try:
        file = _File.model_validate_json(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_line(path, each) for each in error.errors())) from error
    config = file.user_config.namespaces[0].config()
    wrong = list(complaints(config))
    if wrong:
        raise ConfigError("\n".join(f"{path}: {each}" for each in wrong))
    return config


def _seven_digits(value: Any) -> Any:
    """.NET writes ten-millionths of a second, as in its longest P10675199DT2H48M5.4775807S; six digits do."""
    return re.sub(r"(\.\d{6})\d+(?=S$)", r"\1", value) if isinstance(value, str) else value


def _capitalized(value: Any) -> Any:
    return value.capitalize() if isinstance(value, str) else value


_Duration = Annotated[timedelta, BeforeValidator(_seven_digits), Field(gt=timedelta(0))]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid", frozen=True)


class _Duplicates(_Model):
    requires_duplicate_detection: bool = False
    duplicate_detection_history_time_window: _Duration = timedelta(minutes=10)

    def window_ms(self) -> int | None:
        return _ms(self.duplicate_detection_history_time_window) if self.requires_duplicate_detection else None


class _ReceivedFrom(_Model):
    """What queues and subscriptions have in common."""

    default_message_time_to_live: _Duration | None = None
    dead_lettering_on_message_expiration: bool = False
    lock_duration: _Duration = timedelta(minutes=1)
    max_delivery_count: int = Field(default=10, ge=1)
    forward_to: str | None = None
    forward_dead_lettered_messages_to: str | None = None
    requires_session: bool = False

    def settings(self, duplicate_window_ms: int | None = None) -> Settings:
        return Settings(
            lock_ms=_ms(self.lock_duration),
            max_deliveries=self.max_delivery_count,
            ttl_ms=_ttl(self.default_message_time_to_live),
            dead_letter_expired=self.dead_lettering_on_message_expiration,
            duplicate_window_ms=duplicate_window_ms,
            sessions=self.requires_session,
            forward_to=self.forward_to or None,
            forward_dead_to=self.forward_dead_lettered_messages_to or None,
        )


class _QueueProperties(_ReceivedFrom, _Duplicates):
    pass


class _TopicProperties(_Duplicates):
    default_message_time_to_live: _Duration | None = None


class _SubscriptionProperties(_ReceivedFrom):
    dead_lettering_on_filter_evaluation_exceptions: bool = True  # not the emulator's, but Azure's


class _Sql(_Model):
    sql_expression: str


class _Correlation(_Model):
    content_type: str | None = None
    correlation_id: str | None = None
    label: str | None = None
    message_id: str | None = None
    reply_to: str | None = None
    reply_to_session_id: str | None = None
    session_id: str | None = None
    to: str | None = None
    properties: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] = {}

    def filter(self) -> CorrelationFilter:
        """Raises RuleError."""
        named = self.model_dump(by_alias=True, exclude_none=True, exclude={"properties"})
        return CorrelationFilter(named, dict(self.properties))


class _RuleProperties(_Model):
    filter_type: Annotated[Literal["Sql", "Correlation"], BeforeValidator(_capitalized)] = "Sql"
    sql_filter: _Sql | None = None
    correlation_filter: _Correlation | None = None
    action: _Sql | None = None

    def rule(self, name: str) -> Rule:
        """Raises RuleError."""
        action = None if self.action is None else self.action.sql_expression
        if self.filter_type == "Correlation":
            return Rule(name, (self.correlation_filter or _Correlation()).filter(), action)
        if self.sql_filter is None and self.correlation_filter is not None:
            raise RuleError("FilterType Sql needs an SqlFilter")
        return Rule(name, SqlFilter(self.sql_filter.sql_expression if self.sql_filter else EVERYTHING), action)


class _Rule(_Model):
    name: str
    properties: _RuleProperties = _RuleProperties()

    @model_validator(mode="after")
    def _understood(self) -> "_Rule":
        self.rule()
        return self

    def rule(self) -> Rule:
        return self.properties.rule(self.name)


class _Queue(_Model):
    name: str = Field(pattern=_NAME)
    properties: _QueueProperties = _QueueProperties()

    def config(self) -> QueueConfig:
        return QueueConfig(self.name, self.properties.settings(self.properties.window_ms()))


class _Subscription(_Model):
    name: str = Field(pattern=_NAME)
    properties: _SubscriptionProperties = _SubscriptionProperties()
    rules: tuple[_Rule, ...] = ()

    def config(self) -> SubscriptionConfig:
        rules = tuple(each.rule() for each in self.rules) or (Rule(DEFAULT_NAME, SqlFilter(EVERYTHING)),)
        failures = self.properties.dead_lettering_on_filter_evaluation_exceptions
        return SubscriptionConfig(self.name, self.properties.settings(), rules, failures)


class _Topic(_Model):
    name: str = Field(pattern=_NAME)
    properties: _TopicProperties = _TopicProperties()
    subscriptions: tuple[_Subscription, ...] = ()

    def config(self) -> TopicConfig:
        ttl_ms = _ttl(self.properties.default_message_time_to_live)
        settings = Settings(ttl_ms=ttl_ms, duplicate_window_ms=self.properties.window_ms())
        return TopicConfig(self.name, settings, tuple(each.config() for each in self.subscriptions))


class _Namespace(_Model):
    name: str = ""
    queues: tuple[_Queue, ...] = ()
    topics: tuple[_Topic, ...] = ()

    def config(self) -> NamespaceConfig:
        return NamespaceConfig(
            tuple(each.config() for each in self.queues), tuple(each.config() for each in self.topics)
        )


class _UserConfig(_Model):
    namespaces: tuple[_Namespace, ...] = Field(min_length=1, max_length=1)
    logging: dict[str, Any] | None = None  # where the emulator writes its log; ours goes to stderr


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
