"""Updates of container apps: one at a time per app, checked before they are accepted, finished over a restart."""

import asyncio
import logging
import re
import sqlite3
import uuid
from typing import Any

from slipway.local.azure.container_apps.fleet import Fleet
from slipway.local.azure.container_apps.store import App, AppStore, Document, Update
from slipway.local.azure.unwritable import is_unwritable

# How long an update takes at least, in seconds: of weights alone, and with a new revision. Azure needs longer.
WEIGHTS_S, REVISION_S = 0.5, 2.0
SUFFIX = re.compile(r"[a-z]([a-z0-9]|-(?!-))*[a-z0-9]|[a-z]")
LONGEST_NAME = 54
TRY_AGAIN_S = 0.5  # what the disk did not take

log = logging.getLogger(__name__)


class Busy(Exception):
    """Another update of the app is under way."""


class UpdateRefused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Updates:
    """`pace` stretches what an update takes: 1 as above, 0 as fast as the machine can."""

    def __init__(self, store: AppStore, fleet: Fleet, pace: float) -> None:
        self._store = store
        self._fleet = fleet
        self._pace = pace
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, change: Document) -> str:
        """Accepts a JSON merge patch (RFC 7396) of the app's properties; raises Busy or UpdateRefused."""
        if self.under_way(name):
            raise Busy
        app = self._store.app(name)
        properties = merged(app.properties, change)
        revision = self._new_revision(app, properties)
        self._check_traffic(app, properties, revision)
        id = str(uuid.uuid4())
        self._store.begin_update(id, name, properties, revision)
        self._carry_out(id)
        return id

    def under_way(self, app: str) -> bool:
        return any(update.app == app for update in self._store.under_way())

    def resume(self) -> None:
        """Goes on with what was under way when the stand-in ended."""
        for update in self._store.under_way():
            self._carry_out(update.id)

    async def ended(self, id: str) -> None:
        """Waits for the update's end."""
        if id in self._running:
            await asyncio.wait([self._running[id]])

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _new_revision(self, app: App, properties: Document) -> str | None:
        """The name of the revision that another template brings."""
        if properties["template"] == app.properties["template"]:
            return None
        suffix = str(properties["template"].get("revisionSuffix") or f"r{uuid.uuid4().hex[:6]}")
        name = f"{app.name}--{suffix}"
        if not SUFFIX.fullmatch(suffix) or len(name) > LONGEST_NAME:
            message = f"Revision suffix '{suffix}' is not valid: lower case letters, digits and single hyphens."
            raise UpdateRefused("ContainerAppInvalidRevisionSuffix", message)
        if self._store.revision(app.name, name):
            raise UpdateRefused("ContainerAppRevisionSuffixInUse", f"Revision '{name}' exists already.")
        return name

    def _check_traffic(self, app: App, properties: Document, new: str | None) -> None:
        active = {each.name for each in self._store.revisions(app.name) if each.active} | ({new} if new else set())
        traffic = properties["configuration"]["ingress"]["traffic"]
        weights = [each.get("weight") or 0 for each in traffic]
        if any(not isinstance(weight, int) or weight < 0 for weight in weights) or sum(weights) != 100:
            raise UpdateRefused("ContainerAppInvalidTraffic", "The traffic weights must be whole and add up to 100.")
        for each in traffic:
            if each.get("weight") and not each.get("latestRevision") and each.get("revisionName") not in active:
                message = f"Revision '{each.get('revisionName')}' of the traffic does not exist or is not active."
                raise UpdateRefused("ContainerAppInvalidTraffic", message)

    def _carry_out(self, id: str) -> None:
        self._running[id] = task = asyncio.create_task(self._run(id))
        task.add_done_callback(lambda _: self._running.pop(id, None))

    async def _run(self, id: str) -> None:
        """Again from its beginning, as after a restart, for as long as the disk takes nothing."""
        update = self._store.update(id)
        assert update is not None
        while True:
            try:
                return await self._carried_out(update)
            except (sqlite3.OperationalError, OSError) as error:
                if not is_unwritable(error):
                    raise
                log.error("cannot write the state: %s (update of %s)", error, update.app)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _carried_out(self, update: Update) -> None:
        clock = asyncio.get_running_loop()
        earliest = clock.time() + (REVISION_S if update.revision else WEIGHTS_S) * self._pace
        if update.revision:
            await self._bring(update, update.revision)
        await asyncio.sleep(max(0.0, earliest - clock.time()))
        self._store.finish_update(update)
        app = self._store.app(update.app)
        self._fleet.follow(update.app, weights_of(app))
        if app.single:
            await self._keep_latest_alone(app)

    async def _bring(self, update: Update, name: str) -> None:
        self._store.add_revision(update.app, name, update.properties["template"])
        revision = self._store.revision(update.app, name)
        assert revision is not None
        await self._fleet.open(revision)

    async def _keep_latest_alone(self, app: App) -> None:
        for revision in self._store.revisions(app.name):
            if revision.active and revision.name != app.latest:
                self._store.set_active(revision, False)
                await self._fleet.stop(revision)


def weights_of(app: App) -> list[tuple[int, str]]:
    """Each revision's weight in percent; in single mode all for the latest."""
    if app.single:
        return [(100, app.latest)] if app.latest else []
    named = [
        (each.get("weight") or 0, app.latest if each.get("latestRevision") else each["revisionName"])
        for each in app.traffic
    ]
    return [(weight, name) for weight, name in named if weight and name]


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, everything else is replaced, null takes away."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
