"""What the demo follows: its promotions and their ramps, looked at again and again until something is true."""

import time
from collections.abc import Callable

from slipway.cli.api_answers import Promotion, Stage
from slipway.cli.connection import Api, Place, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.ramp_seen import RampSeen, ramp_seen
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import SERVICE
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Users
from slipway.cli.sign_in import sign_in
from slipway.promotion.ids import promotion_id

OLD, GOOD, BAD, SUBTLE = "1.0.0", "1.1.0", "1.2.0-errors", "1.3.0-subtle"
RAMPING = "ramping"
LOOK_EVERY_S = 0.4
READ_RAMP_EVERY_S = 1.0
PATIENCE_S = 120.0
TRIES = 6
DRIVER_LATE = "LOAD_DRIVER_LATE"  # this machine was too busy to measure: no word on the release


class NotShown(Failure):
    """Something that the demo claims did not happen."""

    def __init__(self, words: str) -> None:
        super().__init__("DEMO_FAILED", words, ExitCode.REFUSED, status=500)


def claim(holds: bool, otherwise: str) -> None:
    """Raises NotShown unless it `holds`."""
    if not holds:
        raise NotShown(otherwise)


class Following:
    """The promotions that are followed, as `alice` sees them; `bob` is the author of their builds."""

    def __init__(self, laptop: Laptop, screen: Screen, users: Users) -> None:
        assert laptop.run is not None
        self._laptop, self._run, self._screen, self._users = laptop, laptop.run, screen, users
        self.alice, self.bob = self._signed_in("alice"), self._signed_in("bob")
        self._followed: list[str] = []
        self._seen: dict[str, Promotion] = {}
        self._ramps: dict[str, RampSeen] = {}
        self._ramps_read_at: dict[str, float] = {}
        self._said: set[str] = set()
        self._chores: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    def follow(self, version: str) -> None:
        """From now on, and wait until it is known. Raises NotShown."""
        self._followed.append(promotion_id(SERVICE, version))
        self.until(f"{version} is known", lambda: promotion_id(SERVICE, version) in self._seen)

    def when(self, true: Callable[[], bool], act: Callable[[], None]) -> None:
        """Once it is `true`, `act`, whatever else is being waited for then."""
        self._chores.append((true, act))

    def until(self, what: str, true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Look at all that is followed until it is `true`. Raises NotShown when it takes too long."""
        deadline = time.monotonic() + within_s
        while True:
            self._laptop.check()
            self._users.check()
            if self._users.slow_down():
                self._screen.act(
                    f"this machine is too busy for so many: {self._users.per_second} requests a second now"
                )
            for promotion in self._followed:
                self._look(promotion)
            self._screen.users(self._users.met)
            if true():
                return
            self._do_chores()
            if time.monotonic() > deadline:
                raise NotShown(f"waited {within_s:.0f} s in vain: {what}")
            time.sleep(LOOK_EVERY_S)

    def knows(self, version: str) -> bool:
        """Whether its promotion was seen."""
        return promotion_id(SERVICE, version) in self._seen

    def promotion(self, version: str) -> Promotion:
        """As it was seen last."""
        return self._seen[promotion_id(SERVICE, version)]

    def stage(self, version: str, name: str) -> Stage:
        """As it was seen last. Raises NotShown when there is none of that name."""
        promotion = self.promotion(version)
        stage = next((stage for stage in promotion.stages if stage.name == name), None)
        if stage is None:
            raise NotShown(f"{promotion.id} has no stage {name}")
        return stage

    def ramp(self, version: str) -> RampSeen:
        """Its ramp as it was seen last; one without moves, if none was."""
        return self._ramps.get(promotion_id(SERVICE, version), RampSeen())

    def read_ramp(self, version: str) -> RampSeen:
        """Its ramp as it is now."""
        promotion = promotion_id(SERVICE, version)
        document = self.alice.get(promotion_path(promotion))
        shown = next((stage["ramp"] for stage in document["stages"] if stage.get("ramp")), None)
        records = self.alice.get(promotion_path(promotion, "audit"))["records"]
        self._ramps[promotion] = seen = ramp_seen(records, shown)
        self._screen.ramp(version, seen, self._users.met)
        return seen

    def _do_chores(self) -> None:
        due = [chore for chore in self._chores if chore[0]()]
        for chore in due:
            self._chores.remove(chore)
            chore[1]()

    def _look(self, promotion: str) -> None:
        try:
            latest = understood(Promotion, self.alice.get(promotion_path(promotion)))
        except Failure as failure:
            on_the_queue = failure.exit_code == ExitCode.NOT_FOUND and promotion not in self._seen
            if not on_the_queue and failure.exit_code != ExitCode.NOT_REACHABLE:
                raise
            return  # or the host is too busy to answer: whether it lives is looked at elsewhere
        if not latest.stages or self._tried_again(latest):
            return  # it was taken in, or is told to try again, and is about to begin
        was_ramping = promotion in self._seen and _ramps(self._seen[promotion])
        self._seen[promotion] = latest
        self._screen.look(latest)
        due = time.monotonic() - self._ramps_read_at.get(promotion, 0.0) >= READ_RAMP_EVERY_S
        if due if _ramps(latest) else was_ramping:
            self._ramps_read_at[promotion] = time.monotonic()
            self.read_ramp(latest.version)
        sound = latest.version in (BAD, SUBTLE) or not latest.over or latest.state == "passed"
        claim(sound, f"{latest.version} ended {latest.state}: {latest.words}")

    def _tried_again(self, latest: Promotion) -> bool:
        """Have a stage tried again whose load test this machine was too busy for."""
        late = [stage for stage in latest.stages if stage.code == DRIVER_LATE and stage.attempt < TRIES]
        if not latest.over or not late:
            return False
        stage = late[0]
        said = {"command": "retry", "stage": stage.name, "reason": "the machine was busy"}
        said["id"] = f"again-{latest.version}-{stage.name}-{stage.attempt}"  # said twice, it counts once
        if stage.may_be_retried and said["id"] not in self._said:
            self._said.add(said["id"])
            self.alice.post(promotion_path(latest.id, "commands"), said)
            self._screen.act(f"{latest.version} in {stage.name}: too busy a machine to measure it; alice says retry")
        return True

    def _signed_in(self, person: str) -> Api:
        login = sign_in(person, self._run.url, self._run.issuer, self._run.ca)
        return Api(Place(self._run.url, self._run.ca), login.access_token)


def _ramps(promotion: Promotion) -> bool:
    return any(stage.state == RAMPING for stage in promotion.stages)
