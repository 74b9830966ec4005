"""A subscription's rules: one filter each, and perhaps an action."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from slipway.local.servicebus.message import Content
from slipway.local.servicebus.rules.actions import Change, parse_action
from slipway.local.servicebus.rules.errors import RuleError
from slipway.local.servicebus.rules.expressions import SYSTEM, Condition, Message, parse_condition
from slipway.local.servicebus.rules.properties import Properties
from slipway.local.servicebus.rules.values import compare, operand
from slipway.local.servicebus.types import Value

DEFAULT_NAME = "$Default"
EVERYTHING = "1=1"
_RULE_NAME = "RuleName"


@dataclass(frozen=True)
class SqlFilter:
    """Lets through what its expression is true for. Raises RuleError."""

    expression: str
    _condition: Condition = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_condition", parse_condition(self.expression))

    def passes(self, message: Message) -> bool:
        """Raises FilterError."""
        return self._condition(message) is True


@dataclass(frozen=True)
class CorrelationFilter:
    """Lets through what has all these properties, to the letter. Raises RuleError if there are none, or unknown ones.

    `system` goes by the names of `SYSTEM`.
    """

    system: Mapping[str, str]
    users: Mapping[str, Value]

    def __post_init__(self) -> None:
        if not self.system and not self.users:
            raise RuleError("a correlation filter needs a property")
        unknown = [name for name in self.system if name not in SYSTEM.values()]
        if unknown:
            raise RuleError(f"there is no system property '{unknown[0]}' that a rule could use")

    def passes(self, message: Message) -> bool:
        return all(message.system(name) == text for name, text in self.system.items()) and all(
            compare("=", message.user(name), operand(value)) is True for name, value in self.users.items()
        )


Filter = SqlFilter | CorrelationFilter


@dataclass(frozen=True)
class Rule:
    """Raises RuleError if the action cannot be understood."""

    name: str
    filter: Filter
    action: str | None = None
    created_ms: int = 0
    _changes: tuple[Change, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_changes", parse_action(self.action) if self.action else ())

    def changed(self, content: Content) -> Content:
        """The copy that a rule with an action makes; it names the rule. Raises FilterError."""
        properties = Properties(content)
        for change in self._changes:
            change(properties)
        properties.set_user(_RULE_NAME, self.name)
        return properties.applied()


class RuleSet:
    """The rules of one subscription. None at all let nothing through."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = {rule.name.lower(): rule for rule in rules}
        self._look()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._rules

    def add(self, rule: Rule) -> None:
        self._rules[rule.name.lower()] = rule
        self._look()

    def remove(self, name: str) -> None:
        """Raises KeyError."""
        del self._rules[name.lower()]
        self._look()

    def copies(self, message: Properties) -> list[Content]:
        """What a message becomes here: one copy for all rules without an action, one for each with one.

        Raises FilterError.
        """
        if self._lets_all_pass:
            return [message.content]
        passed = [rule for rule in self if rule.filter.passes(message)]
        plain = [message.content] if any(rule.action is None for rule in passed) else []
        return plain + [rule.changed(message.content) for rule in passed if rule.action is not None]

    def _look(self) -> None:
        """Most subscriptions take everything; those need not read the messages."""
        all_plain = all(rule.action is None for rule in self)
        self._lets_all_pass = all_plain and any(rule.filter == SqlFilter(EVERYTHING) for rule in self)
