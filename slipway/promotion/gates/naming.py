"""Whether evidence names the build that it is brought with."""

from slipway.promotion.build import Build
from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.reading import OfAnotherBuild

_SHORTEST = 7  # of an abbreviated commit


def is_commit(named: str, build: Build) -> bool:
    """Whether these are one commit, either of them abbreviated or not."""
    one, other = named.strip().lower(), build.commit.lower()
    short = min(len(one), len(other))
    return one == other or (short >= _SHORTEST and one[:short] == other[:short])


def check_commit(named: str, build: Build, where: str) -> None:
    """Nothing where one of the two names none. Raises OfAnotherBuild."""
    if named and build.commit and not is_commit(named, build):
        raise OfAnotherBuild(f"{where} names the commit {cut(named, 40)}; the build is of {build.commit}")
