"""Approvals as a promotion's decisions keep them: opened with what they are sealed to, voted on, escalated, closed.

Pure; part of the entity `decisions`. What is opened anew (another attempt, the switch, content that changed) has new
votes; of the earlier ones it is known who approved, and what they saw.
"""

from datetime import timedelta
from typing import Any

from slipway.promotion.approval import (
    APPROVE,
    EXPIRED,
    START,
    SWITCH,
    TAKE_BACK,
    Asked,
    Person,
    Vote,
    admitted,
    is_late,
)
from slipway.promotion.commands import Command, Given, once
from slipway.promotion.decision_state import Answer, State, stage_of, with_stage
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plan import load_policy
from slipway.promotion.quorum import filled, in_words
from slipway.promotion.seal import Seal, changed

KEPT_SEALS = 5
Stage = dict[str, Any]


def opened(stage: Stage, given: Given) -> Stage:
    """The stage that asks for an approval with a `policy` until a `deadline`, by the orchestration `waiter`. `seal` is
    what people approve; `gate` and `asks_twice` say which approval it is, of a stage that may ask twice."""
    asked = {"asked": given["waiter"], "policy": given["policy"], "deadline": given["deadline"]}
    gate = given.get("gate", START)
    if gate != START or "gate" in stage:
        asked |= {"gate": gate, "asks_twice": given.get("asks_twice", False)}
    if given.get("seal"):
        asked |= {"seal": given["seal"], "seals": [*stage.get("seals", ()), given["seal"]][-KEPT_SEALS:]}
    if gate != stage.get("gate", START) and _yes(stage):  # its start was approved; now its switch is asked for
        asked["approved_by"] = sorted({person["oid"] for vote in _yes(stage) for person in _people(vote)})
    kept = {key: value for key, value in stage.items() if key != "escalated_at"}
    return {**kept, **asked, "votes": [], "decision": None}


def standing(stage: Stage) -> Answer:
    """How the approval stands, for whoever waits for it."""
    told = {
        "do": "end" if stage["decision"] else "wait",
        "decision": stage["decision"],
        "deadline": stage["deadline"],
        "votes": stage["votes"],
    }
    return {**told, **{key: stage[key] for key in ("seal", "escalated_at") if stage.get(key)}}


def closed(stage: Stage, decision: str) -> Stage:
    """The stage with its open approval at its end; one that can still escalate does that instead of expiring."""
    escalated = _escalated(stage) if decision == EXPIRED else stage
    return {**stage, "decision": decision} if escalated is stage else escalated


def standing_at(stage: Stage, at: str) -> Stage:
    """The stage as its approval stands at that moment: with the others joined, if its first deadline has passed."""
    return _escalated(stage) if is_late(moment(at), moment(stage["deadline"])) else stage


def asked_of(stage: Stage, state: State | None = None) -> Asked:
    """The approval of a stage; with the whole `state`, who must not approve it for what they said elsewhere."""
    policy = load_policy(stage["policy"])
    return Asked(
        policy=policy,
        deadline=moment(stage["deadline"]),
        votes=tuple(Vote.load(vote) for vote in stage["votes"]),
        joined=bool(stage.get("escalated_at")),
        barred=[(name, _barred(state, stage, name)) for name in policy.not_approvers_of] if state else (),
    )


def slots_of(stage: Stage) -> list[dict[str, Any]]:
    """Each slot of the approval: `of` which claims, and who fills it (empty while it is open)."""
    asked = asked_of(stage)
    yes = [vote for vote in asked.votes if vote.decision == APPROVE]
    by = filled(asked.slots, [vote.holder for vote in yes])
    return [
        {"of": list(slot), "by": yes[by[number]].called if number in by else ""}
        for number, slot in enumerate(asked.slots)
    ]


@once
def vote(state: State, given: Given) -> tuple[State, Answer]:
    """Count a person's vote on `stage`, or take it back before the decision; the answer says how the approval stands.

    `gate`: which of its approvals is meant, its start or its switch; a stage that asks for both is told which, or a yes
    to the one would come to count for the other. `seal`: what the person saw; `delegators`: who has delegated to them;
    `asked`: of a vote by a link, the orchestration that asked when that was made.
    """
    name, cast = given["stage"], Vote.load(given["vote"])
    stage = stage_of(state, name)
    _check_open(stage, name, given)
    _check_seal(stage, given.get("seal", ""))
    stage = standing_at(stage, given["vote"]["at"])  # whoever waits for it may not have said so yet
    asked = asked_of(stage, state)
    if cast.decision == TAKE_BACK:
        return _taken_back(state, name, stage, asked, cast)
    cast = admitted(cast, asked, [Person.load(each) for each in given.get("delegators", ())])
    votes = [*stage["votes"], {**cast.dump(), **_sealed(stage)}]
    stage = {**stage, "votes": votes}
    asked = asked_of(stage)
    decision = asked.decision
    what = f"the switch of stage {name}" if stage.get("gate", START) == SWITCH else f"stage {name}"
    so_far = f"{len(votes)} of {len(asked.slots)} approvals"
    words = f"{what} is {decision}" if decision else f"{so_far}; open: {in_words(asked.missing)}"
    state = with_stage(state, name, {**stage, "decision": decision})
    return state, {"decision": decision or "counted", **_counted(asked), "words": words}


