"""Where the canaries of a pipeline stand at Front Doors: each at a place of its own.

A request at a shared endpoint meets any of the origins behind it, so that nothing could say whose users are back; and a
latency window that lets weights count spreads the users of a shared group over its regions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.promotion.front_door import KIND, FrontDoor
from slipway.promotion.pipeline.canary import Canary
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.placed import rings_of, stages_in
from slipway.promotion.pipeline.positions import Document, Path
from slipway.promotion.pipeline.router import Origins
from slipway.promotion.pipeline.section import sound


@dataclass(frozen=True)
class Standing:
    """A canary's Front Door, and where it is written."""

    at: Path
    door: FrontDoor

    @property
    def alone_in(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What no other canary may have: each as a key, and in words."""
        door, profile = self.door, self.door.profile.lower()
        yield ("group", profile, door.origin_group.lower()), f"the origin group {quoted(door.origin_group)}"
        yield ("endpoint", door.endpoint.lower()), f"the endpoint {door.endpoint}"
        testers = door.testers
        if testers and testers.origin_group and testers.rule_set:
            group, rules = testers.origin_group, testers.rule_set
            yield ("group", profile, group.lower()), f"the testers' origin group {quoted(group)}"
            whose = *(part.lower() for part in testers.sends[:1]), testers.sends[1]
            yield ("rules", profile, rules.lower(), *whose), f"a rule for {testers.words} in {quoted(rules)}"


def check_places(document: Document) -> None:
    """Report canaries, rings among them, that share an origin group, an endpoint or a rule for testers."""
    first: dict[tuple[str, ...], Path] = {}
    for standing in _standing(document):
        for key, words in standing.alone_in:
            if key in first:
                document.report("DUPLICATE_TARGET", _shared(document, words, first[key], standing.at), standing.at)
                break
            first[key] = standing.at


def _shared(document: Document, words: str, first: Path, at: Path) -> str:
    if first == at:
        return f"{words} is that of both sides, too: testers go to a group of the idle side alone"
    whose = f"that of the canary on line {document.line(first)}"
    return f"{words} is {whose}, too: a request there meets either, and weights would move the users of both"


def _standing(document: Document) -> Iterator[Standing]:
    for path, stage in stages_in(document):
        rollout = stage.get("rollout")
        canary = sound(Canary, rollout.get("canary")) if isinstance(rollout, dict) else None
        if canary is None or canary.router.kind != KIND:
            continue
        own = [
            ((*at, "origins"), sound(Origins, ring["origins"]))
            for at, ring in rings_of(path, stage)
            if "origins" in ring
        ]
        for at, origins in own or [((*path, "rollout", "canary", "router"), None)]:
            if door := canary.router.of_ring(origins).front_door():
                yield Standing(at, door)
