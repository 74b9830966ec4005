"""The scenes in production: users meet a release a little at a time, a good one wholly, a harmful one no more."""

from datetime import UTC, datetime, timedelta

from slipway.cli.connection import service_path
from slipway.cli.laptop.following import GOOD, RAMPING, Following, NotShown, claim
from slipway.cli.laptop.ramp_seen import IN_EFFECT_AFTER, SIGMAS, RampSeen
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import PRODUCTION, SERVICE
from slipway.cli.laptop.summary import AllAtOnce, RampTold
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Users
from slipway.local.azure.artifacts import faults_of

RAMP_WITHIN_S = 240.0
KILL_FROM = 0.25  # a ramp's middle: it has gone on at least once
FEWEST_AFTERWARDS = 500


class RampScenes:
    """Both ramps. `kill`: the Functions host is killed in the middle of each."""

    def __init__(self, laptop: Laptop, screen: Screen, users: Users, follow: Following, kill: bool) -> None:
        self._laptop, self._screen, self._users, self._follow, self._kill = laptop, screen, users, follow, kill
        self._ended: dict[str, datetime] = {}

    def sound(self, version: str) -> None:
        """It gets all the traffic, step by step."""
        self._begin(version)
        if self._kill:
            self._killed_at(version, KILL_FROM)
        self._until_over(version)
        seen = self._follow.read_ramp(version)
        shares = [step.share for step in seen.steps]
        claim(shares[0] < 0.5 and shares[-1] == 1 and shares == sorted(shares), f"{version} ramped {percents(shares)}")
        self._screen.shown(f"{version} ramped {percents(shares)} of the users' requests, judged every 2 s")
        self._users_met(version, seen)

    def harmful(self, version: str) -> None:
        """It is taken back, and nobody meets it any more."""
        self._begin(version)
        if self._kill:
            self._killed_at(version, 0.0)
        self._until_over(version)
        end, stage = self._follow.promotion(version), self._follow.stage(version, PRODUCTION)
        if end.state == "passed":
            raise NotShown(f"the judge let {version} pass: so small a harm escapes it in about one ramp of a hundred")
        claim(stage.code == "HARM_PROVEN", f"{version} ended {end.state} ({stage.code}): {stage.words}")
        seen = self._follow.read_ramp(version)
        claim(seen.share == 0, f"{version} still has {seen.share:.0%} of the traffic")
        self._screen.shown(f"{version} is caught at {self._most(seen):.0%} and taken back: {seen.moves[-1].words}")
        self._users_met(version, seen)
        self._nobody_meets(version)
        there = self._follow.alice.get(service_path(PRODUCTION, SERVICE))
        rejected = [each["version"] for each in there.get("rejected", [])]
        claim(version in rejected, f"{version} may come back to production: rejected are {rejected}")
        self._screen.shown(f"production lets {version} in no more until a person lifts that")

    def told(self) -> list[RampTold]:
        """Every move of both ramps."""
        return [
            RampTold(version, move.at.isoformat(), move.share, move.code, move.words)
            for version in self._ended
            for move in self._follow.ramp(version).moves
        ]

    def all_at_once(self, version: str) -> AllAtOnce:
        """What would have gone wrong, had all requests met the release for as long as its ramp took."""
        seen = self._follow.ramp(version)
        begin, end = seen.moves[0].at, seen.moves[-1].at
        met = self._users.between(begin, end + IN_EFFECT_AFTER)
        rate = self._laptop.usual_error_rate + float(faults_of(version)["error_rate"])
        answered, bad = met.requests.get(version, 0), met.bad.get(version, 0)
        return AllAtOnce(version, (end - begin).total_seconds(), met.total, rate, answered, bad)

    def _begin(self, version: str) -> None:
        self._follow.until(
            f"{version} gets its first share of the traffic",
            lambda: self._follow.ramp(version).share > 0 or self._follow.promotion(version).over,
            RAMP_WITHIN_S,
        )

    def _until_over(self, version: str) -> None:
        self._follow.until(f"the ramp of {version} ends", lambda: self._follow.promotion(version).over, RAMP_WITHIN_S)
        self._ended[version] = datetime.now(UTC)

    def _killed_at(self, version: str, share: float) -> None:
        """SIGKILL to the host from `share` on; users must not notice, and the ramp goes on from there."""
        self._follow.until(
            f"{version} has {share:.0%}",
            lambda: self._follow.ramp(version).share >= share or not self._ramps(version),
            RAMP_WITHIN_S,
        )
        claim(self._ramps(version), f"the ramp of {version} was over before the host could be killed in it")
        before, killed_at = self._follow.read_ramp(version), datetime.now(UTC)
        pid = self._laptop.kill_host()
        self._screen.act(f"SIGKILL to the Functions host (process {pid}) while {version} has {before.share:.0%}")
        self._laptop.start_host()
        back_at = datetime.now(UTC)
        self._screen.act("started it again on the same state")
        after, met = self._follow.read_ramp(version), self._users.between(killed_at, back_at)
        claim(after.begins == 1, f"the ramp of {version} began {after.begins} times")
        kept = after.moves[: len(before.moves)] == before.moves
        claim(kept, f"the ramp of {version} tells another story after the host was killed")
        words = f"{met.total:,} requests while it was away, {met.share(version):.0%} of them to {version}"
        self._screen.shown(f"the ramp goes on from {before.share:.0%}; {words}")

    def _users_met(self, version: str, seen: RampSeen) -> None:
        """What users met at each share is that share."""
        held = seen.held(version, self._users)
        for each in held:
            found = f"{each.answered:,} of {each.requests:,}"
            claim(each.is_true, f"at {each.share:.0%} {version} answered {found} requests")
        if held:
            told = ", ".join(f"{each.answered / each.requests:.1%} at {each.share:.0%}" for each in held)
            self._screen.shown(
                f"users met {version} so often: {told} (counted by the users, within {SIGMAS:.0f} sigma)"
            )

    def _nobody_meets(self, version: str) -> None:
        since = self._ended[version] + IN_EFFECT_AFTER
        self._follow.until(
            "requests after the way back",
            lambda: self._users.between(since, datetime.now(UTC)).total >= FEWEST_AFTERWARDS,
        )
        met = self._users.between(since + timedelta(seconds=0.5), datetime.now(UTC))
        answered = met.requests.get(version, 0)
        claim(answered == 0, f"{version} answered {answered} of {met.total} requests after it was taken back")
        self._screen.shown(f"nobody meets {version} now: 0 of the next {met.total:,} requests, {GOOD} answered them")

    def _ramps(self, version: str) -> bool:
        return self._follow.stage(version, PRODUCTION).state == RAMPING

    @staticmethod
    def _most(seen: RampSeen) -> float:
        return max(move.share for move in seen.moves)


def percents(shares: list[float]) -> str:
    """`5% → 25% → 100%`."""
    return " → ".join(f"{share:.0%}" for share in shares)
