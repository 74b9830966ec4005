"""The outside world of releases that are more than code: a store of settings in memory, and flags that are put back."""

from dataclasses import dataclass, field

from slipway.adapters.configuration.fixing import Fixing
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.outcomes import Answer, passed
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
        self.snapshots[name] = Snapshot(name, "ready", found.service), items
        return found

    def in_snapshot(self, name: str) -> list[Setting]:
        return self.snapshots[name][1] if name in self.snapshots else []

    def start_snapshot(self, place: Place, service: str) -> None:
        made = Snapshot(place.snapshot, "provisioning", service)
        self.snapshots.setdefault(place.snapshot, (made, self.settings(place)))

    def recover(self, name: str) -> None:
        raise NotImplementedError


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

    @property
    def flag(self) -> FlagSetting | None:
        """The one that is ramped."""
        return self.flags.read("new-checkout", "production")

    def _fix_configuration(self, order: Order) -> Answer:
        return Fixing(self.settings).fix(Place.load(order["place"]), order["service"])

    def _look_at_configuration(self, order: Order) -> Answer:
        return Fixing(self.settings).look(KeptConfiguration.load(order["configuration"]))

    def _check_flags(self, order: Order) -> Answer:
        answers = [self._of(order).check(FlagWish.load(each)) for each in order["flags"]]
        return next((answer for answer in answers if answer.code), passed())

    def _set_flag(self, order: Order) -> Answer:
        return self._of(order).set(FlagWish.load(order["flag"]), order["operation"])
