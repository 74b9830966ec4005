"""A feature flag of App Configuration: it divides users, within one release."""

from slipway.promotion.flags.plan import KIND
from slipway.promotion.kinds.router import Router

APP_CONFIGURATION_FLAG = Router(
    kind=KIND,
    target=KIND,
    grain=0.0001,
    settle_s=30.0,  # the libraries' default between two readings
    stickiness="a user keeps what they have, by the hash of their name; a growing share only ever adds users",
    way_back="the flag is switched off, in one request; applications that read it every 30 s follow by then",
    measures=(),
    actions=(
        "Microsoft.AppConfiguration/configurationStores/keyValues/read",
        "Microsoft.AppConfiguration/configurationStores/keyValues/write",
    ),
)
