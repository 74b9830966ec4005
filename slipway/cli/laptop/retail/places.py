"""The places of the shop on the laptop: who asks there, and by which doors it is reached."""

from dataclasses import dataclass

DEV, STAGING, PRODUCTION = "dev", "staging", "production"


@dataclass(frozen=True)
class Gate:
    """Where people are asked."""

    name: str
    stage: str


QA, SWITCH = Gate("staging", STAGING), Gate("the switch", PRODUCTION)


@dataclass(frozen=True)
class Place:
    """A target, by the names of its front ends: `users` is where they come, `sides` is the beginning of both sides'."""

    stage: str
    target: str
    users: str
    sides: str

    def side(self, colour: str) -> str:
        return f"{self.sides}-{colour}"


TESTS = (
    Place(DEV, "dev", "shop-test-storefront-dev", "shop-test-storefront-dev"),
    Place(STAGING, "staging", "shop-test-storefront-staging", "shop-test-storefront-staging"),
)
WEU = Place(PRODUCTION, "weu", "storefront-weu", "shop-weu-storefront")  # by Traffic Manager
NEU = Place(PRODUCTION, "neu", "neu.shop.example", "shop-neu-storefront")  # by a DNS record
REGIONS = (WEU, NEU)
PLACES = (*TESTS, *REGIONS)
STAGING_DATABASE, DATABASE = DATABASES = "storefront-staging", "storefront"
