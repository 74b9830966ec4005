"""The kinds of target that there are, read by lint, `plan`, the stages and whoever grants rights."""

from slipway.promotion.kinds.infrastructure import BICEP, CONFIGURATION, TERRAFORM
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
AKS = TargetKind(
    kind="aks",
    resource_type="Microsoft.ContainerService/managedClusters",
    resource_name="[A-Za-z0-9](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?",
    called="an AKS cluster",
    artifacts=("chart",),
    more_artifacts=("image",),
    sections=("helm", "traffic-manager", "dns"),
    must=("helm",),
    idle="as the Helm release of the side without users",
    goes_live="sends the users to the new side of",
    way_back="the users are sent to the side before again, which runs on until the next deployment goes over it",
    overwrites=True,
    tells_packages=True,
    comes_late=True,
    actions=(
        "Microsoft.ContainerService/managedClusters/read",
        "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
        "Microsoft.ContainerService/managedClusters/runcommand/action",
        "Microsoft.ContainerService/managedclusters/commandResults/read",
    ),
)

TARGETS = {target.kind: target for target in (APP_SERVICE, CONTAINER_APPS, AKS, BICEP, CONFIGURATION, TERRAFORM)}
TARGETS_NOT_YET: tuple[str, ...] = ()


def target_kind(kind: str) -> TargetKind:
    """What is known of that kind: of one that only another version of Slipway knows, that it has no way back."""
    unknown = TargetKind(
        kind, "", "", f"a target of the kind {kind}", (), "aside", "makes it live on", "", returns_to=0
    )
    return TARGETS.get(kind, unknown)
