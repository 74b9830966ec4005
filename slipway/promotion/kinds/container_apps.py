"""The revision weights of a Container App."""

from slipway.promotion.kinds.router import CPU, MEMORY, Router

CONTAINER_APPS = Router(
    kind="container-apps",
    target="container-apps",
    grain=0.01,
    settle_s=10.0,
    stickiness="none, every request is drawn anew",
    way_back="all the weight returns to the previous revision, in one update",
    affinity="a tester asks the revision's own address; weights know no header, no cookie and, with several revisions, "
    "no session affinity",
    measures=(CPU, MEMORY),
    actions=(
        "Microsoft.App/containerApps/read",
        "Microsoft.App/containerApps/write",
        "Microsoft.App/containerApps/revisions/read",
        "Microsoft.App/containerApps/revisions/activate/action",
        "Microsoft.App/containerApps/revisions/deactivate/action",
    ),
    environment_actions=("Microsoft.App/managedEnvironments/join/action",),
)
