"""The routing rule of an App Service: a share of its requests goes to a slot."""

from slipway.promotion.kinds.router import CPU, Router

APP_SERVICE_SLOTS = Router(
    kind="app-service-slots",
    target="app-service",
    grain=0.0001,
    settle_s=30.0,
    stickiness="a browser keeps its side for an hour (cookie x-ms-routing-name); other clients are drawn per request",
    way_back="the routing rule is taken away, in one request; browsers that were drawn follow their cookie meanwhile",
    affinity="a tester sends the cookie x-ms-routing-name=<slot>, or asks for ?x-ms-routing-name=<slot>, and meets the "
    "slot at any share; no rule by header",
    measures=(CPU,),  # memory is the plan's, which both sides share
    actions=(
        "Microsoft.Web/sites/Read",
        "Microsoft.Web/sites/slots/Read",
        "Microsoft.Web/sites/config/Read",
        "Microsoft.Web/sites/config/Write",
        "Microsoft.Web/sites/slots/deployments/Read",
        "Microsoft.Web/sites/slots/deploymentStatus/Read",
        "Microsoft.Web/sites/slots/extensions/Write",
        "Microsoft.Web/sites/slots/operationresults/Read",
        "Microsoft.Web/sites/slots/slotsswap/Action",
        "Microsoft.Web/sites/slots/start/Action",
        "Microsoft.Web/sites/slots/stop/Action",
    ),
)
