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
        self.follow = VirtualFollowing(SERVICE, system, screen)
        self._scenes = Scenes(system, self.follow, screen)
        self._tested = Tested(self._scenes, system, self.follow, screen)
        self.switched = Switched(self._scenes, system, self.follow, screen, self._tested.asking)

    def tell(self) -> Season:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        began, before, databases = self._system.now(), self._answers(), self._databases()
        claim(set(before.values()) == {OLD}, f"not every place answers {OLD} at first: {before}")
        told = ", ".join(f"{name} {version}" for name, version in databases.items())
        self._screen.shown(f"the system runs: {len(before)} places in three clusters answer {OLD}; schemas: {told}")

        self.is_switched_to(GOOD, "from-13-to-15-expand-13-contract-14", 13, OLD, "which needs another table")
        self.switched.kept_and_contracted(GOOD, OLD, BLUE, 14)
        self.follow.may_be_stopped(DEADLY)
        self.is_switched_to(DEADLY, "from-14-to-16-expand-15", 15, GOOD, "whose fault no test finds")
        self.switched.dies(DEADLY, GOOD, 15)
        self.is_stopped(BROKEN, "from-14-to-16-expand-15", DEADLY, GOOD)
        for version in (GOOD, DEADLY, BROKEN):
            self.follow.audit_holds(version)

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

    def is_switched_to(self, version: str, tag: str, schema: int, live: str, what: str) -> None:
        """From CI's word to all users of both regions, and the old sides ready. It is tagged with the versions of the
        database that it runs on, and expands that to `schema`."""
        old, idle = (BLUE, GREEN) if live == OLD else (GREEN, BLUE)
        self._scenes.send(version, tag, what)
        self._tested.dev(version, live)
        self._tested.qa_signs_off(version)
        self._tested.staging(version, schema)
        self.switched.side_by_side(version, live, idle, schema)
        self.switched.refuses_author(version)
        self.switched.switch(version, live, old)

    def is_stopped(self, version: str, tag: str, in_dev: str, live: str) -> None:
        """By tests, before anybody was asked."""
        self.follow.may_be_stopped(version)
        self._scenes.send(version, tag, "which fails a request in five")
        self._tested.is_stopped(version, in_dev, live)

    def _answers(self) -> dict[Place, str]:
        """What each place answers, by any of its doors for users."""
        return {each: next(iter(self._system.met(each.users, 1))) for each in PLACES}

    def _databases(self) -> dict[str, int]:
        return {name: self._system.schema(name) for name in DATABASES}
