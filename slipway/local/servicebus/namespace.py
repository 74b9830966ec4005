"""All queues, topics and subscriptions by address, as a client writes it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slipway.local.servicebus.entry import Rules
from slipway.local.servicebus.errors import NOT_ALLOWED, NOT_FOUND, Refusal
from slipway.local.servicebus.queue import Clock, Journal, Queue

MANAGEMENT = "/$management"
DEAD_LETTERS = "/$DeadLetterQueue"


@dataclass(frozen=True)
class QueueConfig:
    name: str
    rules: Rules


@dataclass(frozen=True)
class TopicConfig:
    name: str
    rules: Rules
    subscriptions: tuple[QueueConfig, ...]


@dataclass(frozen=True)
class NamespaceConfig:
    queues: tuple[QueueConfig, ...] = ()
    topics: tuple[TopicConfig, ...] = ()


@dataclass(frozen=True)
class Topic:
    """What is sent to a topic goes through its inbox, where it may wait for its time, to each subscription."""

    inbox: Queue
    subscriptions: tuple[Queue, ...]

    @property
    def hungry(self) -> bool:
        return True

    def feed(self, queue: Queue) -> None:
        """Copy the next message of the inbox to every subscription."""
        entry = queue.pop()
        if entry is not None:
            for subscription in self.subscriptions:
                subscription.put(entry.content)


@dataclass
class Namespace:
    """Names are compared without regard to case."""

    topics: list[Topic] = field(default_factory=list)
    _senders: dict[str, Queue] = field(default_factory=dict)
    _receivers: dict[str, Queue] = field(default_factory=dict)

    @classmethod
    def build(cls, config: NamespaceConfig, clock: Clock, journal: Journal) -> "Namespace":
        namespace = cls()
        for queue in config.queues:
            namespace._senders[queue.name.lower()] = namespace._receiver(queue.name, queue.rules, clock, journal)
        for topic in config.topics:
            inbox = Queue(topic.name, topic.rules, clock, journal)
            namespace._senders[topic.name.lower()] = inbox
            subscriptions = tuple(
                namespace._receiver(f"{topic.name}/Subscriptions/{each.name}", each.rules, clock, journal)
                for each in topic.subscriptions
            )
            namespace.topics.append(Topic(inbox, subscriptions))
        return namespace

    def queues(self) -> Iterator[Queue]:
        """Every queue there is: dead-letter queues, subscriptions and inboxes of topics too."""
        yield from self._receivers.values()
        yield from (topic.inbox for topic in self.topics)

    def sent_to(self, address: str) -> Queue:
        """What takes the messages sent to an address. Raises Refusal."""
        return self._find(address, self._senders, "sent to")

    def received_from(self, address: str) -> Queue:
        """What a receiver on an address is fed from. Raises Refusal."""
        return self._find(address, self._receivers, "received from")

    def managed(self, address: str) -> Queue:
        """What `<entity>/$management` speaks of. Raises Refusal."""
        name = entity_name(address).removesuffix(MANAGEMENT)
        queue = self._receivers.get(name) or self._senders.get(name)
        if queue is None:
            raise _unknown(name)
        return queue

    def _receiver(self, name: str, rules: Rules, clock: Clock, journal: Journal) -> Queue:
        grave_rules = Rules(lock_ms=rules.lock_ms, max_deliveries=None)
        grave = Queue(name + DEAD_LETTERS, grave_rules, clock, journal)
        queue = Queue(name, rules, clock, journal, grave)
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
