"""What Slipway's identity may do on the laptop: exactly what its pipelines need, and what is its own."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from slipway.cli.pipeline_needs import needs_of_text
from slipway.local.azure.rights import places
from slipway.promotion.rights.catalogue import FLAGS, SECRETS
from slipway.promotion.rights.grants import document, granted
from slipway.promotion.rights.own import AUDIT, TABLES, TELEMETRY
from slipway.promotion.rights.role import Need, Unknown

LINK_SECRET = "approval-links"
HOOK_SECRETS = ("azure-devops-hook-key", "github-hook-secret")  # of the settings, whatever pipelines say
_FIXED = {"vault": places.vault, "configuration": places.configuration}


def rights_of(files: Iterable[Path], group: str, workspace: str) -> dict[str, Any]:
    """For the pipelines in these files, as `slipway roles --format json` prints it. `group` is the id of the stand-in's
    own resource group, `workspace` the id of the workspace that Slipway asks."""
    needs = [need for file in files for need in needs_of_text(file.read_text(encoding="utf-8"), str(file))]
    needs += _own(group)
    unknown = {need.place.name: need.place for need in needs if isinstance(need.place, Unknown)}
    return document(granted(needs, {name: _at(name, group, workspace) for name in unknown}))


def _own(group: str) -> Iterator[Need]:
    account = places.storage(group)
    yield Need(TABLES, account, "Slipway itself")
    yield Need(AUDIT, f"{account}/blobServices/default/containers/audit", "Slipway itself")
    yield Need(TELEMETRY, places.insights(group), "Slipway itself")
    yield Need(FLAGS, places.configuration(group), "people list flags and switch them off")
    for secret in HOOK_SECRETS:
        yield Need(SECRETS, f"{places.vault(group)}/secrets/{secret}", "hooks of code hosts")
    yield Need(SECRETS, f"{places.vault(group)}/secrets/{LINK_SECRET}", "links to approvals")


def _at(name: str, group: str, workspace: str) -> str:
    """Where the stand-in has what a pipeline does not name by its id."""
    if name in _FIXED:
        return _FIXED[name](group)
    kind, _, rest = name.partition("-")
    if kind == "workspace":
        return places.workspace(group, rest or workspace)
    return places.registry(group, rest) if kind == "registry" else places.environment(group)
