"""What all scenes of the shop look at: steps of a stage, and who answers at which door."""

from collections.abc import Iterable

from slipway.cli.api_answers import Step
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.retail.places import Place
from slipway.cli.laptop.retail.system import SERVICE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.promotion.ids import promotion_id


class Scenes:
    """What is claimed was seen at that moment, or NotShown is raised."""

    def __init__(self, system: System, follow: VirtualFollowing, screen: Screen) -> None:
        self._system, self._follow, self._screen = system, follow, screen

    def send(self, version: str, schema: str, what: str) -> None:
        """CI says that the build is done."""
        self._system.send(version, schema)
        self._screen.act(f"onto the queue `builds`: Azure DevOps says that storefront-ci has built {version}, {what}")
        self._follow.follow(version)
        self._screen.shown(f"CI's own event became the promotion {promotion_id(SERVICE, version)}; dev begins unasked")

    def step(self, version: str, stage: str, name: str) -> Step:
        """A step that has passed there."""
        steps = [each for each in self._follow.stage(version, stage).steps if each.name == name]
        claim(bool(steps), f"{version} has no step {name} in {stage}")
        claim(steps[-1].state == "passed", f"{name} of {version} in {stage} {steps[-1].state}: {steps[-1].words}")
        return steps[-1]

    def before(self, version: str, stage: str, first: str, then: str) -> None:
        """One step of the stage had ended when another began."""
        earlier, later = self.step(version, stage, first), self.step(version, stage, then)
        right = earlier.ended_at and later.started_at and earlier.ended_at <= later.started_at
        claim(bool(right), f"{then} began at {later.started_at}, {first} of {version} ended at {earlier.ended_at}")

    def all_meet(self, places: Iterable[Place], version: str) -> str:
        """Everybody who comes by the doors of these places meets this version: how many did, in words."""
        seen = {each.target: self._system.met(each.users) for each in places}
        for target, met in seen.items():
            claim(set(met) == {version}, f"users of {target} meet {dict(met)}, not {version} alone")
        return ", ".join(f"{met.total()} of {met.total()} in {target}" for target, met in seen.items())

    def side_answers(self, place: Place, colour: str, version: str) -> None:
        """A side answers so at its own address; "" is nobody."""
        met = self._system.met(place.side(colour), 3)
        due = version or "nobody"
        claim(set(met) == {version}, f"the {colour} side of {place.target} answers {dict(met)}, not {due}")
