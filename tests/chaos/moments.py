"""The chosen points of a kill: between an effect and its record.

The stand-in holds a request just before or just after it is carried out; while it does, the part is killed.
To add one, name the request and which part dies then.
"""

from dataclasses import dataclass

from slipway.cli.laptop.supervisor import AZURE, FUNCTIONS, SERVICEBUS


@dataclass(frozen=True)
class Moment:
    """`parts` die while the stand-in holds the next request of `method` whose path contains `path`, `hold` (before
    or after) it is carried out."""

    words: str
    method: str
    path: str
    hold: str
    parts: tuple[str, ...] = (FUNCTIONS,)

    def fault(self, hold_s: float) -> dict[str, object]:
        """The stand-in's fault that holds that request."""
        match = {"method": self.method, "path_contains": self.path}
        return {"match": match, "hold": self.hold, "hold_s": hold_s}


MOMENTS = (
    Moment("a deployment has begun, its answer is on the way", "PUT", "/onedeploy", "after"),
    Moment("a deployment is about to begin, its receipt is written", "PUT", "/onedeploy", "before"),
    Moment("a deployment has begun, Azure dies before it says so", "PUT", "/onedeploy", "after", (AZURE,)),
    Moment("a swap has begun, its answer is on the way", "POST", "/slotsswap", "after"),
    Moment("a swap is about to begin, its receipt is written", "POST", "/slotsswap", "before"),
    Moment("a swap has begun, Azure dies before it says so", "POST", "/slotsswap", "after", (AZURE,)),
    Moment("a swap has begun, Azure and the host die", "POST", "/slotsswap", "after", (AZURE, FUNCTIONS)),
    Moment("a swap is followed, its end is not told yet", "GET", "/operationresults/", "after"),
    Moment("a receipt is about to be closed", "PUT", "/receipts(", "before"),
    Moment("a receipt is closed, nobody knows", "PUT", "/receipts(", "after"),
    Moment("a receipt is begun", "POST", "/receipts", "after"),
    Moment("a fence is claimed", "PUT", "/fences(", "after"),
    Moment("an intake row is written, nothing is started", "POST", "/promotions", "after"),
    Moment("a promotion is claimed, the claim's answer is on the way", "PUT", "/promotions(", "after"),
    Moment("an audit record is appended, its row is not written", "PUT", "comp=appendblock", "after"),
    Moment("an audit record is about to be appended", "PUT", "comp=appendblock", "before"),
    Moment("an audit record is appended, Azure dies before it says so", "PUT", "comp=appendblock", "after", (AZURE,)),
    Moment("a lock's copy is about to be written", "PUT", "/environments(", "before"),
    Moment("an idle slot is stopped", "POST", "/stop", "after"),
    Moment("a record is kept, its event is not sent", "PUT", "/promotionlist(", "after", (SERVICEBUS, FUNCTIONS)),
)

MOMENTS_OF_RAMPS = (
    Moment("a share is about to be set", "PATCH", "/config/web", "before"),
    Moment("a share is set, its answer is on the way", "PATCH", "/config/web", "after"),
    Moment("a share is set, Azure dies before it says so", "PATCH", "/config/web", "after", (AZURE,)),
    Moment("a share is set, Azure and the host die", "PATCH", "/config/web", "after", (AZURE, FUNCTIONS)),
    Moment("a rule is looked at", "GET", "/config/web", "after"),
)
