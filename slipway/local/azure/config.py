"""What the stand-in holds and whom it knows, read from two YAML files."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from slipway.local.azure.jobs.config import JobConfig
from slipway.local.azure.load_testing.config import LoadTestingConfig

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=40)]
FrontEnd = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-.]?[a-z0-9])*$", max_length=100)]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,127}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class ConfigError(Exception):
    """A file that cannot be used; the text names the file and what is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LiveRelease(_Strict):
    """The release that a site serves when the stand-in starts for the first time."""

    service: Name
    version: Version


class SlotConfig(_Strict):
    name: Name
    port: Port


class SiteConfig(_Strict):
    """`subscription` and `resource_group` are the file's own when left out. Without `always_on` nothing runs before the
    first request comes, as on App Service."""

    name: Name
    port: Port
    location: str = "West Europe"
    live: LiveRelease | None = None
    slots: tuple[SlotConfig, ...] = ()
    subscription: str = ""
    resource_group: Name | Literal[""] = ""
    always_on: bool = True

    @model_validator(mode="after")
    def _slots_are_told_apart(self) -> Self:
        names = ["production", *(slot.name for slot in self.slots)]
        if len(set(names)) < len(names):
            raise ValueError(f"site {self.name}: slot names must differ and 'production' is taken")
        return self


class TrafficConfig(_Strict):
    """A healthy service's usual traffic at a site: before the first start `version` had it for `hours`, and in virtual
    time the site has it always. Rates of errors in 0..1; `noise`, `spread`: log-sd, see `logs.minutes.Service`. `role`
    is the cloud role of what the site tells, the service's name when left out. Its rows lie in the `workspace` with
    that id and in no other; when left out, in all that are nobody's.
    """

    site: FrontEnd
    service: Name
    version: Version
    hours: float = Field(default=8, ge=0, le=24)
    per_second: float = Field(default=50, gt=0, le=1000)
    instances: int = Field(default=2, ge=1)
    error_rate: float = Field(default=0.003, ge=0, le=1)
    noise: float = Field(default=0.3, ge=0)
    median_ms: float = Field(default=4.5, gt=0)
    spread: float = Field(default=0.35, ge=0)
    role: str = ""
    workspace: str = ""


class TelemetryConfig(_Strict):
    """`workspaces`: ids that there are; without any, every id is one. `seed` decides what traffic is drawn."""

    workspaces: tuple[str, ...] = ()
    seed: int = Field(default=1, ge=0, lt=2**31)
    traffic: tuple[TrafficConfig, ...] = ()

    @property
    def roles(self) -> dict[str, str]:
        """The cloud roles of the sites that have one of their own."""
        return {each.site: each.role for each in self.traffic if each.role}


class ContainerAppConfig(_Strict):
    """`suffix` is that of its first revision's name; made of the version, as Slipway names them, when left out."""

    name: Name
    port: Port
    live: LiveRelease
    location: str = "West Europe"
    mode: Literal["Multiple", "Single"] = "Multiple"
    suffix: Name | None = None


class ReleaseConfig(_Strict):
    """A service in a cluster: a Helm release for each of two sides, and the Service that sends users to one of them.
    The `live` one is that of `side` when the stand-in starts for the first time; without it there is none."""

    namespace: Name
    name: Name
    port: Port
    blue_port: Port
    green_port: Port
    live: LiveRelease | None = None
    side: Literal["blue", "green"] = "blue"


class ClusterConfig(_Strict):
    """A cluster, with Entra ID or without; `port` is its API server's."""

    name: Name
    port: Port
    location: str = "West Europe"
    entra: bool = True
    releases: tuple[ReleaseConfig, ...] = ()

    @property
    def front_ends(self) -> dict[str, int]:
        """The ports of its releases' front ends by their names, `{cluster}-{release}`, and that with its side."""
        ends: dict[str, int] = {}
        for each in self.releases:
            users = f"{self.name}-{each.name}"
            ends |= {users: each.port, f"{users}-blue": each.blue_port, f"{users}-green": each.green_port}
        return ends


class CosmosConfig(_Strict):
    """A Cosmos DB account; the first of its `locations` is written to. Where it is, as for sites."""

    name: Name
    locations: tuple[str, ...] = Field(min_length=1)
    multiple_writes: bool = False
    subscription: str = ""
    resource_group: Name | Literal[""] = ""


ResourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*$", max_length=90)]


class ProbeConfig(_Strict):
    """How the edge looks after the origins of a group; Front Door's own defaults."""

    path: str = Field(default="/healthz", pattern=r"^/")
    method: Literal["GET", "HEAD"] = "HEAD"
    interval_s: int = Field(default=30, ge=1, le=255)


class OriginConfig(_Strict):
    """`site` (and its `slot`) or a container app is what stands behind it."""

    name: ResourceName
    site: Name
    slot: Name | None = None
    weight: int = Field(default=1000, ge=1, le=1000)
    priority: int = Field(default=1, ge=1, le=5)
    enabled: bool = True


