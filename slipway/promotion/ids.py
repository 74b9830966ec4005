"""One builder for every id: printable ASCII, without `/ \\ # ?`, at most 100 characters.

The limit is Durable Task Scheduler's; `@entity@key` counts as a whole. What is too long is
shortened and closed with a hash of the whole, so that two long ids stay two.
"""

import hashlib
import re

LIMIT = 100
PROMOTION_LIMIT = 84  # leaves room for "@environment@" and for most stage names
# A service and its version, perhaps shortened (then a hash is its end), and from the second run on its number.
PROMOTION_ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*--[0-9A-Za-z][0-9A-Za-z._~-]*(=[1-9][0-9]{0,2})?$"
MOST_RUNS = 999
_PROMOTION = re.compile(PROMOTION_ID_PATTERN.removesuffix("$") + r"\Z")
_DNS_LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}\Z")


def is_name(text: str) -> bool:
    """Whether `text` can name a service, environment, stage or target: a DNS label with single hyphens."""
    return len(text) <= 63 and _DNS_LABEL.match(text) is not None


def is_version(text: str) -> bool:
    """Whether `text` can be a build's version."""
    return _VERSION.match(text) is not None


def is_promotion_id(text: str) -> bool:
    """Whether `text` can be the id of a promotion."""
    return len(text) <= PROMOTION_LIMIT and _PROMOTION.match(text) is not None


def shortened(text: str, limit: int = LIMIT) -> str:
    """`text` itself when it fits, else its beginning and 10 hex digits of its SHA-256."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 11]}~{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def promotion_id(service: str, version: str, run: int = 1) -> str:
    """`checkout--1.4.2`; a `+` in the version becomes `~`, which no version can hold. When the same build is promoted
    once more it is `checkout--1.4.2=2`."""
    number = "" if run == 1 else f"={run}"
    return shortened(f"{service}--{version.replace('+', '~')}", PROMOTION_LIMIT - len(number)) + number


def without_run(promotion: str) -> str:
    """The id that all promotions of one build share, `checkout--1.4.2`; not where it had to be shortened."""
    return promotion.partition("=")[0]


def stage_id(promotion: str, stage: str, attempt: int = 1) -> str:
    """The stage's orchestration, `checkout--1.4.2:production`; from the second attempt on `…:production:2`."""
    return shortened(f"{promotion}:{stage}" if attempt == 1 else f"{promotion}:{stage}:{attempt}")


def child_id(parent: str, *parts: str) -> str:
    """An orchestration or operation below `parent`: `checkout--1.4.2:production:weu:deploy:1`."""
    return shortened(":".join((parent, *parts)))


def environment_key(environment: str, service: str) -> str:
    """The key of the entity `environment`: one lock per service and environment."""
    return shortened(f"{environment}--{service}", LIMIT - len("@environment@"))


def decisions_key(promotion: str) -> str:
    """The key of the entity `decisions`: one per promotion."""
    return shortened(promotion, LIMIT - len("@decisions@"))
