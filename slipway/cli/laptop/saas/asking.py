"""Approvals, as the people of the three companies give them."""

from slipway.cli.connection import promotion_path
from slipway.cli.failure import Failure
from slipway.cli.laptop.following import NotShown, claim
from slipway.cli.laptop.saas.following import Following, Ring
from slipway.cli.laptop.saas.system import SERVICE
from slipway.cli.laptop.screen import Screen
from slipway.promotion.ids import promotion_id

WAITING = "waiting for approval"


class Asking:
    """Who is asked, who may not answer, and who does."""

    def __init__(self, follow: Following, screen: Screen) -> None:
        self._follow, self._screen = follow, screen

    def until_asked(self, version: str, ring: Ring) -> None:
        """Let time pass until the ring asks."""
        self._follow.until(f"{ring.name} asks for {version}", lambda: self.asks(version, ring))

    def asks(self, version: str, ring: Ring) -> bool:
        """Whether it asks now."""
        stage = self._follow.stage(version, ring.stage)
        return stage.state == WAITING and not (stage.approval and stage.approval.decision)

    def refused(self, version: str, ring: Ring, person: str, code: str, because: str) -> None:
        """One who may not approve tries to. Raises NotShown when that is taken."""
        try:
            self._vote(version, ring, person, "approve", "looks good to me")
        except Failure as refusal:
            claim(refusal.code == code, f"{person} is refused for the wrong reason: {refusal.words}")
            self._screen.shown(f"{ring.name}: {person} may not approve, {because}")
        else:
            raise NotShown(f"{person} could approve {version} in {ring.name}")

    def approves(self, version: str, ring: Ring, person: str, reason: str) -> None:
        self._vote(version, ring, person, "approve", reason)
        self._screen.shown(f"{ring.name}: {person} approves {version}, “{reason}”")

    def rejects(self, version: str, ring: Ring, person: str, reason: str) -> None:
        self._vote(version, ring, person, "reject", reason)
        self._screen.act(f"{ring.name}: {person} rejects {version}, “{reason}”")

    def _vote(self, version: str, ring: Ring, person: str, decision: str, reason: str) -> None:
        path = promotion_path(promotion_id(SERVICE, version), "stages", ring.stage, "approval")
        self._follow.system.who(person).post(path, {"decision": decision, "reason": reason})
