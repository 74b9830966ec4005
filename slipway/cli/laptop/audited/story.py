"""What the demo for auditors does and claims, scene by scene. Each claim is checked at the moment it is made."""

from datetime import timedelta
from pathlib import Path

from slipway.cli.laptop.audited.held import HOTFIX, Held
from slipway.cli.laptop.audited.layout import SERVICE
from slipway.cli.laptop.audited.overridden import WHY, Overridden
from slipway.cli.laptop.audited.proven import BACK, STAGE, Proven
from slipway.cli.laptop.audited.rights import no_more_than_its_roles
from slipway.cli.laptop.audited.summary import Audited
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.audited.trail import Trail
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.summary import EnvironmentSeen
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.cli.laptop.virtual.telling import STARTS_AT

OLD, GOOD, SCANNED, UNCOVERED, FORGED = "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"
LATE, HOT, HELD, URGENT = "1.5.0", "1.5.1", "1.6.0", "1.7.0"
FREEZES, THAWS = STARTS_AT + timedelta(hours=2), STARTS_AT + timedelta(hours=6)  # 10:00 and 14:00 in Berlin


class Story:
    """Tells the story on a system that has just started. What the auditor takes away is put in the `folder`."""

    def __init__(self, system: System, screen: Screen, folder: Path) -> None:
        self._system, self._screen = system, screen
        self.follow = VirtualFollowing(SERVICE, system, screen)
        self.proven = Proven(system, self.follow, screen)
        self.held = Held(self.proven, system, self.follow, screen)
        self.overridden = Overridden(self.proven, system, self.follow, screen)
        self.trail = Trail(system, screen, folder)

    def tell(self) -> Audited:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        began = self._system.now()
        claim(self._system.live() == OLD, f"users of production meet {self._system.live()} at first")
        self._screen.shown(f"the system runs: production answers {OLD}")
        self.is_let_through()
        self.are_stopped()
        self.waits_for_proof()
        self.is_frozen()
        self.proven.taken_back(HELD, HOT)
        self.overridden.let_past(URGENT, HOT)
        no_more_than_its_roles(self._system, self._screen)
        self.is_audited()
        site = EnvironmentSeen(STAGE, "weu", self._system.ends["payments-weu"], OLD, self._system.live())
        return Audited(
            claims=self._screen.claims,
            environments=[site],
            seconds=self._screen.elapsed_s,
            began=began.isoformat(),
            ended=self._system.now().isoformat(),
            files=str(self.trail.files.folder),
        )

    def is_let_through(self) -> None:
        """A sound build, by three gates and two people."""
        self.proven.send(GOOD, "with coverage, a scan and a signed provenance")
        self.proven.gates_pass(GOOD, said=True)
        self.proven.two_people(GOOD)
        self.proven.is_live(GOOD)

    def are_stopped(self) -> None:
        """Three builds, each by another gate."""
        self.proven.stopped_by_scan(SCANNED, GOOD)
        self.proven.stopped_by_coverage(UNCOVERED, GOOD)
        self.proven.stopped_by_signature(FORGED, GOOD)

    def waits_for_proof(self) -> None:
        """One whose evidence comes late."""
        self.proven.supplied_later(LATE)
        self.proven.again(LATE)
        self.proven.is_live(LATE)

    def is_frozen(self) -> None:
        """A freeze that a hotfix passes and a build waits for, whose approval does not outlive its evidence."""
        self.held.begins(FREEZES)
        self.held.hotfix_enters(HOT)
        self.held.is_held(HELD, HOT)
        self.held.yes_is_void(HELD, THAWS)

    def is_audited(self) -> None:
        """What the auditor does."""
        self.trail.taken_away()
        self.trail.is_whole()
        self.trail.tampering_is_found()
        self.trail.is_reported(STAGE, _lacking)


def _lacking(table: str) -> str:
    """What a reader would look for in the report and not find."""
    wanted: tuple[str, ...] = (GOOD, LATE, HOT, HELD, "Alice Adams", "Carol Chen", "provenance passed", "IS_AUTHOR")
    wanted += ("void", "payday", HOTFIX, BACK, WHY)
    return ", ".join(each for each in wanted if each not in table)
