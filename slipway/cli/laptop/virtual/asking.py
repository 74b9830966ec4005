"""Approvals in virtual time, as people give them."""

from typing import Protocol

from slipway.cli.connection import promotion_path
from slipway.cli.failure import Failure
from slipway.cli.laptop.following import NotShown, claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.promotion.ids import promotion_id

WAITING = "waiting for approval"


class Asks(Protocol):
    """Whoever asks goes by a `name` on the screen, and asks in a `stage`."""

    @property
    def name(self) -> str: ...

    @property
    def stage(self) -> str: ...


class Asking:
    """Who is asked, who may not answer, and who does."""

    def __init__(self, system: VirtualSystem, follow: VirtualFollowing, screen: Screen) -> None:
        self._system, self._follow, self._screen = system, follow, screen

    def until_asked(self, version: str, where: Asks) -> None:
        """Let time pass until it asks there."""
        self._follow.until(f"{where.name} asks for {version}", lambda: self.asks(version, where))

    def asks(self, version: str, where: Asks) -> bool:
        """Whether it asks now."""
        stage = self._follow.stage(version, where.stage)
        return stage.state == WAITING and not (stage.approval and stage.approval.decision)

    def refused(self, version: str, where: Asks, person: str, code: str, because: str) -> None:
        """One who may not approve tries to. Raises NotShown when that is taken."""
        try:
            self._vote(version, where, person, "approve", "looks good to me")
        except Failure as refusal:
            claim(refusal.code == code, f"{person} is refused for the wrong reason: {refusal.words}")
            self._screen.shown(f"{where.name}: {person} may not approve, {because}")
        else:
            raise NotShown(f"{person} could approve {version} in {where.name}")

    def approves(self, version: str, where: Asks, person: str, reason: str) -> None:
        self._vote(version, where, person, "approve", reason)
        self._screen.shown(f"{where.name}: {person} approves {version}, “{reason}”")

    def rejects(self, version: str, where: Asks, person: str, reason: str) -> None:
        self._vote(version, where, person, "reject", reason)
        self._screen.act(f"{where.name}: {person} rejects {version}, “{reason}”")

    def _vote(self, version: str, where: Asks, person: str, decision: str, reason: str) -> None:
        path = promotion_path(promotion_id(self._follow.service, version), "stages", where.stage, "approval")
        self._system.who(person).post(path, {"decision": decision, "reason": reason})
