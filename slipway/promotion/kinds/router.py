"""What is known of one kind of router."""

from dataclasses import dataclass

CPU, MEMORY = "CPU per request", "memory"


@dataclass(frozen=True)
class Router:
    """Divides the traffic of targets of the kind `target`.

    `grain` is the smallest share (0..1) that it can set, and every share is a multiple of it. `settle_s` is how long a
    change takes until users meet it. `stickiness` says in words who keeps a side, `way_back` how all of the traffic
    returns; `measures` are what the platform tells of a release's needs there, `actions` those of Azure that whoever
    deploys to such a target, divides its traffic and takes it back needs on it, `environment_actions` those that it
    needs on what the target stands on. What `fronts` stands before targets of their own router, which stays what makes
    a release live, and settles so slowly that a tick may be shorter. `affinity`: how a user can be kept on a side, or
    sent to one, in words.
    """

    kind: str
    target: str
    grain: float
    settle_s: float
    stickiness: str
    way_back: str
    measures: tuple[str, ...]
    actions: tuple[str, ...]
    environment_actions: tuple[str, ...] = ()
    fronts: bool = False
    affinity: str = ""

    def can_set(self, share: float) -> bool:
        """Whether `share` (0..1) is one that it can set as it is."""
        steps = share / self.grain
        return round(steps) >= 1 and abs(steps - round(steps)) < 1e-6
