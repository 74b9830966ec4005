"""What a demo in virtual time follows: promotions, looked at while it lets time pass."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slipway.cli.api_answers import Promotion, Stage
from slipway.cli.connection import promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.following import DRIVER_LATE, NotShown, claim
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.promotion.ids import promotion_id

MINUTE = 60.0
KNOWN_WITHIN_S = 60.0  # of the machine's time
TRIES = 10  # of a load test that this machine was too busy for
TOO_BUSY = (DRIVER_LATE, "LOAD_TOO_FEW_TO_COMPARE")


class VirtualFollowing:
    """The promotions of a service that are followed, as alice sees them."""

    def __init__(self, service: str, system: VirtualSystem, screen: Screen) -> None:
        self.service, self._system, self._screen = service, system, screen
        self._stopped: set[str] = set()
        self._seen: dict[str, Promotion] = {}
        self._followed: list[str] = []
        self._chores: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    def may_be_stopped(self, version: str) -> None:
        """It may end without having passed."""
        self._stopped.add(version)

    def follow(self, version: str) -> None:
        """From now on, and wait until it is known: for that no time has to pass. Raises NotShown."""
        self._followed.append(version)
        deadline = time.monotonic() + KNOWN_WITHIN_S
        while version not in self._seen:
            self._system.laptop.check()
            self._look(version)
            if time.monotonic() > deadline:
                raise NotShown(f"{version} did not become a promotion within {KNOWN_WITHIN_S:.0f} s")
            time.sleep(0.1)

    def when(self, true: Callable[[], bool], act: Callable[[], None]) -> None:
        """Once it is `true`, `act`, whatever else is being waited for then."""
        self._chores.append((true, act))

    def until(self, what: str, true: Callable[[], bool], hours: float = 6.0, minutes: float = 5.0) -> None:
        """Let time pass, so many minutes at a time, until it is `true`. Raises NotShown after so many `hours`."""
        deadline = self._system.now() + timedelta(hours=hours)
        while not self._is(true):
            if self._system.now() > deadline:
                raise NotShown(f"waited {hours:g} h in vain: {what}")
            self._system.let_pass(minutes * MINUTE)

    def passed(self, version: str, stage: str, minutes: float = 5.0) -> None:
        """Let time pass until the release has passed the stage."""
        self.until(f"{version} passes {stage}", lambda: self.stage(version, stage).state == "passed", minutes=minutes)

    def promotion(self, version: str) -> Promotion:
        """As it was seen last."""
        return self._seen[version]

    def stage(self, version: str, name: str) -> Stage:
        """As it was seen last."""
        return next(stage for stage in self._seen[version].stages if stage.name == name)

    def record(self, version: str) -> dict[str, Any]:
        """Its audit record: `records`, and whether their chain is `intact`."""
        path = promotion_path(promotion_id(self.service, version), "audit")
        answer: dict[str, Any] = self._system.who("alice").get(path)
        return answer

    def audit_holds(self, version: str) -> None:
        """Raises NotShown unless it does."""
        audit = self.record(version)
        claim(audit["intact"] is True, f"the audit chain of {version} is broken")
        self._screen.shown(f"{len(audit['records'])} audit records of {version}, their hash chain intact")

    def looked(self, latest: Promotion) -> None:
        """A promotion was just looked at."""

    def _is(self, true: Callable[[], bool]) -> bool:
        for version in self._followed:
            self._look(version)
        for chore in [chore for chore in self._chores if chore[0]()]:
            self._chores.remove(chore)
            chore[1]()
        return true()

    def _look(self, version: str) -> None:
        try:
            answer = self._system.who("alice").get(promotion_path(promotion_id(self.service, version)))
        except Failure as failure:
            if failure.exit_code == ExitCode.NOT_FOUND and version not in self._seen:
                return  # it is on the queue
            raise
        latest = understood(Promotion, answer)
        if not latest.stages or self._tried_again(latest):
            return
        self._seen[version] = latest
        self._screen.look(latest)
        self.looked(latest)
        sound = version in self._stopped or not latest.over or latest.state == "passed"
        claim(sound, f"{version} ended {latest.state}: {latest.words}")

    def _tried_again(self, latest: Promotion) -> bool:
        """Have a stage tried again whose load test this machine was too busy for."""
        late = [stage for stage in latest.stages if stage.code in TOO_BUSY and stage.attempt < TRIES]
        if not latest.over or not late or not late[0].may_be_retried:
            return bool(latest.over and late)
        stage = late[0]
        said = {"command": "retry", "stage": stage.name, "reason": "the machine was busy"}
        said["id"] = f"again-{latest.version}-{stage.name}-{stage.attempt}"  # said twice, it counts once
        self._system.who("alice").post(promotion_path(latest.id, "commands"), said)
        self._screen.act(f"{latest.version} in {stage.name}: too busy a machine to measure it; alice says retry")
        return True
