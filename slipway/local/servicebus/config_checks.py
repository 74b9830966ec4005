"""What can only be seen of a configuration as a whole: names, and where forwarding leads."""

from collections import Counter
from collections.abc import Iterable, Iterator

from slipway.local.servicebus.entry import Settings
from slipway.local.servicebus.namespace import DEAD_LETTERS, NamespaceConfig

MOST_HOPS = 4
"""Azure's limit. There it is found out on the way; here the configuration is refused."""

Ways = dict[str, list[str]]
"""From each place, in lower case, to where its messages go on by themselves."""


def complaints(config: NamespaceConfig) -> Iterator[str]:
    """One line for each thing that is wrong."""
    entities = [("queue", each.name) for each in config.queues] + [("topic", each.name) for each in config.topics]
    yield from _twice("queues or topics", (name for _, name in entities))
    for topic in config.topics:
        yield from _twice(f"subscriptions of topic '{topic.name}'", (each.name for each in topic.subscriptions))
        for subscription in topic.subscriptions:
            where = f"rules of topic '{topic.name}', subscription '{subscription.name}'"
            yield from _twice(where, (rule.name for rule in subscription.rules))
    names = {name.lower() for _, name in entities}
    wrong = False
    for where, settings in _places(config):
        for line in _misled(where, settings, names):
            wrong = True
            yield line
    if not wrong:
        yield from _too_far(_ways(config))


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    counted = Counter(name.lower() for name in names)
    twice = sorted(name for name, times in counted.items() if times > 1)
    if twice:
        yield f"two {what} are called {', '.join(twice)}"


def _places(config: NamespaceConfig) -> Iterator[tuple[str, Settings]]:
    for queue in config.queues:
        yield f"queue '{queue.name}'", queue.settings
    for topic in config.topics:
        for subscription in topic.subscriptions:
            yield f"topic '{topic.name}', subscription '{subscription.name}'", subscription.settings


def _misled(where: str, settings: Settings, names: set[str]) -> Iterator[str]:
    targets = {"ForwardTo": settings.forward_to, "ForwardDeadLetteredMessagesTo": settings.forward_dead_to}
    for key, target in targets.items():
        if target is not None and target.lower() not in names:
            yield f"{where}: {key} names '{target}', and there is no such queue or topic"
    if settings.sessions and settings.forward_to is not None:
        yield f"{where}: ForwardTo and RequiresSession exclude each other, as in Azure"


def _ways(config: NamespaceConfig) -> Ways:
    ways: Ways = {}
    for queue in config.queues:
        _leads(ways, queue.name.lower(), queue.settings)
    for topic in config.topics:
        inner = [f"{topic.name}/Subscriptions/{each.name}".lower() for each in topic.subscriptions]
        ways.setdefault(topic.name.lower(), []).extend(inner)
        for name, subscription in zip(inner, topic.subscriptions, strict=True):
            _leads(ways, name, subscription.settings)
    return ways


def _leads(ways: Ways, name: str, settings: Settings) -> None:
    if settings.forward_to is not None:
        ways.setdefault(name, []).append(settings.forward_to.lower())
    if settings.forward_dead_to is not None:
        ways.setdefault(name + DEAD_LETTERS.lower(), []).append(settings.forward_dead_to.lower())


def _too_far(ways: Ways) -> Iterator[str]:
    """Each way that a message could go by itself and that is too long, or never ends."""
    for start in ways:
        way = _longest(ways, [start])
        hops = sum("/subscriptions/" not in name for name in way[1:])
        if len(way) != len(set(way)):
            yield f"forwarding goes in a circle: {' → '.join(way)}"
        elif hops > MOST_HOPS:
            yield f"forwarding goes on for more than {MOST_HOPS} hops: {' → '.join(way)}"


def _longest(ways: Ways, way: list[str]) -> list[str]:
    """The longest way that begins so; one that comes back to where it was ends there and is the longest."""
    if way[-1] in way[:-1]:
        return way
    ends = [_longest(ways, [*way, following]) for following in ways.get(way[-1], [])]
    circles = [each for each in ends if len(each) != len(set(each))]
    return max(circles or ends, key=len, default=way)
