"""Puts the stand-in together: listeners, services, workers; starts in order and stops in reverse."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from slipway.local.azure.aks.plant import Clusters, ClusterSockets
from slipway.local.azure.arm import ResourceManager
from slipway.local.azure.artifacts import ArtifactFeed
from slipway.local.azure.authority import open_authority
from slipway.local.azure.blobs.api import BlobApi
from slipway.local.azure.blobs.store import BlobStore
from slipway.local.azure.clock import Clock
from slipway.local.azure.code_hosts.azure_devops import AzureDevOpsApi
from slipway.local.azure.code_hosts.github import GitHubApi
from slipway.local.azure.config import People, SiteConfig, StandinConfig, host_of
from slipway.local.azure.configuration.api import ConfigurationApi
from slipway.local.azure.configuration.snapshots import Snapshots
from slipway.local.azure.configuration.store import KeyValueStore
from slipway.local.azure.container_apps.plant import ContainerApps
from slipway.local.azure.cosmos import Accounts
from slipway.local.azure.dns.plant import DnsZones
from slipway.local.azure.faults import Faults
from slipway.local.azure.following import Following
from slipway.local.azure.front_door.plant import FrontDoors
from slipway.local.azure.identity import ManagedIdentity, OpenIdIssuer
from slipway.local.azure.jobs.plant import Jobs
from slipway.local.azure.listening import Listeners, port_of, serve, serve_bare
from slipway.local.azure.load_testing.api import LoadTestingApi
from slipway.local.azure.load_testing.engine import Engine
from slipway.local.azure.load_testing.store import LoadRuns
from slipway.local.azure.logs.metrics_api import MetricsApi
from slipway.local.azure.logs.served import AccessLog
from slipway.local.azure.logs.workspace import Sources, Workspace
from slipway.local.azure.process import APP_SETTINGS
from slipway.local.azure.registry.api import RegistryApi
from slipway.local.azure.registry.images import Images
from slipway.local.azure.resource_graph import ResourceGraph
from slipway.local.azure.rights.api import RightsApi
from slipway.local.azure.rights.given import GivenRights, Rights
from slipway.local.azure.servings import Servings
from slipway.local.azure.sites.api import SitesApi
from slipway.local.azure.sites.counters import Counters
from slipway.local.azure.sites.front_end import FrontEnd
from slipway.local.azure.sites.operations import Operations
from slipway.local.azure.sites.packages import Packages
from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.readings import Readings
from slipway.local.azure.sites.routers import Routers
from slipway.local.azure.sites.shares import alone, shares_of
from slipway.local.azure.sites.store import PRODUCTION, SiteStore, SlotName
from slipway.local.azure.stacks.api import StacksApi
from slipway.local.azure.stacks.store import StackStore
from slipway.local.azure.state import StateFolder, replace
from slipway.local.azure.tables.api import TableApi
from slipway.local.azure.tables.store import TableStore
from slipway.local.azure.tokens import APPLICATIONS, OWNER, SLIPWAY, Issuer, Tokens, new_signing_key
from slipway.local.azure.traffic_manager.plant import TrafficManagers
from slipway.local.azure.unwritable import unwritable
from slipway.local.azure.vault.api import VaultApi
from slipway.local.azure.vault.keys import KeysApi, KeyStore
from slipway.local.azure.vault.store import VaultStore
from slipway.local.azure.watching import Watching
from slipway.local.azure.webhooks import Webhooks

# The largest body that a service takes is a blob's block.
LARGEST_BODY = 110 * 1024 * 1024
LOOKS = 3


@dataclass(frozen=True)
class Options:
    """`port` and `msi_port` 0 and `any_ports`: some free port, the same again after a restart. `virtual_time`:
    the clock stands, from `starts_at` or now on, until it is told to go on; operations are over when they have been
    looked at LOOKS times; routing rules are in effect at once. `rights`: what Slipway's identity may do; None:
    everything."""

    state: Path
    config: StandinConfig
    people: People
    rights: GivenRights | None
    port: int = 0
    msi_port: int = 0
    any_ports: bool = False
    virtual_time: bool = False
    starts_at: datetime | None = None


class Sockets:
    """Every socket, bound before the first worker starts, so that none can take another's port."""

    def __init__(self, options: Options, listeners: Listeners) -> None:
        config, any_ports = options.config, options.any_ports
        self.tls = listeners.listen("https", options.port, "the Azure stand-in")
        self.msi = listeners.listen("msi", options.msi_port, "the managed-identity endpoint")
        self.sites = {
            name: listeners.listen(str(name), 0 if any_ports else port, f"site {name}")
            for site in config.sites
            for name, port in slots_of(site).items()
        }
        self.apps = {
            app.name: listeners.listen(app.name, 0 if any_ports else app.port, f"container app {app.name}")
            for app in config.container_apps
        }
        self.clusters = ClusterSockets.open(config, listeners, any_ports)
        self.endpoints = {
            each.name: listeners.listen(each.name, 0 if any_ports else each.port, f"endpoint {each.name}")
            for front_door in config.front_doors
            for each in front_door.endpoints
        }
        self.names = {
            name: listeners.listen(name, 0 if any_ports else port, f"the name {name}")
            for name, port in config.named.items()
        }


