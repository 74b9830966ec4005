"""An emergency override: two people let one build past named gates of one stage, for a while. Pure; part of the entity
`decisions`.

A stage has at most one: `id`, `gates`, `reason`, `by` and `at` (who asked for it, and when), `until`; `confirmed_by`
and `confirmed_at` once another person has agreed. It skips gates and nothing else: neither locks nor fences, schema
ranges, health checks or ways back know of it.
"""

from collections.abc import Mapping
from typing import Any

from slipway.promotion.commands import Command, Given, once
from slipway.promotion.decision_state import Answer, State, is_final, stage_of, with_stage
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import moment

OVERRIDDEN = "GATE_OVERRIDDEN"
HOTFIX = "hotfix"  # the id of what a stage lets a hotfix skip: its pipeline asks, and one person confirms it


@once
def override(state: State, given: Given) -> tuple[State, Answer]:
    """Ask for an override, in the place of one that was there. `given`: id, stage, gates, reason, by (oid, name), at,
    until. It counts once another person has confirmed it."""
    name = given["stage"]
    stage = stage_of(state, name)
    if is_final(stage):
        raise Refused("STAGE_OVER", f"stage {name} is over, and asks no gate any more")
    kept = {key: given[key] for key in ("id", "gates", "reason", "by", "at", "until")}
    told = f"{', '.join(kept['gates'])} of stage {name}"
    words = f"to skip {told} until {kept['until']} another person has to confirm: slipway confirm-override"
    return with_stage(state, name, {**stage, "override": kept}), {"id": kept["id"], "words": words}


@once
def confirm_override(state: State, given: Given) -> tuple[State, Answer]:
    """Another person agrees. `given`: id, stage, by (oid, name), at, author_oid (None: nobody knows the author); of a
    hotfix `asked`, what its stage lets it skip by itself."""
    name, by = given["stage"], given["by"]
    stage = stage_of(state, name)
    if is_final(stage):
        raise Refused("STAGE_OVER", f"stage {name} is over, and asks no gate any more")
    asked = stage.get("override")
    if "asked" in given and (asked is None or asked["id"] != given["id"]):
        asked = given["asked"]
    if asked is None or asked["id"] != given["id"]:
        raise Refused("NO_OVERRIDE", f"nobody asks for that override of stage {name} now")
    if asked.get("confirmed_by"):
        raise Refused("ALREADY_CONFIRMED", f"{asked['confirmed_by']['name']} has confirmed it")
    if moment(given["at"]) >= moment(asked["until"]):
        raise Refused("OVERRIDE_EXPIRED", f"it was asked for until {asked['until']}")
    if asked["by"]["oid"] == by["oid"]:
        raise Forbidden("SAME_PERSON", f"{by['name']} has asked for it; somebody else must confirm it")
    if given["author_oid"] is None:
        raise Forbidden(
            "AUTHOR_UNKNOWN", "nobody knows who wrote the build, so nobody can be told apart from the author"
        )
    if given["author_oid"] == by["oid"]:
        raise Forbidden("IS_AUTHOR", f"{by['name']} wrote this build; somebody else must confirm its override")
    confirmed = {**asked, "confirmed_by": by, "confirmed_at": given["at"]}
    words = f"{in_words(confirmed)}; it skips {', '.join(asked['gates'])} until {asked['until']}"
    return with_stage(state, name, {**stage, "override": confirmed}), {"id": asked["id"], "words": words}


def skips(stage: Mapping[str, Any], at: str) -> dict[str, dict[str, Any]]:
    """The gates that a confirmed override skips at that moment, each with what it says of it."""
    said = stage.get("override")
    if not said or not said.get("confirmed_by") or not at or moment(at) >= moment(said["until"]):
        return {}
    return {gate: {"id": said["id"], "words": in_words(said)} for gate in said["gates"]}


def in_words(said: Mapping[str, Any]) -> str:
    """`skipped by Alice and Bob: the till is down`."""
    people = [said["by"]["name"], *([said["confirmed_by"]["name"]] if said.get("confirmed_by") else [])]
    return f"skipped by {' and '.join(people)}: {said['reason']}"


def overridden(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The gates of a stage that it skipped, each with whose word that was."""
    return {name: answer["words"] for name, answer in answers.items() if answer.get("code") == OVERRIDDEN}


def shown(stage: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As people see it; None where nobody has asked for one."""
    said = (stage or {}).get("override")
    if not said:
        return None
    confirmed = said.get("confirmed_by") or {}
    told = {key: said[key] for key in ("id", "gates", "reason", "at", "until")}
    people = {"by": said["by"]["name"], "confirmed_by": confirmed.get("name", "")}
    return {**told, **people, "confirmed_at": said.get("confirmed_at", "")}


OVERRIDES: dict[str, Command] = {"override": override, "confirm_override": confirm_override}
