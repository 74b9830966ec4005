"""What the demo does and claims, scene by scene. Each claim is checked at the moment it is made."""

import json

from slipway.cli.connection import promotion_path
from slipway.cli.failure import Failure
from slipway.cli.laptop.following import BAD, GOOD, OLD, SUBTLE, Following, NotShown, claim
from slipway.cli.laptop.ramp_scenes import RampScenes
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import PRODUCTION, SERVICE, Site, versions
from slipway.cli.laptop.summary import End, EnvironmentSeen
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Users
from slipway.cli.submit import build_message
from slipway.promotion.ids import promotion_id


class Story:
    """Tells the demo's story on a system that has just started, with `users` in production. `kill`: the host is
    killed in the middle of both ramps too."""

    def __init__(self, laptop: Laptop, sites: list[Site], screen: Screen, users: Users, kill: bool) -> None:
        self._laptop, self._sites, self._screen, self._users = laptop, sites, screen, users
        self._follow = Following(laptop, screen, users)
        self._ramps = RampScenes(laptop, screen, users, self._follow, kill)

    def tell(self) -> End:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        before = self._all_answer(OLD)
        self._screen.act(f"users: {self._users.per_second} requests a second to production, from now on")
        self._send_over_amqp()
        self._follow.until("1.1.0 leaves test", lambda: self._follow.stage(GOOD, "test").state == "passed")
        self._submit(BAD, "one request in five fails")
        self._follow.when(lambda: self._follow.promotion(BAD).over, self._broken_build_was_undone)
        self._follow.until("production asks for approval", lambda: self._production_asks(GOOD))
        self._screen.shown(f"{GOOD} passed dev, test and staging; production asks a release manager")
        self._kill_the_host()
        self._approve()
        self._ramps.sound(GOOD)
        self._production_answers(before)
        self._follow.until("the broken build is stopped", lambda: self._follow.knows(SUBTLE))
        self._ramps.harmful(SUBTLE)
        self._audit_holds()
        after = versions(self._sites)
        environments = [
            EnvironmentSeen(site.environment, site.target, site.url, before[site], after[site]) for site in self._sites
        ]
        met = self._users.stop()
        ramps, instead = self._ramps.told(), self._ramps.all_at_once(SUBTLE)
        return End(
            claims=self._screen.claims,
            environments=environments,
            ramps=ramps,
            users=met,
            all_at_once=instead,
            seconds=self._screen.elapsed_s,
        )

    def _all_answer(self, version: str) -> dict[Site, str]:
        seen = versions(self._sites)
        claim(set(seen.values()) == {version}, f"not every site answers {version} at first: {_told(seen)}")
        self._screen.shown(f"the system runs: {len(seen)} web sites in 4 environments answer {version}")
        return seen

    def _send_over_amqp(self) -> None:
        """The plain SDK, as any CI would use it."""
        from azure.servicebus import ServiceBusClient, ServiceBusMessage

        assert self._laptop.run is not None
        message = ServiceBusMessage(
            json.dumps(build_message(SERVICE, GOOD)), content_type="application/json", message_id=GOOD
        )
        with (
            ServiceBusClient.from_connection_string(self._laptop.run.servicebus) as client,
            client.get_queue_sender("builds") as sender,
        ):
            sender.send_messages(message)
        self._screen.act(f"sent to the queue `builds` over AMQP: {SERVICE} {GOOD} is built, by bob")
        self._follow.follow(GOOD)
        self._screen.shown(f"the message became the promotion {promotion_id(SERVICE, GOOD)}")

    def _submit(self, version: str, what_is_wrong: str) -> None:
        self._follow.alice.post("/api/builds", build_message(SERVICE, version))
        self._screen.act(f"submitted over HTTP: {SERVICE} {version}, {what_is_wrong}")
        self._follow.follow(version)

    def _production_asks(self, version: str) -> bool:
        stage = self._follow.stage(version, PRODUCTION)
        return stage.state == "waiting for approval" and not (stage.approval and stage.approval.decision)

    def _kill_the_host(self) -> None:
        asked_since = self._follow.stage(GOOD, PRODUCTION).since
        pid = self._laptop.kill_host()
        self._screen.act(f"SIGKILL to the Functions host (process {pid}) while both are under way")
        self._laptop.start_host()
        self._screen.act("started it again on the same state")
        self._follow.until("production still asks", lambda: self._production_asks(GOOD))
        same = self._follow.stage(GOOD, PRODUCTION).since == asked_since
        claim(same, "production asks again from the start after the host was killed")
        self._screen.shown("nothing was lost: production still asks, since the same moment")

    def _approve(self) -> None:
        path = promotion_path(promotion_id(SERVICE, GOOD), "stages", PRODUCTION, "approval")
        try:
            self._follow.bob.post(path, {"decision": "approve", "reason": "it is mine"})
        except Failure as refusal:
            claim(refusal.code == "IS_AUTHOR", f"bob is refused for the wrong reason: {refusal.words}")
            self._screen.shown("bob wrote this build, so his approval is refused")
        else:
            raise NotShown("bob could approve the build that he wrote")
        self._follow.alice.post(path, {"decision": "approve", "reason": "the load test looks good"})
        self._screen.shown("alice approves over HTTP")

    def _broken_build_was_undone(self) -> None:
        """Then comes the next build, whose fault is too small for any load test."""
        bad, test = self._follow.promotion(BAD), self._follow.stage(BAD, "test")
        claim(bad.state == "failed" and test.state == "failed", f"{BAD} ended {bad.state}: {bad.words}")
        self._screen.shown(f"{BAD} is stopped in test: {test.words}")
        further = [stage.name for stage in bad.stages if stage.name in {"staging", PRODUCTION} and stage.steps]
        claim(not further, f"{BAD} was let into {further}")
        serving, idle = versions([site for site in self._sites if site.environment == "test"]), self._idle_test()
        claim(set(serving.values()) == {GOOD}, f"test does not answer {GOOD}: {_told(serving)}")
        claim(idle == "answers 403", f"the slot with {BAD} is not stopped: {idle}")
        self._screen.shown(f"it is undone: its slot is stopped, test answers {GOOD}, no later stage saw it")
        self._submit(SUBTLE, "9 requests in 1,000 fail where 3 are usual")
        self._follow.when(lambda: self._production_asks(SUBTLE), self._approve_the_subtle_build)

    def _approve_the_subtle_build(self) -> None:
        path = promotion_path(promotion_id(SERVICE, SUBTLE), "stages", PRODUCTION, "approval")
        self._follow.alice.post(path, {"decision": "approve", "reason": "all tests passed"})
        self._screen.shown(f"{SUBTLE} passed dev, test and staging: no test sees its fault, and alice approves it")

    def _idle_test(self) -> str:
        """What the slot that held the broken build answers: 403 from a slot that is stopped."""
        slot = Site("test", "staging", self._laptop.azure["sites"]["checkout-test(staging)"])
        return versions([slot])[slot]

    def _production_answers(self, before: dict[Site, str]) -> None:
        production = [site for site in self._sites if site.environment == PRODUCTION]
        was = " and ".join(sorted({before[site] for site in production}))
        seen = versions(production)
        claim(set(seen.values()) == {GOOD}, f"production does not answer {GOOD}: {_told(seen)}")
        self._screen.shown(f"production, {len(production)} sites: answered {was}, answers {GOOD} now")

    def _audit_holds(self) -> None:
        for version in (GOOD, SUBTLE):
            audit = self._follow.alice.get(promotion_path(promotion_id(SERVICE, version), "audit"))
            claim(audit["intact"] is True, f"the audit chain of {version} is broken")
            self._screen.shown(f"{len(audit['records'])} audit records of {version}, their hash chain intact")


def _told(seen: dict[Site, str]) -> str:
    return ", ".join(f"{site.environment} {site.target} {version}" for site, version in seen.items())
