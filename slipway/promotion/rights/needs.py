"""What a plan needs of Azure: each role on the narrowest place that carries it, and why."""

from collections.abc import Iterator
from hashlib import sha256

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.front_door import FrontDoor
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.job_plan import JobPlan
from slipway.promotion.kinds import router_for
from slipway.promotion.pins import reference_of
from slipway.promotion.plan import Header, PromotionPlan, StagePlan, Target
from slipway.promotion.rights import catalogue
from slipway.promotion.rights.role import Need, Place, Role, Unknown, group_of
from slipway.promotion.telemetry import BUILTIN, Source

_ON_TARGETS = {
    "app-service": catalogue.APP_SERVICES,
    "container-apps": catalogue.CONTAINER_APPS,
    "aks": catalogue.CLUSTERS,
    "terraform": catalogue.JOBS,
}
VAULT = Unknown("vault", "the id of Slipway's key vault")
STORE = Unknown("configuration", "the id of Slipway's App Configuration store")


def needs_of(plan: PromotionPlan, report_secrets: tuple[str, ...] = ()) -> Iterator[Need]:
    """In the plan's order; `report_secrets` are the secrets with which code hosts are told. What several stages need is
    named by each of them."""
    for address in plan.artifacts:
        if reference := reference_of(address.replace("{version}", "0").replace("{service}", "s")):
            yield Need(catalogue.REGISTRIES, _registry(reference.registry), f"{plan.service}: pins {address}")
    for stage in plan.stages:
        for target in stage.targets:
            why = f"{plan.service}: stage {stage.name}, target {target.name} ({target.kind})"
            yield from (Need(role, place, why) for role, place in _on_target(stage, target))
        why = f"{plan.service}: stage {stage.name}"
        yield from (Need(role, place, f"{why}, {what}") for role, place, what in _beside_targets(stage))
    for secret in report_secrets:
        yield Need(catalogue.SECRETS, _secret(secret), f"{plan.service}: tells a code host")


def _on_target(stage: StagePlan, target: Target) -> Iterator[tuple[Role, Place]]:
    match target.kind:
        case "bicep":
            yield catalogue.STACKS, group_of(target.resource)
        case "configuration":
            yield catalogue.SNAPSHOTS, target.resource
            yield catalogue.FLAGS, target.resource  # the pointer is a setting, too
        case kind:
            yield _ON_TARGETS[kind], target.resource
    if target.kind == "container-apps":
        yield catalogue.ENVIRONMENTS, _environment(target.resource)
    if target.kind == "terraform":
        yield catalogue.JOB_LOGS, _workspace("")
    if "helm" in target.settings:
        yield catalogue.NAMESPACES, f"{target.resource}/namespaces/{target.settings['helm']['namespace']}"
    if "traffic-manager" in target.settings:
        yield catalogue.TRAFFIC_MANAGERS, target.settings["traffic-manager"]["profile"]
    if "dns" in target.settings:
        record = str(target.settings["dns"]["record"])
        yield catalogue.DNS[record.split("/")[-2].upper()], record
    if _is_counted(stage, target):
        yield catalogue.METRICS, target.resource


def _is_counted(stage: StagePlan, target: Target) -> bool:
    """Whether the platform's counters of the target are read."""
    try:
        return bool(router_for(target.kind).measures) and (stage.canary or stage.blue_green) is not None
    except KeyError:  # of a kind whose traffic nothing divides
        return False


