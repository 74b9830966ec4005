"""The endpoint weights of a Traffic Manager profile before an AKS cluster's two sides."""

from slipway.promotion.kinds.router import Router
from slipway.promotion.kinds.switches import TRAFFIC_MANAGER_SWITCH

TRAFFIC_MANAGER = Router(
    kind=TRAFFIC_MANAGER_SWITCH.section,
    target="aks",
    grain=0.001,
    settle_s=120.0,  # a profile's usual TTL of 60 s, and as long for clients that keep answers beyond it
    stickiness="none by user: all who ask the same resolver keep a side for the profile's TTL, and are drawn anew then",
    way_back="the release's endpoint is disabled, in one change; resolvers follow within the profile's TTL",
    affinity="a tester asks the side's own address; names know no header and no cookie",
    measures=(),
    actions=TRAFFIC_MANAGER_SWITCH.actions,
)
