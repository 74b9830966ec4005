"""Synthetic requests of a ramp whose users send too few: to the live address, where the router divides them like
users' own, so that both releases get their part."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from slipway.adapters.http_probe import status_of
from slipway.promotion.canary_plan import CanaryPlan, TopUp
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S

STRETCH_S = 5.0
TIMEOUT_S = 5.0
THROTTLED = (408, 429)  # which passes
HEADERS = {"x-slipway-synthetic": "1"}


def address_of(canary: CanaryPlan, site: dict[str, str]) -> str:
    """Where users ask, and the traffic is divided: at the Front Door before a site, else at the site itself."""
    return canary.front_door.endpoint if canary.front_door else site["production"]


@dataclass(frozen=True)
class Sent:
    """What came of it in words, empty when all is well. `refused`: the live release itself wants no such requests, so
    that no more may be sent: telemetry would count them as failures."""

    words: str = ""
    refused: bool = False


class Sending:
    """Under way from when it is made: as many requests as are due until the next look, in one stretch, divided among
    the addresses. With `threads`, so that a look goes on meanwhile."""

    def __init__(
        self, threads: ThreadPoolExecutor, top_up: TopUp, addresses: dict[str, str], every_s: float, refused: str = ""
    ) -> None:
        self._before = refused
        urls = {} if refused or top_up.rate_per_s <= 0 else {name: a + top_up.path for name, a in addresses.items()}
        rate = top_up.rate_per_s / max(1, len(urls))
        self._sent = [threads.submit(_send, name, url, rate, every_s) for name, url in urls.items()]

    def ended(self) -> Sent:
        """When the last one was answered."""
        return Sent(self._before, bool(self._before)) if self._before else _together(self._sent)


def _together(sent: Sequence["Future[Sent]"]) -> Sent:
    all_sent = [each.result() for each in sent]
    words = "; ".join(each.words for each in all_sent if each.words)
    return Sent(words, any(each.refused for each in all_sent))


def _send(name: str, url: str, rate_per_s: float, every_s: float) -> Sent:
    from slipway.adapters.http_load import drive

    status, why = status_of(url, TIMEOUT_S, headers=HEADERS)
    if why:
        return Sent(f"{name}: no top-up is sent: {why}")
    if status in THROTTLED:
        return Sent(f"{name}: no top-up is sent: {url} answers {status}")
    if 400 <= status < 500:
        return Sent(f"{name}: no top-up is sent any more: {url} answers {status}", refused=True)
    stretch_s = min(STRETCH_S, every_s)
    count = max(rate_per_s * every_s, 1.0)
    seen = drive(url, min(count / stretch_s, DRIVER_RATE_PER_S), stretch_s, TIMEOUT_S, headers=HEADERS)
    if seen.answered < seen.sent:
        return Sent(f"{name}: {seen.sent - seen.answered} of {seen.sent} requests of the top-up had no answer")
    return Sent()