def _beside_targets(stage: StagePlan) -> Iterator[tuple[Role, Place, str]]:
    if stage.canary and stage.canary.front_door:
        yield from _front_door(stage.canary.front_door)
    if stage.judged:
        yield _logs(stage.judged), _workspace(stage.judged.source.workspace), "its judge"
    if stage.canary and stage.canary.flag:
        yield catalogue.FLAGS, STORE, f"flag {stage.canary.flag.where}"
    for wish in stage.flags:
        yield catalogue.FLAGS, STORE, f"flag {wish.where}"
    if stage.configuration:
        yield catalogue.SNAPSHOTS, STORE, f"configuration {stage.configuration.label}"
    for load in stage.loads:
        if load.run:
            yield catalogue.LOADS, load.run.resource, f"load {load.name}"
    headers = [*stage.health.headers, *(header for load in stage.loads for header in load.headers)]
    for header in filter(_is_secret, headers):
        yield catalogue.SECRETS, _secret(header.secret), f"header {header.name}"
    runs = [(f"tests {test.name}", test.runs) for test in stage.tests]
    runs += [("database", stage.migration.runs)] if stage.migration else []
    for what, job in runs:
        yield from _job(job, what)
    for gate in stage.all_gates:
        yield from _gate(gate, stage)
    if stage.ring and stage.ring.gate:
        yield catalogue.COSMOS, stage.ring.gate.account, "the gate of its ring"


def _gate(gate: GatePlan, stage: StagePlan) -> Iterator[tuple[Role, Place, str]]:
    what = f"gate {gate.name}"
    match gate.kind:
        case "kql":
            yield catalogue.ALL_LOGS, _workspace(str(gate.settings.get("workspace", ""))), what
        case "webhook":
            yield catalogue.SECRETS, _secret(gate.settings["secret"]), what
        case "defender":
            named = (target.resource for target in stage.targets if target.resource.startswith("/subscriptions/"))
            for subscription in sorted({"/".join(resource.split("/")[:3]) for resource in named}):
                yield catalogue.DEFENDER, subscription, what


def _front_door(door: FrontDoor) -> Iterator[tuple[Role, Place, str]]:
    what = f"ramp by {door.where}"
    yield catalogue.FRONT_DOORS, f"{door.profile}/originGroups/{door.origin_group}", what
    yield catalogue.FRONT_DOOR_RESULTS, group_of(door.profile), what
    if door.testers:
        yield catalogue.FRONT_DOOR_TESTERS, f"{door.profile}/ruleSets/{door.testers.rule_set}", f"testers of its {what}"


def _logs(judged: CanaryPlan) -> Role:
    source: Source = judged.source
    if source.metrics or {source.query, source.latency_query} != {BUILTIN}:
        return catalogue.ALL_LOGS
    return catalogue.USER_LOGS if judged.flag else catalogue.LOGS


def _job(job: JobPlan, what: str) -> Iterator[tuple[Role, Place, str]]:
    yield catalogue.JOBS, job.job, f"{what}, job {job.name}"
    yield catalogue.JOB_LOGS, _workspace(job.workspace), f"{what}, the log of job {job.name}"


def _is_secret(header: Header) -> bool:
    return bool(header.secret)


def _secret(name: str) -> Unknown:
    return Unknown(VAULT.name, VAULT.says, below=f"/secrets/{name}")


def _workspace(customer: str) -> Unknown:
    """By the id that queries name it by; empty: that of the setting SLIPWAY_WORKSPACE."""
    if not customer:
        return Unknown("workspace", "the resource id of the workspace that SLIPWAY_WORKSPACE names")
    query = f"[?customerId=='{customer}'].id"
    find = ("monitor", "log-analytics", "workspace", "list", "--query", query, "--output", "tsv")
    return Unknown(f"workspace-{customer}", f"the resource id of the workspace {customer}", find)


def _registry(host: str) -> Unknown:
    find = ("acr", "show", "--name", host.partition(".")[0], "--query", "id", "--output", "tsv")
    return Unknown(f"registry-{host.partition('.')[0]}", f"the id of the registry {host}", find)


def _environment(app: str) -> Unknown:
    """That of a container app, which no pipeline names."""
    find = ("containerapp", "show", "--ids", app, "--query", "properties.environmentId", "--output", "tsv")
    name = f"environment-of-{app.rpartition('/')[2].lower()}-{sha256(app.lower().encode()).hexdigest()[:4]}"
    return Unknown(name, f"the id of the environment of {app}", find)
