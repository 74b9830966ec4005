"""Where a stage's traffic passes a Front Door: the origins of both sides, and who is sent to the new release first.

As something that a router divides, it is a target of its own kind: `resource` is the origin of the idle side, `slot`
the name of the live side's origin, beside it in the same group.
"""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known

KIND = "front-door"
ALWAYS, NEVER, WHEN_IT_PAYS = "always", "never", "when it pays"
LEAST_LATENCY_WINDOW_MS = 500  # below it the quickest origin has all the traffic, whatever the weights say
SLOW_PROBES_S = 60.0  # between two health probes, beyond which the fast way back is no fast one any more


@dataclass(frozen=True)
class Testers:
    """Requests with that `header`, or `cookie`, of that `value` meet the new release at any share: by a rule in
    `rule_set`, which the route has, that sends them to `origin_group`, whose only origin is the idle side."""

    __test__ = False

    rule_set: str
    origin_group: str
    value: str
    header: str = ""
    cookie: str = ""

    @property
    def sends(self) -> tuple[str, str]:
        """Name and value of the request header that makes a request one of theirs."""
        return (self.header, self.value) if self.header else ("cookie", f"{self.cookie}={self.value}")

    @property
    def words(self) -> str:
        return f"header {self.header}: {self.value}" if self.header else f"cookie {self.cookie}={self.value}"


@dataclass(frozen=True)
class FrontDoor:
    """`profile` is its resource id; `live` and `idle` are origins of `origin_group`; users ask `endpoint`. A harmful
    release's side may be stopped at once (`stop_on_harm`): its health probes then fail, and edges drop it sooner than
    they would hear of a weight. Until then those who are sent there are answered by nothing, so `when it pays` does it
    for outages only, and where the release fails so often that the wait for weights would cost more."""

    profile: str
    origin_group: str
    live: str
    idle: str
    endpoint: str
    stop_on_harm: str = WHEN_IT_PAYS
    testers: Testers | None = None

    @property
    def resource(self) -> str:
        """The resource id of the origin that a ramp gives more and more weight."""
        return f"{self.profile}/originGroups/{self.origin_group}/origins/{self.idle}"

    @property
    def where(self) -> str:
        """In words."""
        return f"{self.profile.rsplit('/', 1)[-1]}/{self.origin_group}"

    @classmethod
    def load(cls, data: dict[str, Any]) -> "FrontDoor":
        testers = data.get("testers")
        return cls(**{**known(cls, data), "testers": Testers(**known(Testers, testers)) if testers else None})


def drop_within_s(interval_s: float, sample_size: int, successful_samples: int) -> float:
    """How long an edge goes on sending requests to an origin whose probes fail from now on, in seconds.

    It is dropped when fewer than `successful_samples` of the last `sample_size` probes succeeded. (From Front Door's
    documentation of its load balancing; never measured in Azure.)
    """
    return interval_s * (sample_size - successful_samples + 1)
