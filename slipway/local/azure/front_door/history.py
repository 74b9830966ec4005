"""Who served what share of an endpoint's users, as its edge was told and its probes found: in virtual time."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from slipway.local.azure.front_door.computed import ComputedLooks, next_probes
from slipway.local.azure.front_door.edge import Asked, Edge, Origin, chances
from slipway.local.azure.front_door.store import FrontDoorStore
from slipway.local.azure.front_door.told import ToldHealth
from slipway.local.azure.servings import Serving, Servings, Stretch

USER = Asked("/", {}, {})  # what the drawn users ask for


class EdgeHistory:
    """Of one profile. `behind` says which front end is behind an origin, by its name in the ready line; of each of
    them `servings` has the history. `edge` is what the edge knew at a moment."""

    def __init__(
        self,
        profile: str,
        store: FrontDoorStore,
        told: ToldHealth,
        servings: Servings,
        behind: Callable[[Origin], str],
        edge: Callable[[datetime], Edge],
    ) -> None:
        self._profile = profile
        self._store = store
        self._told = told
        self._servings = servings
        self._behind = behind
        self._edge = edge

    def looks(self, at: Callable[[], datetime]) -> ComputedLooks:
        """What the probes had found at that moment."""
        return ComputedLooks(self._up, self._slower, at)

    def between(self, endpoint: str, begins: datetime, ends: datetime) -> list[Stretch]:
        """In that time, in its order."""
        moments = sorted({begins, *self._moments(begins, ends), ends})
        stretches: list[Stretch] = []
        for first, last in pairwise(moments):
            served = self._served(endpoint, first)
            if stretches and stretches[-1].served == served:
                stretches[-1] = Stretch(stretches[-1].begins, last, served)
            else:
                stretches.append(Stretch(first, last, served))
        return stretches

    def _served(self, endpoint: str, at: datetime) -> tuple[Serving, ...]:
        edge = self._edge(at)
        route = edge.route(endpoint, USER.path)
        if route is None:
            return ()
        group, _ = route.leads(USER)
        shares = chances(edge.groups[group], self.looks(lambda: at))
        return tuple(
            replace(each, share=round(share * each.share, 6), site=_site(self._behind(origin)), origin=origin.host)
            for origin, share in shares.items()
            for each in self._servings.serving_at(self._behind(origin), at)
        )

    def _moments(self, begins: datetime, ends: datetime) -> Iterable[datetime]:
        """When it can have become another one: the edge heard of something, what runs changed, or a probe told."""
        told = self._store.edge_moments(self._profile, begins, ends)
        yield from told
        edges = [self._edge(moment) for moment in (begins, *told)]
        groups = {group.path: group for edge in edges for group in edge.groups.values()}
        longest = max((group.interval_s * (group.sample_size + 1) for group in groups.values()), default=0)
        earlier = datetime.fromtimestamp(begins.timestamp() - longest, begins.tzinfo)
        said = [moment for moment in self._told.moments(self._profile, earlier) if moment < ends]
        for group in groups.values():
            for origin in group.origins:
                changed = self._servings.moments(self._behind(origin), earlier, ends)
                yield from (moment for moment in changed if begins < moment)
                for since in (*changed, *said) if group.interval_s else ():
                    yield from (each for each in next_probes(group, since) if begins < each < ends)

    def _up(self, origin: Origin, at: datetime) -> bool:
        said = self._told.at(self._profile, origin.path, at)
        return bool(self._servings.serving_at(self._behind(origin), at)) if said is None else said

    def _slower(self, origin: Origin, at: datetime) -> float:
        served = self._servings.serving_at(self._behind(origin), at)
        return max((float(each.faults.get("latency_ms", 0.0)) for each in served), default=0.0)


def _site(front_end: str) -> str:
    return front_end.partition("(")[0]
