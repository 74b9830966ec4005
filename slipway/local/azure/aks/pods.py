"""The pods of a cluster: a crew for each Deployment, rolled out image by image, and the front ends before them."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiohttp import web

from slipway.local.azure.aks.store import ClusterStore, Deployment, Key, Service
from slipway.local.azure.crew import Crew, instance_names
from slipway.local.azure.passing import pass_on
from slipway.local.azure.process import StartFailed
from slipway.local.azure.registry.images import Images, ImageUnknown
from slipway.local.azure.servings import Serving
from slipway.local.azure.sites.packages import PackageRefused, Packages
from slipway.local.azure.sites.store import SlotName
from slipway.local.azure.watching import Watching

ROLLOUT_S = 1.0
MOST_WORKERS = 5  # of a Deployment, however many replicas it has: they share two cores
INSTANCE = "app.kubernetes.io/instance"
NOBODY = "no endpoints available for service"


class Pods:
    """A rollout takes `pace` seconds at least, and shows after `looks`; Services follow a new selector after `delay_s`.
    `on_change` hears of Services."""

    def __init__(
        self,
        store: ClusterStore,
        packages: Packages,
        images: Images,
        watching: Watching,
        pace: float,
        delay_s: float,
        looks: int,
    ) -> None:
        self._store = store
        self._packages = packages
        self._images = images
        self._watching = watching
        self._pace = pace
        self._delay_s = delay_s
        self._looks = looks
        self.on_change: Callable[[Key], None] = lambda _: None
        self._crews: dict[Key, Crew] = {}
        self._rolling: dict[Key, asyncio.Task[None]] = {}

    async def resume(self, key: Key) -> None:
        """What ran before the stand-in ended runs again, and what was rolled out goes on."""
        deployment = self._store.deployment(key)
        assert deployment is not None
        if deployment.serving and deployment.replicas:
            with contextlib.suppress(StartFailed, PackageRefused):
                self._crews[key] = await self._started(key, deployment, deployment.serving)
        if deployment.state == "rolling" and deployment.replicas:
            self._begin(key)

    def roll(self, key: Key, deployment: Deployment) -> None:
        """Run the Deployment as it is now; what ran before answers until then."""
        wanted = replace(deployment, state="rolling", error="", log="", looks=self._looks)
        self._store.put(key, wanted)
        self._begin(key)

    async def rolled(self, key: Key) -> None:
        """Waits for the end of its rollout."""
        if key in self._rolling:
            await asyncio.wait([self._rolling[key]])

    async def stop(self, key: Key) -> None:
        """No pod of it runs any more."""
        if (task := self._rolling.pop(key, None)) is not None:
            task.cancel()
            await asyncio.wait([task])
        if (crew := self._crews.pop(key, None)) is not None:
            await crew.stop()
        self._changed(key)

    def pods(self, key: Key) -> list[tuple[str, bool]]:
        """The names of those that answer, and whether they do."""
        crew = self._crews.get(key)
        return [(f"{key.name}-{each.instance}", each.door is not None) for each in crew.workers] if crew else []

    def follow(self, key: Key, service: Service) -> None:
        """Let the endpoints of the Service be those of its selector."""

        def apply() -> None:
            now = self._store.service(key)
            if now is not None:
                self._store.put(key, replace(now, followed=now.selector))
                self.on_change(key)

        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, apply)
        else:
            apply()

    def behind(self, key: Key) -> Key | None:
        """The Deployment whose pods the Service sends its users to."""
        service = self._store.service(key)
        instance = service.followed.get(INSTANCE) if service else None
        alike = (each for each in self._store.all(Deployment) if each[:2] == key[:2])
        return next((each for each in alike if self._instance(each) == instance), None) if instance else None

    def shares(self, key: Key) -> list[Serving]:
        """Who serves the Service, if anybody."""
        behind = self.behind(key)
        return self.alone(behind) if behind else []

    def alone(self, deployment: Key) -> list[Serving]:
        """Who serves whoever asks that Deployment itself, if anybody."""
        crew = self._crews.get(deployment)
        if crew is None:
            return []
        played = crew.played
        return [Serving(played.service, played.version, 1.0, crew.instances, played.faults, deployment.name)]

    async def handle(self, site: str, choose: Callable[[], Key | None], request: web.BaseRequest) -> web.StreamResponse:
        """A request to the front end `site`, behind which `choose` names a Deployment."""
        key = choose()
        crew = self._crews.get(key) if key else None
        where, at, began = SlotName(site), self._watching.now(), asyncio.get_running_loop().time()
        worker = crew.next() if crew else None
        if crew is None or worker is None:
            self._watching.found_nobody(where, 503, at)
            return web.Response(status=503, text=NOBODY)
        passed = await pass_on(request, worker)
        took_s = asyncio.get_running_loop().time() - began
        self._watching.served(where, crew.played, worker.instance, request.path, passed, at, took_s)
        return passed.response

    async def close(self) -> None:
        async with AsyncExitStack() as stack:
            for task in self._rolling.values():
                task.cancel()
            for crew in self._crews.values():
                stack.push_async_callback(crew.stop)

    def _begin(self, key: Key) -> None:
        if (before := self._rolling.get(key)) is not None:
            before.cancel()
        self._rolling[key] = task = asyncio.create_task(self._roll(key))
        task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: Key, task: asyncio.Task[None]) -> None:
        if self._rolling.get(key) is task:
            del self._rolling[key]

    async def _roll(self, key: Key) -> None:
        deployment = self._store.deployment(key)
        assert deployment is not None
        clock = asyncio.get_running_loop()
        earliest = clock.time() + ROLLOUT_S * self._pace
        state, error, log, crew = "available", "", "", None
        try:
            crew = await self._started(key, deployment, deployment.image)
        except PackageRefused as refusal:
            state, error = "failed", f"ErrImagePull: failed to pull {deployment.image}: {refusal}"
        except StartFailed as failure:
            state, error, log = "failed", f"CrashLoopBackOff: {failure}", failure.log_tail
        await asyncio.sleep(max(0.0, earliest - clock.time()))
        now = self._store.deployment(key)
        assert now is not None
        serving = deployment.image if crew else now.serving
        before = self._crews.get(key)
        if crew is not None:
            self._crews[key] = crew
        self._store.put(key, replace(now, state=state, error=error, log=log, serving=serving))
        self._changed(key)
        if crew is not None and before is not None:
            await before.stop()

    async def _started(self, key: Key, deployment: Deployment, image: str) -> Crew:
        digest = hashlib.sha256(image.encode()).hexdigest()[:8]
        release = f"{key.cluster}-{key.namespace}-{key.name}-{deployment.generation}-{digest}"
        return await Crew.start(
            self._pulled(release, image), instance_names(release, min(deployment.replicas, MOST_WORKERS))
        )

    def _pulled(self, release: str, image: str) -> Path:
        """The image's package. Raises PackageRefused."""
        try:
            content = self._images.package(image)
        except ImageUnknown as unknown:
            raise PackageRefused("manifest unknown") from unknown
        return self._packages.install(release, content)

    def _instance(self, key: Key) -> str:
        deployment = self._store.deployment(key)
        return deployment.instance if deployment else ""

    def _changed(self, deployment: Key) -> None:
        for service in self._store.all(Service):
            if service[:2] == deployment[:2]:
                self.on_change(service)
