"""What a rule does to the messages that it lets through: SET and REMOVE.

Grammar: Microsoft's "Subscription Rule SQL Action Syntax"; statements may end with a semicolon or a comma.
"""

from collections.abc import Callable
from uuid import UUID

from slipway.local.servicebus.rules.errors import FilterError
from slipway.local.servicebus.rules.expressions import Property, Value, parse_property, parse_value
from slipway.local.servicebus.rules.properties import Properties
from slipway.local.servicebus.rules.reader import Reader
from slipway.local.servicebus.rules.tokens import Kind

Change = Callable[[Properties], None]
"""One statement. Raises FilterError."""


def parse_action(text: str) -> tuple[Change, ...]:
    """All statements in their order, each seeing what those before it did. Raises RuleError."""
    reader = Reader(text)
    changes: list[Change] = []
    while reader.next.kind is not Kind.END:
        if reader.accept("SET"):
            changes.append(_setting(reader))
        elif reader.accept("REMOVE"):
            changes.append(_removal(parse_property(reader)))
        else:
            raise reader.wrong("SET or REMOVE is missing")
        reader.accept(";", ",")
    if not changes:
        raise reader.wrong("SET or REMOVE is missing")
    return tuple(changes)


def _setting(reader: Reader) -> Change:
    named = parse_property(reader)
    reader.expect("=")
    value = parse_value(reader)
    return _set_system(named, value) if named.system else lambda found: found.set_user(named.name, value(found))


def _set_system(named: Property, value: Value) -> Change:
    def change(found: Properties) -> None:
        new = value(found)
        if isinstance(new, bool | bytes):
            raise FilterError(f"sys.{named.name} is a text and cannot become {new!r}")
        found.set_system(named.name, str(new) if isinstance(new, str | int | float | UUID) else None)

    return change


def _removal(named: Property) -> Change:
    if named.system:
        return lambda found: found.set_system(named.name, None)
    return lambda found: found.remove_user(named.name)
