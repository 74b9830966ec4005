"""All queues, topics and subscriptions by address, as a client writes it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slipway.local.servicebus.entry import Settings
from slipway.local.servicebus.errors import NOT_ALLOWED, NOT_FOUND, Refusal
from slipway.local.servicebus.outlet import Consumer
from slipway.local.servicebus.queue import Clock, Queue
from slipway.local.servicebus.rules.rule import Rule
from slipway.local.servicebus.session_queue import SessionQueue
from slipway.local.servicebus.topic import Forwarder, Journal, Subscription, Topic

MANAGEMENT = "/$management"
DEAD_LETTERS = "/$DeadLetterQueue"


@dataclass(frozen=True)
class QueueConfig:
    name: str
    settings: Settings


@dataclass(frozen=True)
class SubscriptionConfig:
    """With `dead_letter_failures` a message that a rule cannot be asked of is dead-lettered, else it is dropped."""

    name: str
    settings: Settings
    rules: tuple[Rule, ...]
    dead_letter_failures: bool = True


@dataclass(frozen=True)
class TopicConfig:
    name: str
    settings: Settings
    subscriptions: tuple[SubscriptionConfig, ...]


@dataclass(frozen=True)
class NamespaceConfig:
    queues: tuple[QueueConfig, ...] = ()
    topics: tuple[TopicConfig, ...] = ()


@dataclass
class Namespace:
    """Names are compared without regard to case."""

    topics: list[Topic] = field(default_factory=list)
    _senders: dict[str, Queue] = field(default_factory=dict)
    _receivers: dict[str, Queue] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)

    @classmethod
    def build(cls, config: NamespaceConfig, clock: Clock, journal: Journal) -> "Namespace":
        """Settings that forward name a queue or topic of the configuration."""
        namespace = cls()
        for queue in config.queues:
            namespace._senders[queue.name.lower()] = namespace._receiver(queue.name, queue.settings, clock, journal)
        for topic in config.topics:
            inbox = Queue(topic.name, topic.settings, clock, journal)
            namespace._senders[topic.name.lower()] = inbox
            subscriptions = tuple(
                namespace._subscription(topic.name, each, clock, journal) for each in topic.subscriptions
            )
            namespace.topics.append(Topic(inbox, subscriptions))
        return namespace

    def queues(self) -> Iterator[Queue]:
        """Every queue there is: dead-letter queues, subscriptions and inboxes of topics too."""
        yield from self._receivers.values()
        yield from (topic.inbox for topic in self.topics)

    def subscriptions(self) -> Iterator[Subscription]:
        yield from self._subscriptions.values()

    def inner_consumers(self) -> Iterator[tuple[Queue, Consumer]]:
        """What takes messages from a queue by itself: topics, and queues that forward."""
        for topic in self.topics:
            yield topic.inbox, topic
        for queue in self._receivers.values():
            if queue.settings.forward_to is not None:
                yield queue, Forwarder(self._senders[queue.settings.forward_to.lower()])

    def sent_to(self, address: str) -> Queue:
        """What takes the messages sent to an address. Raises Refusal."""
        return self._find(address, self._senders, "sent to")

    def received_from(self, address: str) -> Queue:
        """What a receiver on an address is fed from. Raises Refusal."""
        queue = self._find(address, self._receivers, "received from")
        if queue.settings.forward_to is not None:
            raise Refusal(NOT_ALLOWED, f"{queue.name} forwards to {queue.settings.forward_to}: receive there.")
        return queue

    def managed(self, address: str) -> Queue:
        """What `<entity>/$management` speaks of. Raises Refusal."""
        name = entity_name(address).removesuffix(MANAGEMENT)
        queue = self._receivers.get(name) or self._senders.get(name)
        if queue is None:
            raise _unknown(name)
        return queue

    def subscription(self, address: str) -> Subscription:
        """Whose rules `<entity>/$management` speaks of. Raises Refusal."""
        queue = self.managed(address)
        found = self._subscriptions.get(queue.name.lower())
        if found is None:
            raise Refusal(NOT_ALLOWED, f"{queue.name} is no subscription: it has no rules.")
        return found

    def _subscription(self, topic: str, config: SubscriptionConfig, clock: Clock, journal: Journal) -> Subscription:
        name = f"{topic}/Subscriptions/{config.name}"
        queue = self._receiver(name, config.settings, clock, journal)
        subscription = Subscription(queue, config.rules, journal, config.dead_letter_failures)
        self._subscriptions[name.lower()] = subscription
        return subscription

    def _receiver(self, name: str, settings: Settings, clock: Clock, journal: Journal) -> Queue:
        grave_settings = Settings(lock_ms=settings.lock_ms, max_deliveries=None, forward_to=settings.forward_dead_to)
        grave = Queue(name + DEAD_LETTERS, grave_settings, clock, journal)
        kind = SessionQueue if settings.sessions else Queue
        queue = kind(name, settings, clock, journal, grave)
        self._receivers[grave.name.lower()] = grave
        self._receivers[name.lower()] = queue
        return queue

    def _find(self, address: str, queues: dict[str, Queue], verb: str) -> Queue:
        name = entity_name(address)
        queue = queues.get(name)
        if queue is None and (name in self._senders or name in self._receivers):
            raise Refusal(NOT_ALLOWED, f"{name} cannot be {verb}")
        if queue is None:
            raise _unknown(name)
        return queue


def entity_name(address: str) -> str:
    """`amqps://host:port/Some/Queue` and `some/queue` are both `some/queue`."""
    scheme, separator, rest = address.partition("://")
    path = rest.partition("/")[2] if separator else scheme
    return path.strip("/").lower()


def _unknown(name: str) -> Refusal:
    return Refusal(NOT_FOUND, f"The messaging entity '{name}' could not be found.")
