"""Who served what, as phases of the traffic model: from a question about moments to stretches of time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol, TypeAlias

from slipway.local.azure.logs.traffic_model import Phase

MOST_LOOKS = 3600


class Serves(Protocol):
    """A release that gets `share` (0..1) of a site's requests, with the faults of its package."""

    @property
    def service(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def share(self) -> float: ...
    @property
    def instances(self) -> tuple[str, ...]: ...
    @property
    def faults(self) -> Mapping[str, float | int | bool]: ...


ServingAt: TypeAlias = Callable[[datetime], Sequence[Serves]]


def phases_of(serving_at: ServingAt, per_second: float, begins: datetime, ends: datetime) -> Iterator[Phase]:
    """The phases from `begins` until `ends`, to the second up to an hour and to a 3,600th of what is longer.

    Whole seconds, since the model draws those: which release one belongs to must not depend on the question.
    """
    begins = begins.replace(microsecond=0)
    step = max(timedelta(seconds=1), (ends - begins) / MOST_LOOKS)
    moments = [begins + number * step for number in range(-(-(ends - begins) // step))]
    for _, alike in groupby(((at, tuple(serving_at(at))) for at in moments), key=lambda each: each[1]):
        stretch = list(alike)
        first, served = stretch[0]
        for each in served:
            yield Phase(
                role=each.service,
                begins=first,
                ends=min(stretch[-1][0] + step, ends),
                version=each.version,
                share=each.share,
                instances=each.instances,
                per_second=per_second,
                error_rate=float(each.faults.get("error_rate", 0.0)),
                latency_ms=float(each.faults.get("latency_ms", 0.0)),
            )
