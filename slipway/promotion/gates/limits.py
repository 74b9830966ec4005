"""Counts by level or severity against what a gate allows of each."""

from collections.abc import Mapping, Sequence

from slipway.promotion.gates.answer import Breach

Allowed = Mapping[str, int] | int | None


def above(
    allowed: Allowed, found: Mapping[str, int], code: str, nouns: tuple[str, str], such: str = ""
) -> list[Breach]:
    """What there is more of than `allowed` says: a count for all together, or one for each name. `nouns` are one and
    many, `such` says more of them."""
    if allowed is None:
        return []
    every = {"": sum(found.values())} if isinstance(allowed, int) else found
    limits = {"": allowed} if isinstance(allowed, int) else allowed
    breaches = []
    for name, most in limits.items():
        if (number := every.get(name, 0)) > most:
            what = f"{name} {nouns[number != 1]}".strip()
            breaches.append(Breach(code, f"{number:,} {what}{such}, allowed {most:,}"))
    return breaches


def with_names(breaches: Sequence[Breach], names: str) -> list[Breach]:
    """The last of them goes on with these names."""
    return [*breaches[:-1], *(Breach(each.code, each.words + names) for each in breaches[-1:])]