class OriginGroupConfig(_Strict):
    name: ResourceName
    origins: tuple[OriginConfig, ...] = Field(min_length=1)
    probe: ProbeConfig | None = ProbeConfig()
    sample_size: int = Field(default=4, ge=1, le=255)
    successful_samples_required: int = Field(default=3, ge=1, le=255)
    additional_latency_ms: int = Field(default=500, ge=0, le=1000)
    session_affinity: bool = False


class RouteConfig(_Strict):
    name: ResourceName
    origin_group: ResourceName
    patterns: tuple[str, ...] = ("/*",)
    rule_sets: tuple[ResourceName, ...] = ()


class EndpointConfig(_Strict):
    """Its `name` is told apart from those of sites: `telemetry.traffic` may name it as one."""

    name: Name
    port: Port
    routes: tuple[RouteConfig, ...] = Field(min_length=1)


class FrontDoorConfig(_Strict):
    """A profile. A change is at the edge `propagation_s` after its operation has ended and the change before it is
    there: left out, 1 s in real time and 20 minutes in virtual time. An operation takes `operation_s`: left out, half
    a second times `pace`, in virtual time 30 s."""

    name: ResourceName
    endpoints: tuple[EndpointConfig, ...] = ()
    origin_groups: tuple[OriginGroupConfig, ...] = ()
    rule_sets: tuple[ResourceName, ...] = ()
    propagation_s: float | None = Field(default=None, ge=0)
    operation_s: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        groups = {group.name for group in self.origin_groups}
        for route in (route for endpoint in self.endpoints for route in endpoint.routes):
            if route.origin_group not in groups:
                raise ValueError(f"front door {self.name}: route {route.name}: no origin group {route.origin_group}")
            if missing := set(route.rule_sets) - set(self.rule_sets):
                raise ValueError(f"front door {self.name}: route {route.name}: no rule set {', '.join(missing)}")
        return self


class TrafficManagerEndpointConfig(_Strict):
    """It leads `to` a front end, by its name in the ready line."""

    name: ResourceName
    to: str
    kind: Literal["azureEndpoints", "externalEndpoints", "nestedEndpoints"] = "externalEndpoints"
    weight: int = Field(default=1, ge=1, le=1000)
    enabled: bool = True


class TrafficManagerConfig(_Strict):
    """A profile; its users come by a front end of its `name`, from behind so many `resolvers`. Its endpoints are probed
    as Traffic Manager does by default, but for the path."""

    name: Name
    port: Port
    endpoints: tuple[TrafficManagerEndpointConfig, ...] = Field(min_length=1)
    method: Literal["Weighted", "Priority", "Performance", "Geographic"] = "Weighted"
    ttl_s: int = Field(default=60, ge=0)
    probe_path: str = Field(default="/healthz", pattern=r"^/")
    probe_interval_s: float = Field(default=30, ge=0)
    tolerated_failures: int = Field(default=3, ge=0, le=9)
    resolvers: int = Field(default=50, ge=1, le=1000)


class DnsRecordConfig(_Strict):
    """`points_at` is a name, or for an alias the id of a resource."""

    name: ResourceName
    port: Port
    points_at: str
    type: Literal["CNAME", "A", "AAAA"] = "CNAME"
    ttl_s: int = Field(default=3600, ge=1)

    @model_validator(mode="after")
    def _is_an_alias_unless_a_cname(self) -> Self:
        if self.type != "CNAME" and not self.points_at.startswith("/"):
            raise ValueError(f"record {self.name}: a record of the type {self.type} is an alias here")
        return self


class DnsZoneConfig(_Strict):
    """`addresses`: the front ends, by their names in the ready line, of the names and resources that records point at.
    Users of a record come by a front end `{record}.{zone}`, from behind so many `resolvers`. Name servers hear of a
    change `propagation_s` later: left out, half a second, in virtual time half a minute."""

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    records: tuple[DnsRecordConfig, ...] = Field(min_length=1)
    addresses: dict[str, str] = {}
    propagation_s: float | None = Field(default=None, ge=0)
    resolvers: int = Field(default=50, ge=1, le=1000)

    def host_of(self, record: DnsRecordConfig) -> str:
        """The record's name in full."""
        return f"{record.name}.{self.name}"


