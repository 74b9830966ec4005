"""The roles that there are, each made of what the kinds of targets, routers and switches say that they need.

`infra/targets/roles.json` is this list, for whoever makes the roles before there are pipelines; a test holds it to it.
"""

from dataclasses import replace

from slipway.promotion.job_plan import JOB_ACTIONS
from slipway.promotion.kinds import ROUTERS, SWITCHES, TARGETS
from slipway.promotion.kinds.app_configuration_flag import APP_CONFIGURATION_FLAG
from slipway.promotion.kinds.front_door import FOLLOWS, FRONT_DOOR, RULES
from slipway.promotion.load_runs.plan import DRIVES_LOADS, READS_LOAD_TESTING
from slipway.promotion.rights.role import Level, Role
from slipway.promotion.rings import READS_ACCOUNT

_SITES, _APPS = ROUTERS["app-service-slots"], ROUTERS["container-apps"]
_STORE = "Microsoft.AppConfiguration/configurationStores"
_WORKSPACE = "Microsoft.OperationalInsights/workspaces"
READS_METRICS = "Microsoft.Insights/metrics/read"
PULLS = "Microsoft.ContainerRegistry/registries/pull/read"
READS_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
REQUESTS, EVENTS = "AppRequests", "AppEvents"
CONSOLES = ("ContainerAppConsoleLogs", "ContainerAppConsoleLogs_CL")

APP_SERVICES = Role(
    "Slipway on App Services",
    "Deploys to the idle slot, divides the traffic, swaps, takes back. To be given on each App Service.",
    _SITES.actions,
)
CONTAINER_APPS = Role(
    "Slipway on Container Apps",
    "Deploys revisions, divides the traffic, takes back. To be given on each Container App.",
    _APPS.actions,
)
ENVIRONMENTS = Role(
    "Slipway on Container Apps environments",
    "Lets a new revision of a Container App join. To be given on the environment of each.",
    _APPS.environment_actions,
)
METRICS = Role(
    "Slipway reads metrics",
    "Reads what the platform counts while a release is watched. To be given on what it is released to.",
    (READS_METRICS,),
)
FRONT_DOORS = Role(
    "Slipway on Front Doors",
    "Reads origins and changes their weights. To be given on the origin group, or on the profile.",
    tuple(action for action in FRONT_DOOR.actions if action not in (*RULES, FOLLOWS)),
)
FRONT_DOOR_TESTERS = Role(
    "Slipway on Front Doors for testers",
    "Makes and takes away the testers' rule. To be given on the rule set, or on the profile.",
    RULES,
)
FRONT_DOOR_RESULTS = Role(
    "Slipway follows changes of Front Doors",
    "Asks whether a change is over: that lies beside the profile. To be given on its resource group.",
    (FOLLOWS,),
    at=Level.GROUP,
)
JOBS = Role(
    "Slipway on Container Apps jobs",
    "Starts executions of a job, follows and stops them; reads no secret. To be given on each job that pipelines run.",
    JOB_ACTIONS,
)
TRAFFIC_MANAGERS = Role(
    "Slipway on Traffic Manager profiles",
    "Reads a profile, changes weights of its endpoints and turns them on and off. To be given on the profile.",
    SWITCHES["traffic-manager"].actions,
)
DNS = {
    kind: Role(
        f"Slipway on DNS {kind} records",
        "Reads a record and changes what it names and its TTL. To be given on the single record, or on the zone.",
        tuple(action for action in SWITCHES["dns"].actions if f"/{kind}/" in action),
    )
    for kind in ("CNAME", "A", "AAAA")
}
COSMOS = Role(
    "Slipway on Cosmos DB accounts",
    "Reads the regions of an account that rings go by, and no keys. To be given on the account.",
    (READS_ACCOUNT,),
)
LOADS = Role(
    "Slipway on load testing",
    "Starts runs of tests that are there, follows and stops them. To be given on the resource.",
    (READS_LOAD_TESTING,),
    DRIVES_LOADS,
)
CLUSTERS = Role(
    "Slipway on AKS clusters",
    "Reads a cluster, its address and certificate, and runs Helm and kubectl in it with Slipway's own rights there. To "
    "be given on the cluster.",
    TARGETS["aks"].actions,
)
NAMESPACES = Role(
    "Azure Kubernetes Service RBAC Writer",
    "Inside a cluster with Azure RBAC for Kubernetes; on any other one it does nothing.",
    built_in="a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb",
)
STACKS = Role(
    "Slipway on deployment stacks",
    "Foresees what a stack would change, and applies it. To be given on the resource group, beside what its resources "
    "take.",
    TARGETS["bicep"].actions,
    at=Level.GROUP,
)
FLAGS = Role(
    "Slipway on feature flags",
    "Reads flags and settings and writes them; deletes none. To be given on the App Configuration store.",
    data_actions=APP_CONFIGURATION_FLAG.actions,
)
SNAPSHOTS = Role(
    "Slipway on configuration",
    "Reads settings, and keeps those of a release as a snapshot. To be given on the App Configuration store.",
    data_actions=(
        f"{_STORE}/keyValues/read",
        f"{_STORE}/snapshots/read",
        f"{_STORE}/snapshots/write",
        f"{_STORE}/snapshots/archive/action",
    ),
)
REGISTRIES = Role(
    "Slipway on container registries",
    "Reads manifests, to pin an image to its digest. To be given on the registry.",
    (PULLS,),
)
SECRETS = Role(
    "Slipway on secrets",
    "Reads a secret's value and lists none. To be given on the single secret, or on the vault.",
    data_actions=(READS_SECRET,),
)
LOGS = Role(
    "Slipway on logs of requests",
    "Asks a workspace for what users met. To be given on the Log Analytics workspace.",
    (f"{_WORKSPACE}/query/read", f"{_WORKSPACE}/query/{REQUESTS}/read"),
)
USER_LOGS = Role(
    "Slipway on logs of users",
    "Asks a workspace for what users with a feature flag met. To be given on the Log Analytics workspace.",
    (f"{_WORKSPACE}/query/read", *(f"{_WORKSPACE}/query/{table}/read" for table in (REQUESTS, EVENTS))),
)
JOB_LOGS = Role(
    "Slipway on logs of jobs",
    "Asks a workspace for what the containers of jobs wrote. To be given on the Log Analytics workspace.",
    (f"{_WORKSPACE}/query/read", *(f"{_WORKSPACE}/query/{table}/read" for table in CONSOLES)),
)
ALL_LOGS = replace(
    LOGS,
    name="Slipway on all logs",
    says="Asks a workspace for any table: a pipeline has a query of its own. To be given on the Log Analytics "
    "workspace.",
    actions=(f"{_WORKSPACE}/query/read", f"{_WORKSPACE}/query/*/read"),
)
DEFENDER = Role(
    "Slipway reads Defender's findings",
    "Reads what Defender for Cloud has found in images. To be given on the subscription that has the registry.",
    ("Microsoft.Security/assessments/read", "Microsoft.Security/assessments/subAssessments/read"),
    at=Level.SUBSCRIPTION,
)

ROLES = (
    *(APP_SERVICES, CONTAINER_APPS, ENVIRONMENTS, METRICS, FRONT_DOORS, FRONT_DOOR_TESTERS, FRONT_DOOR_RESULTS),
    *(JOBS, TRAFFIC_MANAGERS, *DNS.values(), COSMOS, LOADS, CLUSTERS, STACKS),
    *(FLAGS, SNAPSHOTS, REGISTRIES, SECRETS, LOGS, USER_LOGS, JOB_LOGS, ALL_LOGS, DEFENDER),
)
