"""Rules in AMQP's types: as clients describe them to `add-rule` and as they hear of them from `enumerate-rules`.

The map of `add-rule` is also how the store keeps a rule.
"""

from slipway.local.servicebus.rules.errors import RuleError
from slipway.local.servicebus.rules.rule import EVERYTHING, CorrelationFilter, Filter, Rule, SqlFilter
from slipway.local.servicebus.types import Described, Int, Timestamp, Ulong, Value

# Microsoft's codes; those of filters have one digit fewer than the others.
_RULE, _NO_ACTION, _SQL_ACTION = Ulong(0x13700000004), Ulong(0x13700000005), Ulong(0x13700000006)
_SQL, _TRUE, _FALSE, _CORRELATION = (Ulong(0x1370000000 + digit) for digit in (6, 7, 8, 9))
_COMPATIBILITY = Int(20)
_NOTHING = "1=0"
_NAMES = {
    "correlation-id": "CorrelationId",
    "message-id": "MessageId",
    "to": "To",
    "reply-to": "ReplyTo",
    "label": "Label",
    "session-id": "SessionId",
    "reply-to-session-id": "ReplyToSessionId",
    "content-type": "ContentType",
}
"""In the order in which a described correlation filter lists them."""


def read_rule(name: str, description: Value, created_ms: int) -> Rule:
    """A rule from `add-rule`'s map. Raises RuleError."""
    if not isinstance(description, dict):
        raise RuleError("'rule-description' must be a map")
    sql, correlation = description.get("sql-filter"), description.get("correlation-filter")
    found: Filter
    if isinstance(correlation, dict):
        found = _correlation(correlation)
    elif isinstance(sql, dict):
        found = SqlFilter(_expression(sql))
    else:
        raise RuleError("a rule needs 'sql-filter' or 'correlation-filter'")
    action = description.get("sql-rule-action")
    # Some clients say the expression itself, others a map of it.
    text = _expression(action) if isinstance(action, dict) else action if isinstance(action, str) else None
    return Rule(name, found, text or None, created_ms)


def write_rule(rule: Rule) -> dict[Value, Value]:
    """`read_rule` undoes it."""
    description: dict[Value, Value] = {}
    if isinstance(rule.filter, SqlFilter):
        description["sql-filter"] = {"expression": rule.filter.expression}
    else:
        fields: dict[Value, Value] = {key: rule.filter.system.get(name) for key, name in _NAMES.items()}
        description["correlation-filter"] = {**fields, "properties": dict(rule.filter.users)}
    if rule.action is not None:
        description["sql-rule-action"] = {"expression": rule.action}
    return description


def describe(rule: Rule) -> Described:
    """A rule as `enumerate-rules` tells it."""
    action = Described(_NO_ACTION, []) if rule.action is None else Described(_SQL_ACTION, [rule.action, _COMPATIBILITY])
    return Described(_RULE, [_described(rule.filter), action, rule.name, Timestamp(rule.created_ms)])


def _described(told: Filter) -> Described:
    if isinstance(told, CorrelationFilter):
        fields: list[Value] = [told.system.get(name) for name in _NAMES.values()]
        return Described(_CORRELATION, [*fields, dict(told.users)])
    match "".join(told.expression.split()):
        case literal if literal == EVERYTHING:
            return Described(_TRUE, [])
        case literal if literal == _NOTHING:
            return Described(_FALSE, [])
    return Described(_SQL, [told.expression, _COMPATIBILITY])


def _correlation(fields: dict[Value, Value]) -> CorrelationFilter:
    users = fields.get("properties")
    system = {name: str(fields[key]) for key, name in _NAMES.items() if fields.get(key) is not None}
    return CorrelationFilter(system, {str(k): v for k, v in users.items()} if isinstance(users, dict) else {})


def _expression(found: dict[Value, Value]) -> str:
    text = found.get("expression")
    if not isinstance(text, str) or not text.strip():
        raise RuleError("'expression' must be a text")
    return text
