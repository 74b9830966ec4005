"""The users of production: a few come to each region whenever time passes, and what they meet is counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from slipway.cli.laptop.retail.places import REGIONS, Place
from slipway.cli.laptop.users import Met

AT_ONCE = 20


@dataclass
class Users:
    """Real requests, each from behind one of the resolvers of a region's name; `ends` has their addresses. `met` is by
    region."""

    ends: Mapping[str, str]
    met: dict[str, Met] = field(default_factory=lambda: {each.target: Met() for each in REGIONS})

    def come(self) -> None:
        """Some to each region."""
        for place in REGIONS:
            self.come_to(place)

    def come_to(self, place: Place, path: str = "/", count: int = AT_ONCE) -> Counter[str]:
        """So many to that page: which versions answered them, whatever they answered; "" is nobody."""
        requests, bad = Counter[str](), Counter[str]()
        with httpx.Client(timeout=5.0, trust_env=False) as http:
            for _ in range(count):
                version, fails = _visit(http, self.ends[place.users] + path)
                requests[version] += 1
                bad[version] += fails
        self.met[place.target] = self.met[place.target].plus(Met(dict(requests), dict(bad)))
        return requests


def _visit(http: httpx.Client, url: str) -> tuple[str, bool]:
    """Who answered, and whether it was no use."""
    try:
        answer = http.get(url)
    except httpx.TransportError:
        return "", True
    return answer.headers.get("x-version", ""), answer.status_code >= 400
