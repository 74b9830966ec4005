"""A message as rules see it: its properties to read and, for actions, to change."""

from functools import cached_property

from slipway.local.servicebus.message import APPLICATION_PROPERTIES, PROPERTIES, Content, section, sections
from slipway.local.servicebus.rules.values import Operand, operand
from slipway.local.servicebus.types import Symbol, Value

_FIELDS = {
    "MessageId": 0,
    "To": 2,
    "Subject": 3,
    "Label": 3,
    "ReplyTo": 4,
    "CorrelationId": 5,
    "ContentType": 6,
    "SessionId": 10,
    "ReplyToSessionId": 12,
}
_FIELDS_IN_ALL = 13
_SYMBOLS = {_FIELDS["ContentType"]}


class Properties:
    """Read when first asked: who takes every message asks nothing. Changes stay here until `applied`."""

    def __init__(self, content: Content) -> None:
        self.content = content

    @cached_property
    def _fields(self) -> list[Value]:
        fields: list[Value] = [None] * _FIELDS_IN_ALL
        for code, value, _ in sections(self.content.bare):
            if code == PROPERTIES and isinstance(value, list):
                fields[: len(value)] = value
            break
        return fields

    @cached_property
    def _users(self) -> dict[Value, Value]:
        for code, value, _ in sections(self.content.bare):
            if code == APPLICATION_PROPERTIES and isinstance(value, dict):
                return dict(value)
            if code > APPLICATION_PROPERTIES:
                break
        return {}

    @cached_property
    def _keys(self) -> dict[str, Value]:
        return {str(key).lower(): key for key in self._users}

    def system(self, name: str) -> Operand:
        """One of the names in `SYSTEM`, always a text: that is what ids of other types are in Service Bus."""
        value = self._fields[_FIELDS[name]]
        return None if value is None else str(value)

    def user(self, name: str) -> Operand:
        return operand(self._users.get(self._keys.get(name.lower())))

    def has(self, name: str) -> bool:
        return name.lower() in self._keys

    def set_system(self, name: str, text: str | None) -> None:
        at = _FIELDS[name]
        self._fields[at] = Symbol(text) if text is not None and at in _SYMBOLS else text

    def set_user(self, name: str, value: Operand) -> None:
        """Under the name that it has, if it is there, whatever its case."""
        self._users[self._keys.setdefault(name.lower(), name)] = value

    def remove_user(self, name: str) -> None:
        self._users.pop(self._keys.pop(name.lower(), None), None)

    def applied(self) -> Content:
        """The message with these properties and the body that it had."""
        fields = list(self._fields)
        while fields and fields[-1] is None:
            fields.pop()
        head = section(PROPERTIES, fields) if fields else b""
        users = section(APPLICATION_PROPERTIES, self._users) if self._users else b""
        body = b"".join(raw for code, _, raw in sections(self.content.bare) if code > APPLICATION_PROPERTIES)
        return self.content.with_bare(head + users + body)