class Standin:
    """Use as an async context manager; `ready_line` is what the process prints then. `access_log` hears of every
    request that a release answered (the workspace, unless told otherwise); `counters` and `servings` are what else is
    known of them, once it has started.
    """

    servings: Servings

    def __init__(self, options: Options, access_log: AccessLog | None = None) -> None:
        self._options = options
        self._access_log = access_log
        self.counters = Counters()
        self._state = StateFolder(options.state)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Standin":
        """Raises ports.PortInUse."""
        async with AsyncExitStack() as starting:
            await self._start(starting)
            self._exit = starting.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _start(self, exit: AsyncExitStack) -> None:
        state, config = self._state, self._options.config
        listeners = Listeners(state)
        sockets = Sockets(self._options, listeners)
        self._authority = authority = open_authority(state)
        self._tls_port, self._msi_port = port_of(sockets.tls), port_of(sockets.msi)
        issuer = Issuer(f"https://localhost:{self._tls_port}", self._options.people.tenant)
        self._tokens = tokens = Tokens(state.file("signing-key.pem", new_signing_key), issuer)
        self._app_ports = {name: port_of(listener) for name, listener in sockets.apps.items()}
        self._site_ports = {name: port_of(listener) for name, listener in sockets.sites.items()}
        self._release_ports = {name: port_of(listener) for name, listener in sockets.clusters.front_ends.items()}
        self._endpoint_ports = {name: port_of(listener) for name, listener in sockets.endpoints.items()}
        self._name_ports = {name: port_of(listener) for name, listener in sockets.names.items()}

        database = state.database()
        exit.callback(database.close)
        vault_database = state.database("vault.sqlite")
        exit.callback(vault_database.close)
        virtual = self._options.virtual_time
        clock = Clock(database, virtual, self._options.starts_at)
        vault, keys = VaultStore(vault_database), KeyStore(vault_database)
        _fill(config, vault, keys, clock.now())
        http = await exit.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        store = SiteStore(database, clock.now)
        trust = authority.client_context()
        packages = Packages(state.path / "releases", http, trust)
        self._tell_apps(*(state.path / each for each in ("releases", "revisions", "pods")))
        _install(config, store, packages)
        plant = Plant(store, packages, http, config, quiet=self._options.virtual_time)
        exit.push_async_callback(plant.close)
        pace, looks = (0.0, LOOKS) if virtual else (config.pace, None)
        hosts = {f"localhost:{port}": name for name, port in self._site_ports.items()}
        routers = Routers(database, hosts, 0.0 if virtual else config.router_delay_s)
        operations = Operations(store, plant, packages, pace, looks)
        exit.push_async_callback(operations.close)
        await asyncio.gather(*(plant.start(name) for name in self._site_ports))
        self.servings = Servings(database, clock.now)
        _keep_history(config, self.servings, plant, routers)
        front_doors = FrontDoors(config, database, clock.now, self._front_ends(), self.servings, virtual)

        sources = Sources(clock.now, front_doors.served_between if virtual else None, front_doors.endpoints)
        workspace = await exit.enter_async_context(Workspace(state.path, config.telemetry, tokens, sources))
        faults = Faults()
        rights = RightsApi(Rights(self._options.rights, clock.now), tokens, config.group)
        log = workspace.log if self._access_log is None else self._access_log
        watching = Watching(log, self.counters, clock.now, config.telemetry.roles)
        await front_doors.start(exit, sockets.endpoints, faults, http, log.served)
        for name, listener in sockets.sites.items():
            front_end = FrontEnd(name, store, plant, routers, watching)
            await serve_bare(exit, faults.before(front_end.handle, str(name)), listener)
        identity = ManagedIdentity(tokens, {whose: self._header_of(whose) for whose in (SLIPWAY, APPLICATIONS, OWNER)})
        await serve(exit, _application(identity.routes()), sockets.msi)
        feed = ArtifactFeed(state.path / "artifacts", config.usual_error_rate)
        revisions = Packages(state.path / "revisions", http, trust)
        images = Images(database, feed, config.images, state.path / "layers", (*config.charts, *config.job_images))
        apps = ContainerApps(config, database, revisions, images, listeners, watching, virtual)
        await apps.start(exit, sockets.apps, faults, self.servings)
        apps_api = apps.provider(issuer.base, sockets.apps)
        volume = state.path / "volumes"
        jobs = Jobs(config, database, volume, self._platform_settings, workspace.tell, clock.now, virtual)
        sites_api = SitesApi(config, store, plant, routers, operations, issuer.base, self._site_ports)
        pods = Packages(state.path / "pods", http, trust)
        clusters = Clusters(
            config, database, pods, images, watching, state.path, f"localhost:{self._tls_port}", looks or 0, tokens
        )
        await clusters.start(exit, sockets.clusters, faults, tokens, authority, self.servings)
        clusters_api = clusters.provider(issuer.base, tokens, authority, sockets.clusters)
        # After all that they lead to.
        following = Following(self.servings, clock.now)
        traffic_managers = TrafficManagers(config, database, clock.now, self._front_ends(), http)
        await traffic_managers.start(exit, sockets.names, faults, following)
        zones = DnsZones(config, database, clock.now, self._front_ends(), virtual)
        await zones.start(exit, sockets.names, faults, following)
        accounts = Accounts(config, database)
        load_runs = LoadRuns(database)
        engine = Engine(load_runs, http, clock.now, 0.0 if virtual else config.pace)
        exit.push_async_callback(engine.close)
        load_testing = LoadTestingApi(config, load_runs, engine, tokens, clock.now, looks)
        values = KeyValueStore(database, clock.now)
        stacks = StacksApi(StackStore(database), issuer.base, clock.now)
        providers = sites_api, apps_api, clusters_api, jobs.provider, accounts, stacks, load_testing
        fronts = front_doors.provider(issuer.base)
        switches = fronts, traffic_managers.provider(), zones.provider()
        application = _application(
            [
                *faults.routes(),
                *rights.routes(),
                *clock.routes(),
                *routers.routes(),
                *accounts.routes(),
                *stacks.routes(),
                *ResourceGraph(database, tokens).routes(),
                *Webhooks(database).routes(),
                *clusters.routes(),
                *front_doors.control().routes(),
                *OpenIdIssuer(tokens, self._options.people).routes(),
                *feed.routes(),
                *RegistryApi(images, tokens).routes(),
                # Before ARM, which takes every path of a subscription.
                *MetricsApi(Readings(config, self.counters, workspace.counted), tokens, clock.now).routes(),
                *ResourceManager(config.groups, tokens, *providers, *switches).routes(),
                *BlobApi(BlobStore(database, clock.now), tokens).routes(),
                *TableApi(TableStore(database, clock.now), tokens).routes(),
                *VaultApi(vault, tokens, clock.now).routes(),
                *KeysApi(keys, tokens, clock.now).routes(),
                *ConfigurationApi(values, Snapshots(database, values, clock.now), tokens).routes(),
                *GitHubApi(database, clock.now).routes(),
                *AzureDevOpsApi(database, tokens, clock.now).routes(),
                *workspace.routes(),
                *load_testing.routes(),
            ],
            faults,
            rights,
        )
        await serve(exit, application, sockets.tls, authority.server_context())
        # Only now: a deployment may fetch its package from our own feed.
        operations.resume()
        apps.resume()
        load_testing.resume()
        jobs.start(exit)

    def _tell_apps(self, *folders: Path) -> None:
        """The platform's settings, beside the packages of applications."""
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            replace(folder / APP_SETTINGS, json.dumps(self._platform_settings).encode())

    @property
    def _platform_settings(self) -> dict[str, str]:
        """With which applications and jobs reach Azure's services."""
        return {
            "AZURE_APPCONFIGURATION_ENDPOINT": self._tokens.issuer.base,
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self._msi_port}{ManagedIdentity.PATH}",
            "IDENTITY_HEADER": self._header_of(APPLICATIONS),
            "SSL_CERT_FILE": str(self._authority.ca),
        }

    def _header_of(self, whose: str) -> str:
        """The secret with which an identity's tokens are asked for."""
        return self._state.secret("msi_header" if whose == SLIPWAY else f"msi_header_of_{whose}")

    def ready_line(self) -> dict[str, object]:
        """What a client needs to know; `sites` are the front ends by name, of container apps, of a cluster's
        releases, of Front Door's endpoints and of names that resolvers answer for, `site(slot)` for a slot."""
        issuer = self._tokens.issuer
        return {
            "ready": True,
            "url": issuer.base,
            "msi_endpoint": f"http://127.0.0.1:{self._msi_port}{ManagedIdentity.PATH}",
            "msi_header": self._header_of(SLIPWAY),
            "owner_header": self._header_of(OWNER),
            "ca": str(self._authority.ca),
            "cert": str(self._authority.server),
            "issuer": issuer.issuer,
            "jwks": issuer.jwks,
            "tenant": issuer.tenant,
            "sites": {name: f"http://localhost:{port}" for name, port in self._front_ends().items()},
        }

    def _front_ends(self) -> dict[str, int]:
        """Their ports."""
        return {
            **{str(name): port for name, port in self._site_ports.items()},
            **self._app_ports,
            **self._release_ports,
            **self._endpoint_ports,
            **self._name_ports,
        }


