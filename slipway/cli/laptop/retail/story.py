"""What the demo of a retailer does and claims, scene by scene. Each claim is checked at the moment it is made."""

from slipway.cli.laptop.following import claim
from slipway.cli.laptop.retail.places import DATABASES, PLACES, Place
from slipway.cli.laptop.retail.scenes import Scenes
from slipway.cli.laptop.retail.summary import Season
from slipway.cli.laptop.retail.switched import Switched
from slipway.cli.laptop.retail.system import SERVICE, System
from slipway.cli.laptop.retail.tested import Tested
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.summary import EnvironmentSeen
from slipway.cli.laptop.virtual.following import VirtualFollowing

OLD, GOOD, DEADLY, BROKEN = "1.0.0", "1.1.0", "1.2.0-dead", "1.3.0-errors"
BLUE, GREEN = "blue", "green"


class Story:
    """Tells the story on a system that has just started."""

    def __init__(self, system: System, screen: Screen) -> None:
        self._system, self._screen = system, screen
        self._follow = VirtualFollowing(SERVICE, system, screen)
        self._scenes = Scenes(system, self._follow, screen)
        self._tested = Tested(self._scenes, system, self._follow, screen)
        self._switched = Switched(self._scenes, system, self._follow, screen, self._tested.asking)

    def tell(self) -> Season:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        began, before, databases = self._system.now(), self._answers(), self._databases()
        claim(set(before.values()) == {OLD}, f"not every place answers {OLD} at first: {before}")
        told = ", ".join(f"{name} {version}" for name, version in databases.items())
        self._screen.shown(f"the system runs: {len(before)} places in three clusters answer {OLD}; schemas: {told}")

        self._good()
        self._deadly()
        self._broken()
        for version in (GOOD, DEADLY, BROKEN):
            self._follow.audit_holds(version)

        after = self._answers()
        environments = [
            EnvironmentSeen(each.stage, each.target, self._system.ends[each.users], before[each], after[each])
            for each in PLACES
        ]
        return Season(
            claims=self._screen.claims,
            environments=environments,
            seconds=self._screen.elapsed_s,
            users=self._system.users.met,
            databases={name: (at, self._system.schema(name)) for name, at in databases.items()},
            began=began.isoformat(),
            ended=self._system.now().isoformat(),
        )

    def _good(self) -> None:
        """From CI to all users, and the old side and the old schema away."""
        self._scenes.send(GOOD, "from-13-to-15-expand-13-contract-14", "which needs another table")
        self._tested.dev(GOOD, OLD)
        self._tested.qa_signs_off(GOOD)
        self._tested.staging(GOOD, 13)
        self._switched.side_by_side(GOOD, OLD, GREEN, 13)
        self._switched.refuses_author(GOOD)
        self._switched.switch(GOOD, OLD, BLUE)
        self._switched.kept_and_contracted(GOOD, OLD, BLUE, 14)

    def _deadly(self) -> None:
        """All tests pass, and users take it down."""
        self._follow.may_be_stopped(DEADLY)
        self._scenes.send(DEADLY, "from-14-to-16-expand-15", "whose fault no test finds")
        self._tested.dev(DEADLY, GOOD)
        self._tested.qa_signs_off(DEADLY)
        self._tested.staging(DEADLY, 15)
        self._switched.side_by_side(DEADLY, GOOD, BLUE, 15)
        self._switched.switch(DEADLY, GOOD, GREEN)
        self._switched.dies(DEADLY, GOOD, 15)

    def _broken(self) -> None:
        """Stopped before anybody was asked."""
        self._follow.may_be_stopped(BROKEN)
        self._scenes.send(BROKEN, "from-14-to-16-expand-15", "which fails a request in five")
        self._tested.is_stopped(BROKEN, DEADLY, GOOD)

    def _answers(self) -> dict[Place, str]:
        """What each place answers, by any of its doors for users."""
        return {each: next(iter(self._system.met(each.users, 1))) for each in PLACES}

    def _databases(self) -> dict[str, int]:
        return {name: self._system.schema(name) for name in DATABASES}
