"""kubectl as its command line has it, of what is needed here: `get --raw`, a field by `get`, `patch` and `apply`."""

import argparse
import json
import re
from typing import Any, NoReturn

from slipway.local.azure.aks.documents import Documents, NotThere
from slipway.local.azure.aks.helm import Asked, ToolFailed
from slipway.local.azure.aks.patches import Conflict, Patches
from slipway.local.azure.aks.store import Key

GROUPS = {"deployment": "apis/apps/v1", "service": "api/v1", "configmap": "api/v1"}
FIELD = re.compile(r"(?<!\\)\.")  # names in a JSON path are divided by dots, unless those are escaped


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ToolFailed(f"error: {message}")


class Kubectl:
    def __init__(self, documents: Documents, patches: Patches) -> None:
        self._documents = documents
        self._patches = patches

    async def run(self, asked: Asked) -> str:
        """What it prints. Raises ToolFailed."""
        try:
            match asked.arguments:
                case ["get", "--raw", path]:
                    found = await self._documents.at(asked.cluster, path)
                    return found if isinstance(found, str) else json.dumps(found) + "\n"
                case ["get", *rest]:
                    return await self._get(asked.cluster, rest)
                case ["patch", *rest]:
                    return await self._patch(asked.cluster, rest)
                case ["apply", *rest]:
                    return self._apply(asked, rest)
        except NotThere as missing:
            raise ToolFailed(f"Error from server (NotFound): {missing}") from missing
        except Conflict as conflict:
            raise ToolFailed(f"Error from server (Conflict): {conflict}") from conflict
        raise ToolFailed(f"error: unknown command {json.dumps(' '.join(asked.arguments))}")

    async def _get(self, cluster: str, rest: list[str]) -> str:
        parser = _Parser(prog="kubectl", add_help=False)
        parser.add_argument("kind", choices=tuple(GROUPS))
        parser.add_argument("name")
        parser.add_argument("-n", "--namespace", default="default")
        parser.add_argument("--ignore-not-found", action="store_true")
        parser.add_argument("-o", "--output", required=True)
        given = parser.parse_args(rest)
        path = f"/{GROUPS[given.kind]}/namespaces/{given.namespace}/{given.kind}s/{given.name}"
        try:
            found: Any = await self._documents.at(cluster, path)
        except NotThere:
            if given.ignore_not_found:
                return ""
            raise
        for name in FIELD.split(given.output.removeprefix("jsonpath={.").removesuffix("}")):
            found = (found or {}).get(name.replace("\\.", "."))
        return "" if found is None else str(found)

    async def _patch(self, cluster: str, rest: list[str]) -> str:
        parser = _Parser(prog="kubectl", add_help=False)
        parser.add_argument("kind", choices=("deployment", "deployments", "service", "services"))
        parser.add_argument("name")
        parser.add_argument("-n", "--namespace", default="default")
        parser.add_argument("--type", choices=("merge",), required=True)
        parser.add_argument("-p", "--patch", required=True)
        given = parser.parse_args(rest)
        change: dict[str, Any] = json.loads(given.patch)
        kind = f"{given.kind.removesuffix('s')}s"
        await self._patches.apply(kind, Key(cluster, given.namespace, given.name), change)
        return f"{given.kind}/{given.name} patched\n"

    def _apply(self, asked: Asked, rest: list[str]) -> str:
        parser = _Parser(prog="kubectl", add_help=False)
        for flag in ("--server-side", "--force-conflicts"):
            parser.add_argument(flag, action="store_true", required=True)
        parser.add_argument("--field-manager", required=True)
        parser.add_argument("-n", "--namespace", default="default")
        parser.add_argument("-f", "--filename", required=True)
        given = parser.parse_args(rest)
        wanted: dict[str, Any] = json.loads(asked.files[given.filename])
        name, kind = wanted["metadata"]["name"], str(wanted["kind"]).lower()
        self._patches.applied(f"{kind}s", Key(asked.cluster, given.namespace, name), wanted)
        return f"{kind}/{name} serverside-applied\n"
