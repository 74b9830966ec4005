"""What the demo of a SaaS product does and claims, scene by scene. Each claim is checked at the moment it is made."""

from slipway.cli.laptop.following import claim
from slipway.cli.laptop.saas.following import Following, Ring
from slipway.cli.laptop.saas.integration import STAGE, Integration
from slipway.cli.laptop.saas.rings import Rings
from slipway.cli.laptop.saas.summary import Day
from slipway.cli.laptop.saas.system import System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import Site, versions
from slipway.cli.laptop.summary import EnvironmentSeen
from slipway.cli.laptop.users import Met
from slipway.cli.laptop.virtual.asking import Asking
from slipway.local.azure.artifacts import FAULTS_IN

OLD = "1.0.0"
HELD, ASKS_ITS_OWN = "east-us", {"contoso": "cora", "fabrikam": "finn"}


class Story:
    """Tells the story on a system that has just started. `rings` in their order, `sites` of all targets."""

    def __init__(self, system: System, screen: Screen, rings: list[Ring], sites: list[Site]) -> None:
        self._system, self._screen, self._ring_list, self._sites = system, screen, rings, sites
        self._began = system.now()

    def tell(self) -> Day:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        screen, rings = self._screen, self._ring_list
        before = self._all_answer(OLD)
        names = {site.target: site for site in self._sites}
        follow = Following(self._system, screen)
        asking = Asking(self._system, follow, screen)
        integration = Integration(follow, screen, asking, rings[0], names[STAGE])
        scenes = Rings(follow, screen, rings, names)
        good, number = integration.two_releases()
        slow, bad = f"1.{number + 1}.0-slower", f"1.{number + 2}.0-eastus"
        follow.may_be_stopped(slow)
        follow.may_be_stopped(bad)

        for ring in rings:
            if ring is rings[0]:
                asking.until_asked(good, ring)
                asking.refused(good, ring, "bob", "IS_AUTHOR", "he wrote this build")
                asking.approves(good, ring, "alice", "the load test looks good")
            if person := ASKS_ITS_OWN.get(ring.name):
                asking.until_asked(good, ring)
                asking.refused(good, ring, "alice", "NOT_AN_APPROVER", f"{ring.name} asks its own people")
                asking.approves(good, ring, person, "we tried it on our data")
            if ring.name == HELD:
                scenes.held_by_the_database(good, ring)
                integration.submit(slow, "40 ms slower than the release before")
                follow.when(lambda: follow.promotion(slow).over, lambda: integration.is_stopped(slow, good))
            scenes.sound(good, ring, OLD)
        follow.until(f"{good} ends", lambda: follow.promotion(good).state == "passed")
        took = (self._system.now() - self._began).total_seconds() / 3600
        screen.shown(f"{good} is with everybody, {took:.1f} virtual hours after the first build")

        since = self._system.now()
        integration.another(bad, "which fails 3 requests in 100, in East US alone")
        asking.until_asked(bad, rings[0])
        asking.approves(bad, rings[0], "alice", "all tests passed")
        scenes.sound(bad, rings[0], good)
        follow.until(f"{bad} ends", lambda: follow.promotion(bad).over)
        harmed = next(ring for ring in rings if ring.name == HELD)
        scenes.harmful(bad, harmed, good)
        scenes.never_met(bad, since, rings[rings.index(harmed) + 1 :])
        scenes.is_rejected(bad, harmed)
        for version in (good, bad):
            follow.audit_holds(version)
        return self._end(scenes, bad, harmed, before)

    def _all_answer(self, version: str) -> dict[Site, str]:
        seen = versions(self._sites)
        told = ", ".join(f"{site.target} {answer}" for site, answer in seen.items())
        claim(set(seen.values()) == {version}, f"not every site answers {version} at first: {told}")
        self._screen.shown(f"the system runs: {len(seen)} web sites in three subscriptions answer {version}")
        return seen

    def _end(self, scenes: Rings, bad: str, harmed: Ring, before: dict[Site, str]) -> Day:
        rate = self._system.laptop.usual_error_rate + FAULTS_IN["eastus"]["East US"]["error_rate"]
        after = versions(self._sites)
        met = {
            ring.name: self._system.met(ring.role, ring.workspace, self._began, self._system.now())
            for ring in self._ring_list
        }
        total = Met()
        for each in met.values():
            total = total.plus(each)
        environments = [
            EnvironmentSeen(site.environment, site.target, site.url, before[site], after[site]) for site in self._sites
        ]
        return Day(
            claims=self._screen.claims,
            environments=environments,
            ramps=scenes.told(),
            users=total,
            rings=met,
            all_at_once=scenes.all_at_once(bad, harmed, rate),
            seconds=self._screen.elapsed_s,
            began=self._began.isoformat(),
            ended=self._system.now().isoformat(),
        )
