"""Who served what, as phases of the traffic model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from slipway.local.azure.logs.minutes import Phase


class Serves(Protocol):
    """A release that gets `share` (0..1) of a site's requests, with the faults of its package; `slot` is where. When
    the requests came through a Front Door's endpoint, `site` is whose slot that is and `origin` the origin's host."""

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
    @property
    def slot(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def origin(self) -> str: ...


class Stretch(Protocol):
    """From `begins` until before `ends` it was these."""

    @property
    def begins(self) -> datetime: ...
    @property
    def ends(self) -> datetime: ...
    @property
    def served(self) -> Sequence[Serves]: ...


# Who served a site's requests from a moment until before another: `between(site, begins, ends)`.
ServedBetween: TypeAlias = Callable[[str, datetime, datetime], Iterable[Stretch]]


def phases_of(stretches: Iterable[Stretch], per_second: float, role: str = "") -> Iterator[Phase]:
    """A phase of each release that served in a stretch, in the `role`, or in that of its service's name."""
    for stretch in stretches:
        for each in stretch.served:
            yield Phase(
                role=role or each.service,
                begins=stretch.begins,
                ends=stretch.ends,
                version=each.version,
                share=each.share,
                instances=each.instances,
                per_second=per_second,
                error_rate=float(each.faults.get("error_rate", 0.0)),
                latency_ms=float(each.faults.get("latency_ms", 0.0)),
            )
