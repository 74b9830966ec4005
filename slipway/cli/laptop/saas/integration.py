"""The scenes in integration: each release is put under load, and compared with the one before it."""

from slipway.cli.api_answers import Step
from slipway.cli.laptop.following import NotShown, claim
from slipway.cli.laptop.saas.following import Following, Ring
from slipway.cli.laptop.saas.system import LOAD, LOAD_HERE, SERVICE
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import Site, versions
from slipway.cli.laptop.virtual.asking import Asking
from slipway.promotion.ids import promotion_id

STAGE, LOADED, UNCOMPARED = "integration", "load everyday", "nothing to compare with"
MOST_RELEASES = 5


class Integration:
    """`first` is the first ring, which asks for a release that has passed here; `site` is integration's own."""

    def __init__(self, follow: Following, screen: Screen, asking: Asking, first: Ring, site: Site) -> None:
        self._follow, self._screen, self._asking, self._first, self._site = follow, screen, asking, first, site

    def two_releases(self) -> tuple[str, int]:
        """One is measured, and one compared with it: its version, and how many there were.

        A machine that was too busy to measure has more of them measured. Raises NotShown after so many."""
        self._send("1.1.0")
        measured = self._measured("1.1.0")
        self._screen.shown(f"1.1.0 passes integration: {measured} (real requests, {LOAD_HERE} instead of {LOAD})")
        for number in range(2, MOST_RELEASES + 1):
            before, version = f"1.{number - 1}.0", f"1.{number}.0"
            self.submit(version, f"contains {before}")
            measured = self._measured(version)
            self._follow.may_be_stopped(before)
            self._asking.until_asked(before, self._first)
            self._asking.rejects(before, self._first, "alice", f"{version} contains it")
            if UNCOMPARED not in measured:
                self._screen.shown(f"{version} passes integration, not worse than the release before: {measured}")
                return version, number
            self._screen.act(f"this machine was too busy to compare {version}: {measured}")
        raise NotShown(f"this machine was too busy to measure {MOST_RELEASES} releases under load")

    def another(self, version: str, what_is_wrong: str) -> None:
        """One that is not worse than what is live, as far as integration can see."""
        self.submit(version, what_is_wrong)
        measured = self._measured(version)
        claim(UNCOMPARED not in measured, f"{version} was compared with nothing: {measured}")
        self._screen.shown(f"{version} passes integration, which is not in East US: {measured}")

    def submit(self, version: str, what: str) -> None:
        self._follow.system.who("alice").post("/api/builds", self._follow.system.build(version))
        self._screen.act(f"submitted over HTTP: {SERVICE} {version}, {what}")
        self._follow.follow(version)

    def is_stopped(self, version: str, live: str) -> None:
        """The release is slower than the one before, and that is all that is wrong with it."""
        end, stage = self._follow.promotion(version), self._follow.stage(version, STAGE)
        right = end.state == "failed" and stage.code == "LOAD_SLOWER_THAN_PREVIOUS"
        claim(right, f"{version} ended {end.state} ({stage.code}): {stage.words}")
        self._screen.shown(f"{version} is stopped in integration: {self._load(version).words}")
        further = [each.name for each in end.stages if each.name != STAGE and each.steps]
        claim(not further, f"{version} was let into {further}")
        answers = versions([self._site])[self._site]
        claim(answers == live, f"integration answers {answers}, not {live}")
        self._screen.shown(f"integration still answers {live}, no ring has begun with {version}, and nobody was asked")

    def _send(self, version: str) -> None:
        self._follow.system.send(version)
        self._screen.act(f"sent to the queue `builds` over AMQP: {SERVICE} {version} is built, by bob")
        self._follow.follow(version)
        self._screen.shown(f"the message became the promotion {promotion_id(SERVICE, version)}")

    def _measured(self, version: str) -> str:
        """What its load test came to, once it has passed."""
        self._follow.passed(version, STAGE)
        load = self._load(version)
        claim(load.state == "passed", f"{version} passed integration, and its load test {load.state}")
        return str(load.words)

    def _load(self, version: str) -> Step:
        steps = [step for step in self._follow.stage(version, STAGE).steps if step.name == LOADED]
        claim(bool(steps), f"{version} left integration without its load test")
        return steps[-1]
