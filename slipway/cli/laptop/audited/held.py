"""The scenes of time: a freeze that a hotfix passes, and a yes that does not outlive its evidence."""

from datetime import datetime

from slipway.cli.laptop.audited.evidence import coverage
from slipway.cli.laptop.audited.proven import STAGE, Production, Proven
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.following import VirtualFollowing

FREEZE = "payday"
HOTFIX = "the bank's certificate was changed"


class Held:
    """What is claimed was seen at that moment, or NotShown is raised."""

    def __init__(self, proven: Proven, system: System, follow: VirtualFollowing, screen: Screen) -> None:
        self._proven, self._system, self._follow, self._screen = proven, system, follow, screen

    def begins(self, at: datetime) -> None:
        """Let time pass until the window has begun."""
        self._follow.until(f"it is {at:%H:%M}", lambda: self._system.now() >= at)
        self._screen.act(f"the freeze {FREEZE} has begun: nothing but hotfixes enters production")

    def hotfix_enters(self, version: str) -> None:
        """Through the window, by the same gates and people, and marked as one for ever."""
        self._proven.send(version, f"a hotfix: {HOTFIX}", hotfix=HOTFIX)
        self._proven.gates_pass(version)
        self._proven.again(version)
        self._proven.is_live(version)
        started = next(
            each for each in self._follow.record(version)["records"] if each["action"] == "promotion.started"
        )
        claim(started["evidence"]["build"].get("hotfix") == HOTFIX, f"nobody is told of the hotfix: {started}")
        self._screen.shown(f"{version} entered through the freeze; that it is a hotfix, and why, is on record")

    def is_held(self, version: str, live: str) -> None:
        """Approved, and kept out all the same."""
        self._proven.send(version, "a sound one")
        self._proven.gates_pass(version)
        self._proven.again(version)
        kept_out = "waiting for the lock"
        self._follow.until(f"{version} is kept out", lambda: self._follow.stage(version, STAGE).state == kept_out)
        claim(bool(self._kept_out(version)), f"{version} does not say that it is frozen")
        claim(self._system.live() == live, f"users meet {self._system.live()}, in spite of the freeze")
        self._screen.shown(f"{version} is approved and does not enter: {self._kept_out(version)}")

    def yes_is_void(self, version: str, thaws: datetime) -> None:
        """What people said yes to has changed by the time that it may enter."""
        self._system.supply("alice", version, "coverage", coverage(91))
        self._screen.act(f"alice replaces the coverage of {version}, which two people have approved with another")
        self._follow.until(
            f"people are asked for {version} anew", lambda: self._proven.asking.asks(version, Production())
        )
        claim(self._system.now() >= thaws, f"{version} did not wait for the end of the freeze")
        records = self._follow.record(version)["records"]
        void = next((each for each in records if each["action"] == "approval.void"), None)
        claim(void is not None and "evidence" in str(void["evidence"]), f"the yes to {version} still holds: {void}")
        self._screen.shown(f"the freeze is over, and the yes to {version} is void: {void['words'] if void else ''}")
        self._proven.again(version)
        self._proven.is_live(version)

    def _kept_out(self, version: str) -> str:
        stage = self._follow.stage(version, STAGE)
        reasons = stage.may_promote.reasons if stage.may_promote else []
        return next((each.words for each in reasons if each.code == "FROZEN"), "")
