"""Stages and what they need of each other; targets and which of them are switched after which."""

from collections.abc import Mapping, Sequence


def start_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The stages in an order in which each comes after what it needs, else as given.

    `needs` maps each stage to the stages that it needs; unknown ones count as passed. Stages on a cycle, and
    those that wait for one, can never start and are left out.
    """
    started: list[str] = []
    waiting = list(needs)
    while (ready := next((stage for stage in waiting if _free(stage, needs, waiting)), None)) is not None:
        started.append(ready)
        waiting.remove(ready)
    return started


def levels_of(after: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Names in levels, each level after all that it waits for; `after` maps each name to those. Without cycles."""
    level: dict[str, int] = {}
    for name in start_order(after):
        level[name] = max((level[other] + 1 for other in after[name]), default=0)
    return tuple(tuple(name for name in after if level[name] == depth) for depth in sorted(set(level.values())))


def cycles(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The cycles that stop stages from ever starting, each from its first stage in the text."""
    position = {stage: index for index, stage in enumerate(needs)}
    started = set(start_order(needs))
    stuck = [stage for stage in needs if stage not in started]
    found: dict[frozenset[str], list[str]] = {}
    for stage in stuck:
        walk = [stage]
        while (following := next(need for need in needs[walk[-1]] if need in stuck)) not in walk:
            walk.append(following)
        cycle = walk[walk.index(following) :]
        first = cycle.index(min(cycle, key=position.__getitem__))
        found.setdefault(frozenset(cycle), cycle[first:] + cycle[:first])
    return list(found.values())


def stuck_behind(cycle: Sequence[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The stages that wait for a stage of `cycle`, directly or through others, without those on it."""
    stuck = set(cycle)
    while more := {stage for stage in needs if stage not in stuck and not stuck.isdisjoint(needs[stage])}:
        stuck |= more
    return [stage for stage in needs if stage in stuck and stage not in cycle]


def _free(stage: str, needs: Mapping[str, Sequence[str]], waiting: Sequence[str]) -> bool:
    return not any(need in waiting for need in needs[stage])
