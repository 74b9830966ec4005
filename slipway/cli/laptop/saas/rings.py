"""The scenes in the rings: users of one region or tenant after the other meet a release, until one ring is bad."""

from datetime import datetime, timedelta

from slipway.cli.connection import service_path
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.ramp_scenes import percents
from slipway.cli.laptop.ramp_seen import SIGMAS, RampSeen
from slipway.cli.laptop.saas.following import RAMPING, Following, Ring, Users
from slipway.cli.laptop.saas.system import SERVICE
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import Site, versions
from slipway.cli.laptop.summary import AllAtOnce, RampTold

SETTLED = timedelta(minutes=1)  # a step's record, its change of the router and its last requests are not one moment
HELD_FOR_MIN = 12.0


class Rings:
    """`sites` of the targets, by their names. A ring is looked at every so many minutes (`every_min`), in which the
    next one must not get through. `ramps` are those that were seen, in their order."""

    def __init__(
        self, follow: Following, screen: Screen, rings: list[Ring], sites: dict[str, Site], every_min: float = 5.0
    ) -> None:
        self._follow, self._screen, self._rings, self._sites = follow, screen, rings, sites
        self._every_min = every_min
        self.ramps: dict[tuple[str, str], RampSeen] = {}

    def sound(self, version: str, ring: Ring, before: str) -> None:
        """The release gets all of the ring's users, and the rings after it have the one `before`."""
        self._follow.passed(version, ring.stage, self._every_min)
        seen = self._seen(version, ring)
        shares = [step.share for step in seen.steps]
        claim(shares[-1] == 1 and shares == sorted(shares), f"{version} ramped {percents(shares)} in {ring.name}")
        self._users_met(version, ring, seen)
        answers = self._answers()
        place = self._rings.index(ring)
        # A ring that ramps by now answers with either.
        later = [each for each in self._rings[place + 1 :] if not self._follow.ramp(version, each).begins]
        for each in (*self._rings[: place + 1], *later):
            due, answer = before if each in later else version, answers[each.target]
            claim(answer == due, f"after {ring.name}, {each.name} answers {answer}, not {due}")
        still = f"; {', '.join(each.name for each in later)} still {before}" if later else ""
        self._screen.shown(f"{ring.name}: {percents(shares)} and watched; it answers {version}{still}")

    def held_by_the_database(self, version: str, ring: Ring) -> None:
        """The account fails over while the ring ramps: the share stays until the writes are back."""
        system = self._follow.system
        self._follow.until(
            f"{version} ramps in {ring.name}",
            lambda: self._follow.stage(version, ring.stage).state == RAMPING and self._share(version, ring) > 0,
            minutes=1,
        )
        system.move_writes("North Europe")
        self._screen.act("the Cosmos DB account fails over: its writes move from West Europe to North Europe")
        self._follow.until("the ring hears of it", lambda: self._held(version, ring), hours=0.5, minutes=1)
        share, since = self._share(version, ring), system.now()
        self._follow.until("time passes", lambda: system.now() >= since + timedelta(minutes=HELD_FOR_MIN), minutes=4)
        stage = self._follow.stage(version, ring.stage)
        kept = self._held(version, ring) and self._share(version, ring) == share
        claim(kept, f"{version} went on in {ring.name} while the writes were elsewhere: {stage.ramp}")
        assert stage.ramp is not None
        words = f"{ring.name} holds its {share:.0%} for {HELD_FOR_MIN:.0f} minutes: {stage.ramp.move_words}"
        self._screen.shown(words)
        system.move_writes("West Europe")
        self._screen.act("the writes move back to West Europe")

    def harmful(self, version: str, ring: Ring, live: str) -> None:
        """The release is taken back in this ring and in those before it; those after it never met it."""
        end, stage = self._follow.promotion(version), self._follow.stage(version, ring.stage)
        right = end.state == "failed" and stage.code == "HARM_PROVEN"
        claim(right, f"{version} ended {end.state} ({stage.code}): {stage.words}")
        seen, place = self._seen(version, ring), self._rings.index(ring)
        claim(seen.share == 0, f"{version} still has {seen.share:.0%} of the traffic of {ring.name}")
        most = max(move.share for move in seen.moves)
        self._screen.shown(f"{ring.name}: {version} is caught at {most:.0%} and taken back: {seen.moves[-1].words}")
        back = [each.name for each in self._rings[:place] if self._state(version, each) == "rolled back"]
        claim(len(back) == place, f"of {place} rings before {ring.name} these went back: {back}")
        answers = self._answers()
        wrong = {each.name: answers[each.target] for each in self._rings if answers[each.target] != live}
        claim(not wrong, f"not every ring answers {live}: {wrong}")
        self._screen.shown(
            f"roll-back-all: {', '.join(back)} went back, too; all {len(self._rings)} rings answer {live}"
        )

    def never_met(self, version: str, since: datetime, rings: list[Ring]) -> None:
        """Counted in the telemetry of each of the rings, a tenant's in its own workspace."""
        told = []
        for ring in rings:
            met = self._follow.system.met(ring.role, ring.workspace, since, self._follow.system.now())
            claim(met.total > 0, f"the telemetry of {ring.name} says nothing")
            answered = met.requests.get(version, 0)
            claim(answered == 0, f"{version} answered {answered} requests of {ring.name}")
            told.append(f"{ring.name} 0 of {met.total:,}")
        self._screen.shown(f"users there never met {version}: {', '.join(told)} requests")

    def is_rejected(self, version: str, ring: Ring) -> None:
        """Production lets it in no more."""
        there = self._follow.system.who("alice").get(service_path(ring.stage, SERVICE))
        rejected = [each["version"] for each in there.get("rejected", [])]
        claim(version in rejected, f"{version} may come back to {ring.name}: rejected are {rejected}")
        self._screen.shown(f"{ring.name} lets {version} in no more until a person lifts that")

    def told(self) -> list[RampTold]:
        """Every move of every ramp."""
        return [
            RampTold(version, move.at.isoformat(), move.share, move.code, f"{ring}: {move.words}")
            for (version, ring), seen in self.ramps.items()
            for move in seen.moves
        ]

    def all_at_once(self, version: str, ring: Ring, error_rate: float) -> AllAtOnce:
        """What would have gone wrong in that ring, had all its requests met the release for as long as it ramped."""
        moves = self.ramps[version, ring.name].moves
        begin, end = moves[0].at, moves[-1].at
        met = Users(self._follow.system, ring).between(begin, end + SETTLED)
        answered, bad = met.requests.get(version, 0), met.bad.get(version, 0)
        return AllAtOnce(version, (end - begin).total_seconds(), met.total, error_rate, answered, bad)

    def _seen(self, version: str, ring: Ring) -> RampSeen:
        self.ramps[version, ring.name] = seen = self._follow.ramp(version, ring)
        return seen

    def _users_met(self, version: str, ring: Ring, seen: RampSeen) -> None:
        """What users met at each share is that share."""
        held = seen.held(version, Users(self._follow.system, ring), SETTLED)
        claim(bool(held), f"no share was there for long enough to be counted in {ring.name}")
        for each in held:
            found = f"{each.answered:,} of {each.requests:,}"
            claim(each.is_true, f"at {each.share:.0%} {version} answered {found} requests in {ring.name}")
        told = ", ".join(f"{each.answered / each.requests:.1%} at {each.share:.0%}" for each in held)
        self._screen.say(f"{ring.name}: of all requests {version} answered {told} (within {SIGMAS:.0f} sigma)")

    def _held(self, version: str, ring: Ring) -> bool:
        ramp = self._follow.stage(version, ring.stage).ramp
        return ramp is not None and ramp.move == "REGION_NOT_READY"

    def _share(self, version: str, ring: Ring) -> float:
        ramp = self._follow.stage(version, ring.stage).ramp
        return ramp.share if ramp else 0.0

    def _state(self, version: str, ring: Ring) -> str:
        return self._follow.stage(version, ring.stage).state

    def _answers(self) -> dict[str, str]:
        """What each target's site answers, by the target's name."""
        found = versions([self._sites[ring.target] for ring in self._rings])
        return {site.target: version for site, version in found.items()}
