"""The scene of an emergency: two people let one build past a gate that has stopped it, and that stays to be seen."""

from typing import Any

from slipway.cli.connection import promotion_path
from slipway.cli.failure import Failure
from slipway.cli.laptop.audited.evidence import INJECTION, KNOWN, findings
from slipway.cli.laptop.audited.layout import SERVICE
from slipway.cli.laptop.audited.proven import STAGE, Production, Proven
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.following import NotShown, claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.promotion.ids import promotion_id

GATE, WISH = "sarif", "salaries"
WHY = "nobody is paid until this is live"


class Overridden:
    """What is claimed was seen at that moment, or NotShown is raised."""

    def __init__(self, proven: Proven, system: System, follow: VirtualFollowing, screen: Screen) -> None:
        self._proven, self._system, self._follow, self._screen = proven, system, follow, screen

    def let_past(self, version: str, live: str) -> None:
        """Stopped by a scan, it goes on when an operator asks and another person, not the author, agrees."""
        self._proven.send(version, "that has to go now", sarif=findings(KNOWN, INJECTION))
        self._proven.is_stopped(version, GATE, "FINDINGS_NEW", live)
        asked = {"gates": [GATE], "reason": WHY, "command": WISH}
        self._say("alice", version, asked, "stages", STAGE, "override")
        self._screen.act(f"alice asks to let {version} past its gate {GATE}: {WHY}")
        for person, code, because in (("alice", "SAME_PERSON", "she asks"), ("bob", "IS_AUTHOR", "he wrote it")):
            self._refused(version, person, code, because)
        self._confirm(version, "carol")
        self._screen.act("carol, of security, agrees")
        self._say(
            "alice", version, {"command": "retry", "stage": STAGE, "reason": WHY, "id": f"again-{version}"}, "commands"
        )
        self._proven.asking.until_asked(version, Production())
        gate = next(each for each in self._follow.stage(version, STAGE).gates if each.name == GATE)
        claim(gate.code == "GATE_OVERRIDDEN", f"the gate {GATE} of {version} says {gate.code}: {gate.words}")
        self._screen.shown(
            f"{version} goes on, and its gate says so for ever: {gate.words}; two people approve all the same"
        )
        self._proven.again(version)
        self._proven.is_live(version)

    def _refused(self, version: str, person: str, code: str, because: str) -> None:
        try:
            self._confirm(version, person)
        except Failure as refusal:
            claim(refusal.code == code, f"{person} is refused for the wrong reason: {refusal.words}")
            self._screen.shown(f"{person} may not agree to it, {because}")
        else:
            raise NotShown(f"{person} could agree to let {version} past its gate")

    def _confirm(self, version: str, person: str) -> None:
        self._say(person, version, {"id": WISH}, "stages", STAGE, "override", "confirm")

    def _say(self, person: str, version: str, body: dict[str, Any], *where: str) -> None:
        self._system.who(person).post(promotion_path(promotion_id(SERVICE, version), *where), body)
