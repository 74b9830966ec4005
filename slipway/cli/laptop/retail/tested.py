"""The scenes before production: dev after CI, staging when QA says so."""

from slipway.cli.laptop.following import claim
from slipway.cli.laptop.retail.places import DEV, QA, REGIONS, STAGING, STAGING_DATABASE, TESTS
from slipway.cli.laptop.retail.scenes import Scenes
from slipway.cli.laptop.retail.system import System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.asking import Asking
from slipway.cli.laptop.virtual.following import VirtualFollowing

INTEGRATION, UAT, LOADED = "tests integration", "tests uat", "load flash-sale"


class Tested:
    def __init__(self, scenes: Scenes, system: System, follow: VirtualFollowing, screen: Screen) -> None:
        self._scenes, self._system, self._follow, self._screen = scenes, system, follow, screen
        self.asking = Asking(system, follow, screen)

    def dev(self, version: str, live: str) -> None:
        """The release passes dev, where nobody is asked; nobody else has it then."""
        self.asking.until_asked(version, QA)
        self._scenes.step(version, DEV, INTEGRATION)
        claim(self._follow.stage(version, DEV).state == "passed", f"{version} has not passed dev")
        self._scenes.all_meet(TESTS[:1], version)
        self._scenes.all_meet((*TESTS[1:], *REGIONS), live)
        self._screen.shown(f"dev answers {version}, whose integration tests ran as a job; staging, still {live}, asks")

    def qa_signs_off(self, version: str) -> None:
        """One of QA's people, and nobody else."""
        self.asking.until_asked(version, QA)
        self.asking.refused(version, QA, "dave", "NOT_AN_APPROVER", "he is an operator, not QA")
        self.asking.approves(version, QA, "carol", "we have a tester free")

    def staging(self, version: str, schema: int) -> None:
        """The release passes staging, whose database is expanded to `schema` before anything is deployed."""
        before = self._system.schema(STAGING_DATABASE)
        self._follow.passed(version, STAGING)
        after = self._system.schema(STAGING_DATABASE)
        claim(after == schema, f"staging's database is at {after}, not {schema}")
        self._scenes.before(version, STAGING, "expand", "deploy")
        self._screen.shown(f"staging's database goes from {before} to {after}, then {version} is deployed there")
        load, tests = self._scenes.step(version, STAGING, LOADED), self._scenes.step(version, STAGING, UAT)
        claim(bool(tests.operation), f"the tests of {version} are no job")
        self._screen.shown(f"{version} passes staging: {load.words}; and UAT, a job of the team's own image")
        self._scenes.all_meet(TESTS, version)

    def is_stopped(self, version: str, in_dev: str, live: str) -> None:
        """By its integration tests, before anybody was asked."""
        self._follow.until(f"{version} ends", lambda: self._follow.promotion(version).over, minutes=1)
        end, stage = self._follow.promotion(version), self._follow.stage(version, DEV)
        right = end.state == "failed" and stage.code == "TESTS_FAILED"
        claim(right, f"{version} ended {end.state} ({stage.code}): {stage.words}")
        log = next(each.log for each in stage.steps if each.name == INTEGRATION).strip().splitlines()
        claim(bool(log), f"nobody can read why the tests of {version} failed")
        self._screen.shown(f"{version} is stopped in dev: {stage.words}; its log ends “{log[-1]}”")
        further = [each.name for each in end.stages if each.name != DEV and each.steps]
        claim(not further, f"{version} was let into {further}")
        self._scenes.all_meet(TESTS[:1], in_dev)
        told = self._scenes.all_meet(REGIONS, live)
        self._screen.shown(f"nobody was asked, dev still answers {in_dev}, users {live}: {told}")
