"""The kinds of target that there are, read by lint, `plan`, the stages and whoever grants rights."""

from slipway.promotion.kinds.infrastructure import BICEP
from slipway.promotion.kinds.target import TargetKind

APP_SERVICE = TargetKind(
    kind="app-service",
    resource_type="Microsoft.Web/sites",
    resource_name="[a-z0-9][-a-z0-9]{0,59}",
    called="an App Service",
    artifacts=("zip",),
    idle="in its slot",
    goes_live="swaps the slots of",
    way_back="swap the slots again; the previous release waits in the slot until the next deployment",
    slots=True,
    swapped=True,
    overwrites=True,
)
CONTAINER_APPS = TargetKind(
    kind="container-apps",
    resource_type="Microsoft.App/containerApps",
    resource_name="[a-z][-a-z0-9]{1,31}",
    called="a Container App",
    artifacts=("image",),
    idle="as a revision without traffic",
    goes_live="gives the new revision all the traffic of",
    way_back="all the weight returns to the previous revision, which runs on beside the live one",
)

TARGETS = {target.kind: target for target in (APP_SERVICE, CONTAINER_APPS, BICEP)}
TARGETS_NOT_YET = ("aks",)


def target_kind(kind: str) -> TargetKind:
    """What is known of that kind: of one that only another version of Slipway knows, that it has no way back."""
    unknown = TargetKind(
        kind, "", "", f"a target of the kind {kind}", (), "aside", "makes it live on", "", returns_to=0
    )
    return TARGETS.get(kind, unknown)
