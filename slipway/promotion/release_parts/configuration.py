"""The configuration of a release: the settings under the label of its version, and what is kept of them.

Settings themselves never leave the store: a fingerprint says whether they are still those that were verified. A
reference to a secret is a setting like any other, and the secret behind it is not looked at.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known

REFERENCE = "application/vnd.microsoft.appconfig.keyvaultref+json"
MISSING, CHANGED, TAKEN, GONE = (
    "CONFIGURATION_MISSING",
    "CONFIGURATION_CHANGED",
    "SNAPSHOT_TAKEN",
    "CONFIGURATION_GONE",
)
PROVISIONING, READY, ARCHIVED, FAILED = "provisioning", "ready", "archived", "failed"
LONGEST_LIST = 5


@dataclass(frozen=True)
class ConfigurationPlan:
    """`label` is that of each build, with `{version}` in it, and perhaps `{service}` and `{environment}`; `key_filter`
    says which of the settings under it are the service's."""

    label: str
    key_filter: str = "*"

    def place(self, service: str, version: str, environment: str) -> "Place":
        """Where the settings of that version lie."""
        label = self.label.replace("{service}", service).replace("{environment}", environment)
        label = label.replace("{version}", version)
        return Place(label, self.key_filter, f"{service}-{label}")

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "ConfigurationPlan | None":
        return cls(**known(cls, data)) if data else None


@dataclass(frozen=True)
class Place:
    """The settings with `label` whose keys pass `key_filter`, and the name of the snapshot that keeps them."""

    label: str
    key_filter: str
    snapshot: str

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Place":
        return cls(**known(cls, data))


@dataclass(frozen=True)
class KeptConfiguration:
    """A release's configuration as it was when it was fixed; `settings` and `references` count. An empty `label` is
    that of a release without one."""

    label: str = ""
    key_filter: str = ""
    snapshot: str = ""
    fingerprint: str = ""
    settings: int = 0
    references: int = 0

    @property
    def place(self) -> Place:
        return Place(self.label, self.key_filter, self.snapshot)

    @property
    def words(self) -> str:
        """`2.0.0: 12 settings, 2 of them references to secrets, fingerprint 1f2e…, kept as snapshot checkout-2.0.0`."""
        secret = f", {self.references} of them references to secrets" if self.references else ""
        count = f"{self.settings} setting{'' if self.settings == 1 else 's'}{secret}"
        return f"{self.label}: {count}, fingerprint {self.fingerprint[:12]}, kept as snapshot {self.snapshot}"

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "KeptConfiguration":
        return cls(**known(cls, data or {}))


@dataclass(frozen=True)
class Setting:
    """One setting as the store has it; `value` is text that may be a credential, so it is shown nowhere."""

    key: str
    content_type: str
    value: str | None

    def __repr__(self) -> str:
        return f"Setting({self.key!r})"


@dataclass(frozen=True)
class Snapshot:
    """`service`: for which Slipway made it; empty for somebody else's. `status` as App Configuration has it."""

    name: str
    status: str
    service: str = ""


def kept(place: Place, settings: Iterable[Setting]) -> KeptConfiguration:
    """What is kept of `settings`."""
    found = list(settings)
    references = sum(each.content_type.startswith(REFERENCE) for each in found)
    where = (place.label, place.key_filter, place.snapshot)
    return KeptConfiguration(*where, fingerprint_of(found), len(found), references)


def fingerprint_of(settings: Iterable[Setting]) -> str:
    """SHA-256 over keys, content types and values, in the order of the keys: the same for the same settings, put back
    or never touched. Etags would tell a setting that was written anew from the same one."""
    told = sorted([each.key, each.content_type, each.value] for each in settings)
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def differing(fixed: Iterable[Setting], now: Iterable[Setting]) -> str:
    """The keys in which they differ, in words; never their values."""
    was, there = ({each.key: each for each in settings} for settings in (fixed, now))
    keys = sorted(key for key in was.keys() | there.keys() if was.get(key) != there.get(key))
    more = f" and {len(keys) - LONGEST_LIST} more" if len(keys) > LONGEST_LIST else ""
    return ", ".join(keys[:LONGEST_LIST]) + more