VOTES: dict[str, Command] = {"vote": vote}


def _taken_back(state: State, name: str, stage: Stage, asked: Asked, cast: Vote) -> tuple[State, Answer]:
    """Without the person's own vote; one that was cast for them by a delegate is theirs, too."""
    left = [each for each in asked.votes if cast.person.oid not in {person.oid for person in each.people}]
    if len(left) == len(asked.votes):
        raise Refused("NOT_VOTED", f"{cast.person.name} has no vote here to take back")
    stage = {**stage, "votes": [each.dump() for each in left]}
    asked = asked_of(stage)
    words = f"taken back; {len(left)} of {len(asked.slots)} approvals, open: {in_words(asked.missing)}"
    return with_stage(state, name, stage), {"decision": "counted", **_counted(asked), "words": words}


def _check_open(stage: Stage, name: str, given: Given) -> None:
    if "policy" not in stage:
        raise Refused("NOT_ASKED", f"stage {name} does not ask for an approval now")
    if stage["decision"] == EXPIRED:
        raise Refused("EXPIRED", f"the approval of {name} ended at {stage['deadline']}")
    if stage["decision"]:
        raise Refused("ALREADY_DECIDED", f"stage {name} is already {stage['decision']}")
    if given.get("asked", stage["asked"]) != stage["asked"]:
        raise Refused("NOT_ASKED", f"people were asked anew for stage {name} since this link was made")
    gate, meant = stage.get("gate", START), given.get("gate", "")
    if meant and meant != gate:
        raise Refused("NOT_ASKED", f"stage {name} does not ask for the approval of its {meant} now")
    if not meant and gate == SWITCH and stage.get("asks_twice"):
        raise Refused("AMBIGUOUS", f"stage {name} asks twice, now for its switch: say which is meant (gate: {gate})")


def _check_seal(stage: Stage, seen: str) -> None:
    """Who says what they saw is held to it."""
    if not seen or seen == stage.get("seal", {}).get("digest", ""):
        return
    before = next((each for each in stage.get("seals", ()) if each["digest"] == seen), None)
    parts = changed(Seal.load(before), Seal.load(stage.get("seal"))) if before else ()
    what = f"{', '.join(parts)} changed since" if parts else "what was seen is none of what this stage has asked for"
    raise Refused("SEAL_CHANGED", f"{what}; look at it again, and vote on what there is now")


def _sealed(stage: Stage) -> dict[str, str]:
    """What a vote was given for, whether the person said so or not."""
    return {"seal": stage["seal"]["digest"]} if stage.get("seal") else {}


def _counted(asked: Asked) -> dict[str, int]:
    return {"votes": len(asked.votes), "at_least": len(asked.slots)}


def _escalated(stage: Stage) -> Stage:
    """With the others joined, and a new deadline after the one that has passed; itself where nobody is left to join."""
    escalation = load_policy(stage["policy"]).escalation
    if stage["decision"] or stage.get("escalated_at") or escalation is None:
        return stage
    ends = moment(stage["deadline"]) + timedelta(seconds=escalation.within_s)
    return {**stage, "escalated_at": stage["deadline"], "deadline": iso(ends)}


def _barred(state: State, own: Stage, name: str) -> set[str]:
    """Who has approved that stage, or has said yes to it so far; of the asking stage itself, earlier approvals."""
    other = state["stages"].get(name, {})
    if other.get("asked") == own.get("asked"):
        return set(own.get("approved_by", ()))
    open_yes = {person["oid"] for vote in _yes(other) for person in _people(vote)}
    return {*other.get("approved_by", ()), *open_yes}


def _yes(stage: Stage) -> list[dict[str, Any]]:
    return [vote for vote in stage.get("votes", ()) if vote["decision"] == APPROVE]


def _people(vote: dict[str, Any]) -> list[dict[str, Any]]:
    return [vote["person"], *([vote["delegator"]] if vote.get("delegator") else [])]