class StandinConfig(_Strict):
    """`secrets` are in the vault from the first start on, with random values, and so are `keys`, of EC P-256;
    `pace` stretches (2) or shortens (0.1) the time that operations take. Every slot runs `instances` of its
    release; front ends follow a change of their routing rules after `router_delay_s`. Of all releases built here,
    however good, `usual_error_rate` (0..1) of the requests fail. `images` are the artifact feed's services by the
    repositories of their images, so that `registry.example/checkout:2.0.0` runs what the package of that version
    does. `charts` are the addresses of the Helm charts that there are, without their versions; `job_images` are the
    programs of jobs (`jobs.images`) by the repositories of theirs."""

    subscription: str
    resource_group: str
    sites: tuple[SiteConfig, ...]
    container_apps: tuple[ContainerAppConfig, ...] = ()
    clusters: tuple[ClusterConfig, ...] = ()
    cosmos_accounts: tuple[CosmosConfig, ...] = ()
    front_doors: tuple[FrontDoorConfig, ...] = ()
    load_testing: tuple[LoadTestingConfig, ...] = ()
    traffic_managers: tuple[TrafficManagerConfig, ...] = ()
    dns_zones: tuple[DnsZoneConfig, ...] = ()
    images: dict[str, Name] = {}
    jobs: tuple[JobConfig, ...] = ()
    job_images: dict[str, Name] = {}
    charts: tuple[str, ...] = ()
    secrets: tuple[SecretName, ...] = ()
    keys: tuple[SecretName, ...] = ("slipway-audit",)
    pace: float = Field(default=1.0, ge=0)
    instances: int = Field(default=2, ge=1, le=20)
    router_delay_s: float = Field(default=0.5, ge=0)
    usual_error_rate: float = Field(default=0.0, ge=0, le=1)
    telemetry: TelemetryConfig = TelemetryConfig()

    @model_validator(mode="after")
    def _sites_are_told_apart(self) -> Self:
        names = [*(site.name for site in self.sites), *(app.name for app in self.container_apps)]
        ports = [port for site in self.sites for port in (site.port, *(slot.port for slot in site.slots))]
        ports += [app.port for app in self.container_apps]
        names += [name for cluster in self.clusters for name in cluster.front_ends]
        ports += [port for cluster in self.clusters for port in (cluster.port, *cluster.front_ends.values())]
        hosts = {*names, *(f"{site.name}({slot.name})" for site in self.sites for slot in site.slots)}
        for front_door in self.front_doors:
            names += [endpoint.name for endpoint in front_door.endpoints]
            ports += [endpoint.port for endpoint in front_door.endpoints]
            for origin in (origin for group in front_door.origin_groups for origin in group.origins):
                if host_of(origin) not in hosts:
                    raise ValueError(f"front door {front_door.name}: origin {origin.name}: no site {host_of(origin)}")
        for name, port in self.named.items():
            names.append(name)
            ports.append(port)
        if len(set(names)) < len(names):
            raise ValueError("site names must differ")
        if len(set(ports)) < len(ports):
            raise ValueError("every site and slot needs its own port")
        for app in self.container_apps:
            if app.live.service not in self.images.values():
                raise ValueError(f"container app {app.name}: images name no repository of {app.live.service}")
        return self

    @property
    def named(self) -> dict[str, int]:
        """The names that resolvers answer for, of profiles and of records, with the ports that users come by."""
        records = {zone.host_of(each): each.port for zone in self.dns_zones for each in zone.records}
        return {each.name: each.port for each in self.traffic_managers} | records

    @property
    def group(self) -> str:
        """The id of the file's own resource group."""
        return _group_id(self.subscription, self.resource_group)

    def group_of(self, resource: SiteConfig | CosmosConfig) -> str:
        """The id of the resource group that it lies in."""
        subscription, group = resource.subscription or self.subscription, resource.resource_group or self.resource_group
        return _group_id(subscription, group)

    @property
    def groups(self) -> frozenset[str]:
        """The ids of all resource groups, in small letters."""
        resources: tuple[SiteConfig | CosmosConfig, ...] = (*self.sites, *self.cosmos_accounts)
        return frozenset(each.lower() for each in (self.group, *map(self.group_of, resources)))

    def repository_of(self, service: str) -> str:
        """The image repository of a service that a container app runs."""
        return next(repository for repository, each in self.images.items() if each == service)


def host_of(origin: OriginConfig) -> str:
    """The front end that stands behind the origin, by its name in the ready line."""
    return f"{origin.site}({origin.slot})" if origin.slot else origin.site


def _group_id(subscription: str, group: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


class Person(_Strict):
    id: str
    oid: str
    name: str
    email: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


class Application(_Strict):
    """A workload's identity, such as CI's: its client id, and the object id of its service principal."""

    id: str
    oid: str
    roles: tuple[str, ...] = ()


class People(_Strict):
    tenant: str
    people: tuple[Person, ...]
    applications: tuple[Application, ...] = ()

    def application(self, client: str) -> Application | None:
        """The application with this client id."""
        return next((each for each in self.applications if each.id == client), None)

    def named(self, login: str) -> Person | None:
        """The person with this login name or e-mail address."""
        return next((person for person in self.people if login in (person.id, person.email)), None)


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], path: Path) -> Model:
    """The file as `model`; raises ConfigError."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error
