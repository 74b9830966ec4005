"""What the demo does and claims, scene by scene. Each claim is checked at the moment it is made."""

import json
import time
from collections.abc import Callable

from slipway.cli.api_answers import Promotion, Stage
from slipway.cli.connection import Api, Place, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.layout import Layout
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import Site, sites_of, versions
from slipway.cli.laptop.summary import End, EnvironmentSeen
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.sign_in import sign_in
from slipway.cli.submit import build_message
from slipway.promotion.ids import promotion_id
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline

SERVICE, OLD, GOOD, BAD = "checkout", "1.0.0", "1.1.0", "1.2.0-errors"
LOOK_EVERY_S = 0.4
PATIENCE_S = 60.0


class NotShown(Failure):
    """Something that the demo claims did not happen."""

    def __init__(self, words: str) -> None:
        super().__init__("DEMO_FAILED", words, ExitCode.REFUSED, status=500)


class Story:
    """Tells the demo's story on a system that has just started."""

    def __init__(self, laptop: Laptop, layout: Layout, screen: Screen) -> None:
        assert laptop.run is not None
        self._laptop, self._run, self._screen = laptop, laptop.run, screen
        self._alice, self._bob = self._signed_in("alice"), self._signed_in("bob")
        text = (layout.root / "pipelines" / f"{SERVICE}.yaml").read_text(encoding="utf-8")
        plan = compile_plan(read_pipeline(text, f"{SERVICE}.yaml"), digest_of(text))
        self._sites = sites_of(plan, laptop.azure["sites"])
        self._seen: dict[str, Promotion] = {}
        self._followed: list[str] = []

    def tell(self) -> End:
        """The whole story. Raises NotShown, ChildDied, Failure as the API does."""
        before = self._all_answer(OLD)
        self._send_over_amqp()
        self._until("1.1.0 leaves test", lambda: self._stage(GOOD, "test").state == "passed")
        self._submit_the_broken_build()
        self._until("production asks for approval", self._production_asks)
        self._screen.shown(f"{GOOD} passed dev, test and staging; production asks a release manager")
        self._kill_the_host()
        self._approve()
        self._until("1.1.0 reaches production", lambda: self._promotion(GOOD).over)
        self._production_answers(before)
        self._until("the broken build is stopped", lambda: self._promotion(BAD).over)
        self._broken_build_was_undone()
        self._audit_holds()
        after = versions(self._sites)
        environments = [
            EnvironmentSeen(site.environment, site.target, site.url, before[site], after[site]) for site in self._sites
        ]
        return End(self._screen.claims, environments, self._screen.elapsed_s)

    def _all_answer(self, version: str) -> dict[Site, str]:
        seen = versions(self._sites)
        _claim(set(seen.values()) == {version}, f"not every site answers {version} at first: {_told(seen)}")
        self._screen.shown(f"the system runs: {len(seen)} web sites in 4 environments answer {version}")
        return seen

    def _send_over_amqp(self) -> None:
        """The plain SDK, as any CI would use it."""
        from azure.servicebus import ServiceBusClient, ServiceBusMessage

        message = ServiceBusMessage(
            json.dumps(build_message(SERVICE, GOOD)), content_type="application/json", message_id=GOOD
        )
        with (
            ServiceBusClient.from_connection_string(self._run.servicebus) as client,
            client.get_queue_sender("builds") as sender,
        ):
            sender.send_messages(message)
        self._screen.act(f"sent to the queue `builds` over AMQP: {SERVICE} {GOOD} is built, by bob")
        self._follow(GOOD)
        self._screen.shown(f"the message became the promotion {promotion_id(SERVICE, GOOD)}")

    def _submit_the_broken_build(self) -> None:
        self._alice.post("/api/builds", build_message(SERVICE, BAD))
        self._screen.act(f"submitted over HTTP: {SERVICE} {BAD}, one request in five fails")
        self._follow(BAD)

    def _production_asks(self) -> bool:
        return self._stage(GOOD, "production").state == "waiting for approval"

    def _kill_the_host(self) -> None:
        asked_since = self._stage(GOOD, "production").since
        pid = self._laptop.kill_host()
        self._screen.act(f"SIGKILL to the Functions host (process {pid}) while both are under way")
        self._laptop.start_host()
        self._screen.act("started it again on the same state")
        self._until("production still asks", self._production_asks)
        same = self._stage(GOOD, "production").since == asked_since
        _claim(same, "production asks again from the start after the host was killed")
        self._screen.shown("nothing was lost: production still asks, since the same moment")

    def _approve(self) -> None:
        path = promotion_path(promotion_id(SERVICE, GOOD), "stages", "production", "approval")
        try:
            self._bob.post(path, {"decision": "approve", "reason": "it is mine"})
        except Failure as refusal:
            _claim(refusal.code == "IS_AUTHOR", f"bob is refused for the wrong reason: {refusal.words}")
            self._screen.shown("bob wrote this build, so his approval is refused")
        else:
            raise NotShown("bob could approve the build that he wrote")
        self._alice.post(path, {"decision": "approve", "reason": "the load test looks good"})
        self._screen.shown("alice approves over HTTP")

    def _production_answers(self, before: dict[Site, str]) -> None:
        production = [site for site in self._sites if site.environment == "production"]
        seen = versions(production)
        _claim(set(seen.values()) == {GOOD}, f"production does not answer {GOOD}: {_told(seen)}")
        was = " and ".join(sorted({before[site] for site in production}))
        self._screen.shown(f"production, {len(production)} sites: answered {was}, answers {GOOD} now")

    def _broken_build_was_undone(self) -> None:
        bad, test = self._promotion(BAD), self._stage(BAD, "test")
        _claim(bad.state == "failed" and test.state == "failed", f"{BAD} ended {bad.state}: {bad.words}")
        self._screen.shown(f"{BAD} is stopped in test: {test.words}")
        further = [stage.name for stage in bad.stages if stage.name in {"staging", "production"} and stage.steps]
        _claim(not further, f"{BAD} was let into {further}")
        serving, idle = versions([site for site in self._sites if site.environment == "test"]), self._idle_test()
        _claim(set(serving.values()) == {GOOD}, f"test does not answer {GOOD}: {_told(serving)}")
        _claim(idle == "answers 403", f"the slot with {BAD} is not stopped: {idle}")
        self._screen.shown(f"it is undone: its slot is stopped, test answers {GOOD}, no later stage saw it")

    def _idle_test(self) -> str:
        """What the slot that held the broken build answers: 403 from a slot that is stopped."""
        slot = Site("test", "staging", self._laptop.azure["sites"]["checkout-test(staging)"])
        return versions([slot])[slot]

    def _audit_holds(self) -> None:
        audit = self._alice.get(promotion_path(promotion_id(SERVICE, GOOD), "audit"))
        _claim(audit["intact"] is True, f"the audit chain of {GOOD} is broken")
        self._screen.shown(f"{len(audit['records'])} audit records of {GOOD}, their hash chain intact")

    def _follow(self, version: str) -> None:
        self._followed.append(promotion_id(SERVICE, version))
        self._until(f"{version} is known", lambda: promotion_id(SERVICE, version) in self._seen)

    def _until(self, what: str, true: Callable[[], bool]) -> None:
        """Look at all that is followed until it is `true`. Raises NotShown when it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self._laptop.check()
            for promotion in self._followed:
                self._look(promotion)
            if true():
                return
            if time.monotonic() > deadline:
                raise NotShown(f"waited {PATIENCE_S:.0f} s in vain: {what}")
            time.sleep(LOOK_EVERY_S)

    def _look(self, promotion: str) -> None:
        try:
            latest = understood(Promotion, self._alice.get(promotion_path(promotion)))
        except Failure as failure:
            if failure.exit_code != ExitCode.NOT_FOUND or promotion in self._seen:
                raise
            return  # its message is still on the queue
        if not latest.stages:
            return  # it was taken in and is about to begin
        self._seen[promotion] = latest
        self._screen.look(latest)
        sound = latest.version == BAD or not latest.over or latest.state == "passed"
        _claim(sound, f"{latest.version} ended {latest.state}: {latest.words}")

    def _promotion(self, version: str) -> Promotion:
        return self._seen[promotion_id(SERVICE, version)]

    def _stage(self, version: str, name: str) -> Stage:
        promotion = self._promotion(version)
        stage = next((stage for stage in promotion.stages if stage.name == name), None)
        if stage is None:
            raise NotShown(f"{promotion.id} has no stage {name}")
        return stage

    def _signed_in(self, person: str) -> Api:
        login = sign_in(person, self._run.url, self._run.issuer, self._run.ca)
        return Api(Place(self._run.url, self._run.ca), login.access_token)


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotShown(otherwise)


def _told(seen: dict[Site, str]) -> str:
    return ", ".join(f"{site.environment} {site.target} {version}" for site, version in seen.items())
