"""The scenes in production: a switch of two regions, kept, contracted for, or taken back."""

from datetime import timedelta
from typing import Any

from slipway.cli.connection import service_path
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.retail.places import DATABASE, PRODUCTION, REGIONS, SWITCH, WEU
from slipway.cli.laptop.retail.scenes import Scenes
from slipway.cli.laptop.retail.system import KEEP, KEEP_HERE, SERVICE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.virtual.asking import Asking
from slipway.cli.laptop.virtual.following import VirtualFollowing
from slipway.cli.times import span

DEADLY = "/die"
OVER, CONTRACTING, CONTRACTED = "watch.over", "watch.contracting", "watch.contracted"


class Switched:
    """`follow` lets time pass half a minute at a time while users are about to move."""

    def __init__(
        self, scenes: Scenes, system: System, follow: VirtualFollowing, screen: Screen, asking: Asking
    ) -> None:
        self._scenes, self._system, self._follow = scenes, system, follow
        self._screen, self._asking = screen, asking

    def side_by_side(self, version: str, live: str, idle: str, schema: int) -> None:
        """The release stands on the `idle` side of both regions, on an expanded database; users have what is live."""
        self._asking.until_asked(version, SWITCH)
        self._scenes.before(version, PRODUCTION, "expand", "deploy")
        at = self._system.schema(DATABASE)
        claim(at == schema, f"production's database is at {at}, not {schema}")
        self._screen.shown(f"production's database is expanded to {at}; {live}, which is live, runs on it, too")
        self._in_parallel(version)
        previews = {each.name: each.preview for each in self._follow.stage(version, PRODUCTION).targets}
        for place in REGIONS:
            self._scenes.side_answers(place, idle, version)
            address = self._system.ends[place.side(idle)]
            shown = previews[place.target]
            claim(shown == address, f"{place.target} shows people {shown}, and {version} answers at {address}")
        told = self._scenes.all_meet(REGIONS, live)
        self._screen.shown(
            f"the previews {' and '.join(previews.values())} answer {version}; users meet {live}: {told}"
        )

    def switch(self, version: str, live: str, old: str) -> None:
        """A release manager says yes, and all users of both regions follow when resolvers have forgotten."""
        self._asking.approves(version, SWITCH, "alice", "the preview looks right")
        since, seen = self._system.now(), dict[str, str]()

        def all_moved() -> bool:
            for place in REGIONS:
                if place.target not in seen and set(self._system.met(place.users)) == {version}:
                    seen[place.target] = span((self._system.now() - since).total_seconds())
            return len(seen) == len(REGIONS) and self._follow.stage(version, PRODUCTION).state == "baking"

        self._follow.until(f"users of both regions meet {version}", all_moved, minutes=0.5)
        told = self._scenes.all_meet(REGIONS, version)
        for place in REGIONS:
            self._scenes.side_answers(place, old, live)
        after = " and ".join(f"{target} within {took}" for target, took in seen.items())
        self._screen.shown(f"users follow, {after}: {told} meet {version}; {live} stays ready on the side {old}")

    def refuses_author(self, version: str) -> None:
        self._asking.refused(version, SWITCH, "bob", "IS_AUTHOR", "although he is a release manager: he wrote it")

    def kept_and_contracted(self, version: str, before: str, old: str, schema: int) -> None:
        """The old side is kept, stopped, and only then is the database contracted."""
        self._follow.passed(version, PRODUCTION)
        expanded = self._system.columns(DATABASE, "orders")
        reach = self._reach()
        claim(reach["how"] == "seconds", f"the way back to {before} takes {reach}")
        self._screen.shown(f"{version} passes production; while {before} is kept the way back takes seconds")
        self._follow.until(
            f"the database is contracted to {schema}",
            lambda: self._system.schema(DATABASE) == schema and CONTRACTED in self._acts(version),
            hours=24,
            minutes=30,
        )
        for place in REGIONS:
            self._scenes.side_answers(place, old, "")
        acts = self._acts(version)  # a watch is over when it has stopped the old sides
        claim(acts.index(OVER) < acts.index(CONTRACTING), f"the record says {acts}")
        gone = set(expanded) - set(self._system.columns(DATABASE, "orders"))
        self._screen.shown(f"the old sides are kept for {KEEP_HERE} ({KEEP} in the pipeline), then stopped")
        lost = ", ".join(sorted(gone))
        self._screen.shown(f"only then is the database contracted to {schema}: of the table orders {lost} is gone")
        reach = self._reach()
        claim(reach["how"] == "none", f"there is a way back to {before}: {reach}")
        self._screen.shown(f"from then on no way back to {before} is offered: {reach['words']}")

    def dies(self, version: str, live: str, schema: int) -> None:
        """Something that only users do takes the release down in one region; both go back."""
        since = self._system.now()
        self._system.users.come_to(WEU, DEADLY)
        met = self._system.met(WEU.users)
        claim(set(met) == {""}, f"{version} still answers in weu: {dict(met)}")
        self._screen.act(f"a customer in weu opens a page that no test knows: {version} is down there")
        self._follow.until(f"{version} ends", lambda: self._follow.promotion(version).over, minutes=0.5)
        end = self._follow.promotion(version)
        claim(end.state == "failed", f"{version} ended {end.state}: {end.words}")
        told = self._scenes.all_meet(REGIONS, live)
        took = span((self._system.now() - since).total_seconds())
        self._screen.shown(f"both regions are switched back within {took}: {told} meet {live}")
        self._screen.shown(f"why: {end.words}")
        there = self._there()
        claim(there["live"]["version"] == live, f"Slipway takes {there['live']['version']} for live")
        at = self._system.schema(DATABASE)
        claim(at == schema, f"production's database is at {at}, not {schema}")
        self._screen.shown(f"the database stays expanded, at {at}: code goes back, a schema never does")

    def _in_parallel(self, version: str) -> None:
        """The deployment of neither region had ended when that of the other began."""
        steps = [each for each in self._follow.stage(version, PRODUCTION).steps if each.name == "deploy"]
        claim(len(steps) == len(REGIONS), f"{len(steps)} deployments of {version}")
        one, other = steps
        claim(None not in (one.started_at, one.ended_at, other.started_at, other.ended_at), "a deployment has no times")
        assert one.started_at and one.ended_at and other.started_at and other.ended_at
        gap = max(one.started_at, other.started_at) - min(one.ended_at, other.ended_at)
        claim(gap < timedelta(), f"one region began {gap} after the other had ended")
        self._screen.shown(f"{' and '.join(each.target for each in steps)} were deployed to side by side")

    def _there(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._system.who("alice").get(service_path(PRODUCTION, SERVICE))
        return answer

    def _reach(self) -> dict[str, str]:
        reach: dict[str, str] = self._there()["reach"]
        return reach

    def _acts(self, version: str) -> list[str]:
        """What the audit record says was done, in its order."""
        return [str(each["action"]) for each in self._follow.record(version)["records"]]
