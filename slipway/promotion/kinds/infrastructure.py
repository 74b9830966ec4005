"""The kinds of target that are no places where code runs: what stands below it, and the settings that it reads."""

from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.kinds.target import TargetKind

BICEP = TargetKind(
    kind="bicep",
    resource_type="Microsoft.Resources/deploymentStacks",
    resource_name=r"[-\w.()]{1,90}",
    called="a deployment stack",
    artifacts=("template",),
    more_artifacts=("parameters",),
    sections=("stack",),
    idle="as a what-if, which changes nothing",
    goes_live="applies the template to",
    way_back="the previous release's template is applied again, from its artifact; data that was deleted stays deleted",
    answers=False,
    planned=True,
    actions=(
        "Microsoft.Resources/deploymentStacks/read",
        "Microsoft.Resources/deploymentStacks/write",
        "Microsoft.Resources/deploymentStacks/validate/action",
        "Microsoft.Resources/deploymentStacksWhatIfResults/read",
        "Microsoft.Resources/deploymentStacksWhatIfResults/write",
        "Microsoft.Resources/deploymentStacksWhatIfResults/whatIf/action",
        "Microsoft.Resources/deployments/read",
        "Microsoft.Resources/deployments/write",
        "Microsoft.Resources/deployments/validate/action",
        "Microsoft.Resources/deployments/whatIf/action",
        "Microsoft.Resources/deployments/operationStatuses/read",
    ),
)
CONFIGURATION = TargetKind(
    kind="configuration",
    resource_type="Microsoft.AppConfiguration/configurationStores",
    resource_name=r"[A-Za-z0-9][-A-Za-z0-9]{3,48}[A-Za-z0-9]",
    called="an App Configuration store",
    artifacts=(),
    sections=("pointer",),
    must=("pointer",),
    idle="as a snapshot to which nothing points",
    goes_live="points to the new snapshot in",
    way_back="the pointer names the previous snapshot again, in one write; applications follow when they read it next",
    answers=False,
    planned=True,
)
TERRAFORM = TargetKind(
    kind="terraform",
    resource_type="Microsoft.App/jobs",
    resource_name="[a-z][-a-z0-9]{0,30}[a-z0-9]",
    called="a Container Apps job that runs Terraform",
    artifacts=(),
    sections=("terraform",),
    must=("terraform",),
    idle="as a saved plan, which changes nothing",
    goes_live="applies the saved plan by",
    way_back="the previous release is planned anew and applied; data that was deleted stays deleted",
    answers=False,
    planned=True,
    actions=JOB_ACTIONS,
)
