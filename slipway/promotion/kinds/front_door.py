"""The origin weights of an Azure Front Door (Standard or Premium) before an App Service with a slot."""

from slipway.promotion.front_door import KIND
from slipway.promotion.kinds.router import CPU, Router

SETTLE_S = 1200.0  # Microsoft says up to 20 minutes; 45 were seen in late 2025

FOLLOWS = "Microsoft.Cdn/operationresults/read"  # beside the profile, in its resource group
RULES = (  # of the testers
    "Microsoft.Cdn/profiles/ruleSets/rules/read",
    "Microsoft.Cdn/profiles/ruleSets/rules/write",
    "Microsoft.Cdn/profiles/ruleSets/rules/delete",
)

FRONT_DOOR = Router(
    kind=KIND,
    target="app-service",
    grain=0.001,
    settle_s=SETTLE_S,
    fronts=True,
    stickiness="none, every request is drawn anew; with session affinity on no ramp begins: the judge counts requests",
    affinity="testers by a header or cookie: a rule is made before the ramp and taken away after it",
    way_back="the slot is stopped on harm, so that probes drop its origin; then its origin is disabled, in one change",
    measures=(CPU,),  # the same site and slot as without it
    actions=(
        "Microsoft.Cdn/profiles/originGroups/read",
        "Microsoft.Cdn/profiles/originGroups/origins/read",
        "Microsoft.Cdn/profiles/originGroups/origins/write",
        FOLLOWS,
        *RULES,
    ),
)
