"""The scenes of gates and approvals: what stops a build, and who lets one through."""

from typing import Any

from slipway.cli.connection import promotion_path
from slipway.cli.laptop.audited.evidence import INJECTION, KNOWN, Signer, coverage, findings
from slipway.cli.laptop.audited.layout import SERVICE
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.asking import Asking
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.promotion.ids import promotion_id

STAGE = "production"
BACK = "two customers were paid twice"
CHECKING = "checking gates"
NOTHING_NEW, COVERED, SIGNED = "nothing new in the scan", "tests reach what changed", "the signature is CI's"


class Production:
    """Where people are asked."""

    name, stage = STAGE, STAGE


class Proven:
    """What is claimed was seen at that moment, or NotShown is raised."""

    def __init__(self, system: System, follow: VirtualFollowing, screen: Screen) -> None:
        self._system, self._follow, self._screen = system, follow, screen
        self.asking = Asking(system, follow, screen)

    def send(self, version: str, what: str, **instead: str | None) -> None:
        """CI says that the build is done."""
        self._system.send(version, **instead)
        self._screen.act(f"onto the queue `builds`: CI has built {version} of bob's, {what}")
        self._follow.follow(version)

    def gates_pass(self, version: str, said: bool = False) -> None:
        """All three, before anybody is asked. With `said`, what each has answered is told."""
        self.asking.until_asked(version, Production())
        gates = self._follow.stage(version, STAGE).gates
        claim([each.outcome for each in gates] == ["passed"] * 3, f"the gates of {version}: {gates}")
        claim(all(each.digest.startswith("sha256:") for each in gates), f"evidence without a digest: {gates}")
        told = "; ".join(f"{each.name} ({each.words})" if said else each.name for each in gates)
        self._screen.shown(f"{version} has passed its gates, each on evidence whose digest is kept: {told}")

    def two_people(self, version: str) -> None:
        """Two, of two groups, none of them the author, and nobody twice."""
        where = Production()
        self.asking.refused(version, where, "bob", "IS_AUTHOR", "he wrote it, though he is a release manager")
        self.asking.approves(version, where, "alice", NOTHING_NEW)
        self.asking.refused(
            version, where, "alice", "ALREADY_VOTED", "again for her other group: one person is one vote"
        )
        self._follow.until(f"alice's yes to {version} is seen", lambda: bool(self._votes(version)))
        claim(self.asking.asks(version, where), f"{version} was let through by one person of two groups")
        self._screen.shown(f"{version} still waits: {self._missing(version)}")
        self.asking.approves(version, where, "carol", SIGNED)

    def again(self, version: str) -> None:
        """The same two people, once more."""
        self.asking.approves(version, Production(), "alice", COVERED)
        self.asking.approves(version, Production(), "carol", SIGNED)

    def is_live(self, version: str) -> None:
        self._follow.passed(version, STAGE)
        live = self._system.live()
        claim(live == version, f"users of production meet {live}, not {version}")
        self._screen.shown(f"{version} is live in production, after two people and three gates")

    def is_stopped(self, version: str, gate: str, code: str, live: str) -> None:
        """By a gate, before anybody was asked."""
        self._follow.may_be_stopped(version)
        self._follow.until(f"{version} ends", lambda: self._follow.promotion(version).over)
        stage = self._follow.stage(version, STAGE)
        said = next(each for each in stage.gates if each.name == gate)
        claim((stage.state, said.code) == ("failed", code), f"{version}: {stage.state}, {said.code}: {said.words}")
        claim(not (stage.approval and stage.approval.votes), f"people were asked for {version}")
        claim(self._system.live() == live, f"users meet {self._system.live()}")
        self._screen.shown(f"{version} is stopped by its gate {gate} ({said.words}); nobody was asked, {live} is live")

    def stopped_by_scan(self, version: str, live: str) -> None:
        self.send(version, "in which the scanner has found something new", sarif=findings(KNOWN, INJECTION))
        self.is_stopped(version, "sarif", "FINDINGS_NEW", live)

    def stopped_by_coverage(self, version: str, live: str) -> None:
        self.send(version, "whose tests reach 74 % of it", coverage=coverage(74))
        self.is_stopped(version, "coverage", "COVERAGE_TOO_LOW", live)

    def stopped_by_signature(self, version: str, live: str) -> None:
        forged = self._system.provenance(version, by=Signer())
        self.send(version, "whose provenance is signed by a key that nobody knows", provenance=forged)
        self.is_stopped(version, "provenance", "PROVENANCE_UNSIGNED", live)

    def supplied_later(self, version: str) -> None:
        """Missing evidence keeps the stage shut, says how it is supplied, and opens it at once when it comes."""
        self.send(version, "whose provenance is not signed yet", provenance=None)
        self._follow.until(f"{version} waits for evidence", lambda: self._lacks(version))
        waits = self._follow.stage(version, STAGE)
        how = f"slipway evidence add {promotion_id(SERVICE, version)} provenance"
        claim(how in str(waits.waits_for), f"nobody is told how to supply evidence: {waits.waits_for}")
        self._screen.shown(f"{version} waits at its gates without provenance, and says: {how}")
        digest = self._system.supply("alice", version, "provenance", self._system.provenance(version))
        self._screen.act(f"alice supplies the provenance of {version}")
        self.gates_pass(version)
        read = next(each.digest for each in self._follow.stage(version, STAGE).gates if each.name == "provenance")
        given = [each["evidence"].get("digest") for each in self._follow.record(version)["records"]]
        claim(given.count(digest) == 2 and read == digest, f"{digest} was supplied, {read} was read")

    def taken_back(self, version: str, to: str) -> None:
        """By a person, who says why."""
        self._follow.may_be_stopped(version)
        said = {"command": "rollback", "stage": STAGE, "reason": BACK, "id": f"back-{version}"}
        self._system.who("alice").post(promotion_path(promotion_id(SERVICE, version), "commands"), said)
        self._screen.act(f"alice says rollback: {BACK}")
        self._follow.until(
            f"{version} is taken back", lambda: self._follow.stage(version, STAGE).state == "rolled back"
        )
        claim(self._system.live() == to, f"users meet {self._system.live()}, not {to}")
        self._screen.shown(f"production is back on {to}; who took {version} back, and why, is on record")

    def _lacks(self, version: str) -> bool:
        stage = self._follow.stage(version, STAGE)
        return stage.state == CHECKING and "provenance" in str(stage.waits_for)

    def _votes(self, version: str) -> list[Any]:
        approval = self._follow.stage(version, STAGE).approval
        return list(approval.votes) if approval else []

    def _missing(self, version: str) -> str:
        approval = self._follow.stage(version, STAGE).approval
        claim(bool(approval and approval.missing), f"{version} does not say who is missing")
        return approval.missing if approval else ""
