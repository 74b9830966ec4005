"""How messages get on inside the broker: from a topic to its subscriptions, and from a queue that forwards."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from slipway.local.servicebus import queue
from slipway.local.servicebus.errors import ENTITY_ALREADY_EXISTS, NOT_FOUND, Refusal
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.rules.errors import FilterError
from slipway.local.servicebus.rules.properties import Properties
from slipway.local.servicebus.rules.rule import Rule, RuleSet

log = logging.getLogger(__name__)

_FAILED = "FilterEvaluationException"


class Journal(queue.Journal, Protocol):
    """Hears of changed rules, too."""

    def rules_changed(self, queue: Queue, rules: RuleSet) -> None: ...


class Subscription:
    """Takes copies of a topic's messages, as its rules say."""

    def __init__(self, queue: Queue, rules: Iterable[Rule], journal: Journal, dead_letter_failures: bool) -> None:
        self.queue = queue
        self.rules = RuleSet(rules)
        self._journal = journal
        self._dead_letter_failures = dead_letter_failures

    def offer(self, message: Properties) -> None:
        """Put what the rules make of a message."""
        try:
            copies = self.rules.copies(message)
        except FilterError as error:
            log.info("%s: a rule cannot be asked: %s", self.queue.name, error)
            if self._dead_letter_failures:
                self.queue.put_dead(message.content, _FAILED, str(error))
            return
        for copy in copies:
            self.queue.put(copy)

    def add(self, rule: Rule) -> None:
        """Holds for messages that come from now on. Raises Refusal (entity-already-exists)."""
        if rule.name in self.rules:
            raise Refusal(ENTITY_ALREADY_EXISTS, f"{self.queue.name} has a rule '{rule.name}' already.")
        self.rules.add(rule)
        self._journal.rules_changed(self.queue, self.rules)

    def remove(self, name: str) -> None:
        """Raises Refusal (not-found)."""
        if name not in self.rules:
            raise Refusal(NOT_FOUND, f"{self.queue.name} has no rule '{name}'.")
        self.rules.remove(name)
        self._journal.rules_changed(self.queue, self.rules)


@dataclass(frozen=True)
class Topic:
    """What is sent to a topic goes through its inbox, where it may wait for its time, to each subscription."""

    inbox: Queue
    subscriptions: tuple[Subscription, ...]

    @property
    def hungry(self) -> bool:
        return True

    def feed(self, queue: Queue) -> None:
        """Offer the next message of the inbox to every subscription."""
        entry = queue.pop()
        if entry is not None:
            message = Properties(entry.content)
            for subscription in self.subscriptions:
                subscription.offer(message)


@dataclass(frozen=True)
class Forwarder:
    """Passes on whatever comes into a queue."""

    destination: Queue

    @property
    def hungry(self) -> bool:
        return True

    def feed(self, queue: Queue) -> None:
        entry = queue.pop()
        if entry is not None:
            self.destination.put(entry.content)
