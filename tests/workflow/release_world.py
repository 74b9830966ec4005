"""The outside world of releases that are more than code: a store of settings in memory, and flags that are put back."""

from dataclasses import dataclass, field
from typing import Any

from slipway.adapters.configuration.fixing import Fixing
from slipway.adapters.flags.release import FlagsOfRelease, Remembering
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.outcomes import Answer, broken, passed
from slipway.promotion.release_parts.configuration import KeptConfiguration, Place, Setting, Snapshot
from slipway.promotion.release_parts.flag_wish import FlagWish
from tests.workflow.flag_world import Flags, FlagWorld
from tests.workflow.world import Order


@dataclass
class Settings:
    """`ConfigurationStore` in memory: values by label and key. A snapshot is ready at the second look."""

    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    snapshots: dict[str, tuple[Snapshot, list[Setting]]] = field(default_factory=dict)

    def settings(self, place: Place) -> list[Setting]:
        return [Setting(key, "", value) for key, value in sorted(self.kept.get(place.label, {}).items())]

    def snapshot(self, name: str) -> Snapshot | None:
        if name not in self.snapshots:
            return None
        found, items = self.snapshots[name]
        self.snapshots[name] = Snapshot(name, "ready", found.ours), items
        return found

    def in_snapshot(self, name: str) -> list[Setting]:
        return self.snapshots[name][1] if name in self.snapshots else []

    def start_snapshot(self, place: Place, service: str) -> None:
        made = Snapshot(place.snapshot, "provisioning", ours=True)
        self.snapshots.setdefault(place.snapshot, (made, self.settings(place)))

    def recover(self, name: str) -> None:
        raise NotImplementedError


@dataclass
class Before:
    """`FlagsBefore` in memory."""

    rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def read(self, release: str, name: str, label: str) -> dict[str, Any] | None:
        return self.rows.get((release, name, label))

    def keep(self, release: str, name: str, label: str, before: dict[str, Any] | None) -> None:
        self.rows[release, name, label] = {"before": before, "after": None}

    def wrote(self, release: str, name: str, label: str, after: dict[str, Any]) -> None:
        self.rows[release, name, label]["after"] = after


def a_flag(name: str, enabled: bool) -> Document:
    return {"id": name, "enabled": enabled, "conditions": {"client_filters": []}, "x-own": [1]}


def some_flags() -> Flags:
    """One that is off, and one that is on for everybody."""
    found = Flags()
    for name, enabled in (("banner", False), ("old-banner", True)):
        found.changed_by_somebody(name, "production", a_flag(name, enabled))
    return found


def some_settings() -> Settings:
    """Those of three versions."""
    versions = ("1.0.0", "2.0.0", "3.0.0")
    return Settings({version: {"checkout:limit": version, "checkout:url": "https://a-secret"} for version in versions})


@dataclass
class ReleaseWorld(FlagWorld):
    """Flags and settings are answered by the adapters' own code, on stores in memory."""

    flags: Flags = field(default_factory=some_flags)
    settings: Settings = field(default_factory=some_settings)
    before: Before = field(default_factory=Before)

    @property
    def flag(self) -> FlagSetting | None:
        """The one that is ramped."""
        return self.flags.read("new-checkout", "production")

    def _fix_configuration(self, order: Order) -> Answer:
        return Fixing(self.settings).fix(Place.load(order["place"]), order["service"])

    def _look_at_configuration(self, order: Order) -> Answer:
        return Fixing(self.settings).look(KeptConfiguration.load(order["configuration"]))

    def _prepare_flag(self, order: Order) -> Answer:
        flag = FlagPlan.load(order["flag"])
        store = Remembering(self.flags, self.before, order["release"])
        try:
            note = Note(flag.owner, "2027-03-01", order["service"])
            found = Switch(store).prepare(flag.name, flag.label, flag.testers, note, order["operation"])
        except SlipwayError as error:
            return broken(error.code, error.words)
        state = "off" if found.off else "on" if found.share >= 1 else "dark"
        was = self._of(order).was(flag.name, flag.label) if state == "dark" else ""
        return passed(state=state, variant=found.variant, why=found.off, was=was)

    def _set_flag(self, order: Order) -> Answer:
        return self._of(order).set(FlagWish.load(order["flag"]), order["operation"])

    def _put_flag_back(self, order: Order) -> Answer:
        return self._of(order).back(order["name"], order["label"], order["when"], order["operation"])

    def _of(self, order: Order) -> FlagsOfRelease:
        return FlagsOfRelease(self.flags, self.before, order["release"])