def slots_of(site: SiteConfig) -> dict[SlotName, int]:
    """The site itself and its slots, with their configured ports."""
    slots = {SlotName(site.name, slot.name): slot.port for slot in site.slots}
    return {SlotName(site.name): site.port, **slots}


def _install(config: StandinConfig, store: SiteStore, packages: Packages) -> None:
    """Makes sure of the configured slots; a site seen for the first time gets its live release."""
    for site in config.sites:
        for name in slots_of(site):
            release = f"live-{site.name}" if site.live and name.slot == PRODUCTION else None
            # The package comes first: a kill in between must not leave a slot with a release that is not there.
            if release and site.live and not packages.at(release).exists():
                packages.build(release, site.live.service, site.live.version, config.usual_error_rate)
            store.add_slot(name, release)
    packages.keep_only(store.releases())


def _fill(config: StandinConfig, vault: VaultStore, keys: KeyStore, now: datetime) -> None:
    """Draws a random value for each configured secret that the vault has never held, and makes each key."""
    for name in config.keys:
        if keys.get(name) is None:
            keys.add(name, "EC", int(now.timestamp()))
    for name in config.secrets:
        if vault.get(name) is None:
            vault.add(name, secrets.token_urlsafe(32), int(now.timestamp()))


def _keep_history(config: StandinConfig, servings: Servings, plant: Plant, routers: Routers) -> None:
    """Who serves what, now and whenever it changes."""

    origins = {host_of(each) for door in config.front_doors for group in door.origin_groups for each in group.origins}
    slots = {site.name: [name for name in slots_of(site) if str(name) in origins] for site in config.sites}

    def note(site: str) -> None:
        servings.note(site, shares_of(site, plant, routers))
        for name in slots[site]:
            if name.slot != PRODUCTION:
                servings.note(str(name), alone(name, plant))

    plant.on_change = routers.on_change = note
    for site in config.sites:
        note(site.name)


def _application(
    routes: list[web.RouteDef], faults: Faults | None = None, rights: RightsApi | None = None
) -> web.Application:
    before = [each.middleware for each in (faults, rights) if each is not None]
    application = web.Application(client_max_size=LARGEST_BODY, middlewares=[*before, unwritable])
    application.add_routes([*routes, web.route("*", "/{tail:.*}", _unknown)])
    return application


async def _unknown(request: web.Request) -> web.Response:
    message = f"{request.method} {request.path} is not in this stand-in."
    return web.json_response({"error": {"code": "NotImplemented", "message": message}}, status=501)
