"""Helm as its command line has it: releases whose revisions are kept, and what the chart makes of them."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from slipway.local.azure.aks.charts import rendered, with_set
from slipway.local.azure.aks.pods import Pods
from slipway.local.azure.aks.store import Autoscaler, ClusterStore, Deployment, Key, Record
from slipway.local.azure.registry.api import AZURES, refreshing
from slipway.local.azure.tokens import TokenRefused, Tokens

IN_PROGRESS = "another operation (install/upgrade/rollback) is in progress"


class ToolFailed(Exception):
    """The words are what the tool prints on its standard error."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ToolFailed(f"Error: {message}")


@dataclass(frozen=True)
class Asked:
    """The arguments, and the content of files that they name (`-` is the standard input). `folder` is the command's."""

    cluster: str
    arguments: list[str]
    files: dict[str, str]
    folder: str = ""


class Helm:
    """`charts` are the addresses of those that the registry has, without version; a release has `instances` replicas
    where its values do not say. Registries of Azure's ask for a login, and so does the stand-in itself, whose host is
    `registry`. Every chart names its Deployment after the release."""

    def __init__(
        self,
        store: ClusterStore,
        pods: Pods,
        charts: tuple[str, ...],
        instances: int,
        registry: str,
        tokens: Tokens,
    ) -> None:
        self._tokens = tokens
        self._logged_in: set[tuple[str, str]] = set()
        self._registry = registry
        self._store = store
        self._pods = pods
        self._charts = charts
        self._instances = instances

    async def run(self, asked: Asked) -> str:
        """What it prints. Raises ToolFailed."""
        verbs: dict[str, Callable[[Asked, list[str]], Any]] = {
            "history": self._history,
            "upgrade": self._upgrade,
            "rollback": self._rollback,
            "uninstall": self._uninstall,
            "registry": self._login,
        }
        verb, *rest = asked.arguments or [""]
        if verb not in verbs:
            raise ToolFailed(f'Error: unknown command "{verb}" for "helm"')
        return str(await verbs[verb](asked, rest))

    def install(self, release: Key, chart: str, values: dict[str, Any], description: str) -> None:
        """A first revision, as somebody has made it before."""
        self._deploy(release, chart, values, description, 1)

    async def _history(self, asked: Asked, rest: list[str]) -> str:
        parser = _parser("release")
        parser.add_argument("--max", type=int, default=256)
        parser.add_argument("-o", "--output", choices=("json",), required=True)
        given = parser.parse_args(rest)
        records = self._records(Key(asked.cluster, given.namespace, given.release))[-given.max :]
        shown = [
            {
                "revision": each.revision,
                "updated": each.updated,
                "status": each.status,
                "chart": each.chart,
                "app_version": "",
                "description": each.description,
            }
            for each in records
        ]
        return json.dumps(shown, separators=(",", ":")) + "\n"

    async def _upgrade(self, asked: Asked, rest: list[str]) -> str:
        parser = _parser("release", "chart")
        for flag in ("--install", "--create-namespace"):
            parser.add_argument(flag, action="store_true")
        parser.add_argument("--version", default="")
        parser.add_argument("--set-string", action="append", default=[])
        parser.add_argument("-f", "--values", action="append", default=[])
        parser.add_argument("--description", default="Upgrade complete")
        parser.add_argument("--history-max", type=int, default=10)
        given = parser.parse_args(rest)
        release = Key(asked.cluster, given.namespace, given.release)
        values: dict[str, Any] = {}
        for name in given.values:
            values |= json.loads(asked.files[name])
        for text in given.set_string:
            values = with_set(values, text)
        records = self._store.records(release)
        if not records and not given.install:
            raise ToolFailed(f'Error: UPGRADE FAILED: "{given.release}" has no deployed releases')
        if records and records[-1].status.startswith("pending"):
            raise ToolFailed(f"Error: UPGRADE FAILED: {IN_PROGRESS}")
        chart = self._pulled(given.chart, given.version, asked.folder)
        revision = records[-1].revision + 1 if records else 1
        self._deploy(release, chart, values, given.description, revision)
        self._store.forget_records(release, revision - given.history_max + 1)
        return f'Release "{given.release}" has been upgraded. Happy Helming!\nREVISION: {revision}\n'

    async def _rollback(self, asked: Asked, rest: list[str]) -> str:
        parser = _parser("release", "revision")
        parser.add_argument("--history-max", type=int, default=10)
        given = parser.parse_args(rest)
        release = Key(asked.cluster, given.namespace, given.release)
        records = self._records(release)
        back = next((each for each in records if each.revision == int(given.revision)), None)
        if back is None:
            raise ToolFailed(f"Error: release has no {given.revision} version")
        self._store.put_record(release, replace(records[-1], status="superseded"))
        revision = records[-1].revision + 1
        self._deploy(release, back.chart, back.config, f"Rollback to {back.revision}", revision)
        return "Rollback was a success! Happy Helming!\n"

    async def _login(self, asked: Asked, rest: list[str]) -> str:
        parser = _Parser(prog="helm registry", add_help=False)
        parser.add_argument("verb", choices=("login",))
        parser.add_argument("host")
        parser.add_argument("-u", "--username", required=True)
        parser.add_argument("--password-stdin", action="store_true", required=True)
        given = parser.parse_args(rest)
        try:
            self._tokens.check(f"Bearer {asked.files['-']}", (refreshing(given.host),))
        except TokenRefused as refusal:
            words = f"Error: login attempt to https://{given.host}/v2/ failed with status: 401 Unauthorized"
            raise ToolFailed(words) from refusal
        self._logged_in.add((asked.folder, given.host))
        return "Login Succeeded\n"

    async def _uninstall(self, asked: Asked, rest: list[str]) -> str:
        given = _parser("release").parse_args(rest)
        release = Key(asked.cluster, given.namespace, given.release)
        self._records(release)
        await self._pods.stop(release)
        self._store.forget_records(release)
        for kind in (Deployment, Autoscaler):
            self._store.delete(kind, release)
        return f'release "{given.release}" uninstalled\n'

    def _records(self, release: Key) -> list[Record]:
        records = self._store.records(release)
        if not records:
            raise ToolFailed("Error: release: not found")
        return records

    def _pulled(self, chart: str, version: str, folder: str) -> str:
        """The chart's name with its version, of one that the registry has. Raises ToolFailed."""
        address, _, digest = chart.removeprefix("oci://").partition("@")
        host, _, path = address.partition("/")
        if (host == self._registry or host.endswith(AZURES)) and (folder, host) not in self._logged_in:
            raise ToolFailed(f"Error: failed to authorize: GET https://{host}/oauth2/token: 401 Unauthorized")
        if host == self._registry:  # it has the same charts
            address = next((each for each in self._charts if each.partition("/")[2] == path), address)
        if not chart.startswith("oci://") or address not in self._charts or not (version or digest):
            raise ToolFailed(f'Error: failed to perform "FetchReference" on source: {address}:{version}: not found')
        return f"{address.rpartition('/')[2]}-{version or digest[7:19]}"

    def _deploy(self, release: Key, chart: str, values: dict[str, Any], description: str, revision: int) -> None:
        made, before = rendered(values, self._instances), self._store.deployment(release)
        for each in self._store.records(release):
            if each.status == "deployed":
                self._store.put_record(release, replace(each, status="superseded"))
        record = Record(revision, "deployed", description, self._store.stamp, chart, values)
        self._store.put_record(release, record)
        if made.autoscaler:
            self._store.put(release, made.autoscaler)
        else:
            self._store.delete(Autoscaler, release)
        deployment = Deployment(instance=release.name, image=made.image, replicas=made.replicas)
        if before is not None:
            # A chart with an autoscaler says no number of replicas, so a stopped Deployment stays so.
            rests = made.autoscaler is not None and not before.replicas
            replicas, kept = 0 if rests else made.replicas, before.annotations
            deployment = replace(deployment, generation=before.generation + 1, serving=before.serving)
            deployment = replace(deployment, replicas=replicas, annotations=kept)
        self._pods.roll(release, deployment)


def _parser(*positional: str) -> argparse.ArgumentParser:
    parser = _Parser(prog="helm", add_help=False)
    for name in positional:
        parser.add_argument(name)
    parser.add_argument("-n", "--namespace", default="default")
    return parser
