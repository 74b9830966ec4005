"""What this demo follows beside its promotions: their ramps, and the users of each ring."""

from dataclasses import dataclass, field
from datetime import datetime

from slipway.cli.api_answers import Promotion
from slipway.cli.laptop.ramp_seen import Move, RampSeen, ramp_seen
from slipway.cli.laptop.saas.system import SERVICE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.users import Met
from slipway.cli.laptop.virtual.following import VirtualFollowing

RAMPING = "ramping"


@dataclass(frozen=True)
class Ring:
    """A ring of the pipeline, and where its numbers lie."""

    name: str
    role: str
    workspace: str
    target: str

    @property
    def stage(self) -> str:
        return f"production-{self.name}"


@dataclass
class Users:
    """Those of one ring, who are drawn: what they met, its telemetry says."""

    system: System
    ring: Ring
    _asked: dict[tuple[datetime, datetime], Met] = field(default_factory=dict)

    def between(self, begin: datetime, end: datetime) -> Met:
        if (begin, end) not in self._asked:
            self._asked[begin, end] = self.system.met(self.ring.role, self.ring.workspace, begin, end)
        return self._asked[begin, end]


class Following(VirtualFollowing):
    """The promotions that are followed, as alice sees them."""

    def __init__(self, system: System, screen: Screen) -> None:
        super().__init__(SERVICE, system, screen)
        self.system = system

    def ramp(self, version: str, ring: Ring) -> RampSeen:
        """Its ramp in that ring, from the audit records, whose ids say in which stage they were made."""
        return ramp_seen([each for each in self.record(version)["records"] if ring.stage in each["id"].split(":")])

    def looked(self, latest: Promotion) -> None:
        for stage in latest.stages:
            if stage.state == RAMPING and stage.ramp and stage.ramp.since:
                words = stage.ramp.words or stage.ramp.move_words  # before its first tick no judge has said anything
                now = Move(stage.ramp.since, stage.ramp.share, stage.ramp.code, words)
                self._screen.ramp(
                    latest.version, RampSeen((now,), now.words), Met(), stage.name.removeprefix("production-")
                )
