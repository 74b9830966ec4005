"""Every action that a record of the audit trail can have, and what it means; and which route leaves which.

What orchestrators record is an event too: event_catalogue has those. Here is what people and triggers add. A test holds
both against the code, and every route that changes something against `ROUTES`.
"""

from slipway.promotion.event_catalogue import CATALOGUE

# Of people and triggers. One that ends in `*` is a family: its rest is what was said.
SAID: dict[str, str] = {
    "approval.*": "a person's vote on a stage, `approve` or `reject`, with the roles that the person held",
    "approval.refused": "the vote did not count, and why; `said` is the record of the vote",
    "approval.link": "a person makes a link to an approval; its id and for whom it is, never the link itself",
    "delegation.begin": "a person lets somebody else approve in their place for a while; both are named",
    "delegation.end": "a person ends that before its time",
    "delegation.refused": "nobody approves in another's place, and why; `said` is the record of the wish",
    "evidence.supplied": "a person or CI adds evidence to a build, with its digest",
    "evidence.refused": "it is not taken, and why; `said` is the record of the wish",
    "gate.answered": "the system that a webhook gate asked has answered by its one address",
    "override.asked": "a person asks to let a build skip named gates of a stage for a while, and why",
    "override.confirmed": "another person agrees; from then on these gates are skipped",
    "override.refused": "nothing is skipped by it, and why; `said` is the record of the wish",
    "intent.refused": "a person's word on a place was refused, and why: a stop is lifted by another person, say",
    "command.*": "a person's command: abort, retry, pause, resume, advance, promote or rollback",
    "command.refused": "the command was refused, and why; `said` is its record",
    "promotion.again": "a person puts a build on the queue once more",
    "promotion.refused": "it was not put there, and why; `said` is the record of the wish",
    "build.rejected": "a message that is no build of ours was set aside, with its hash",
    "message.resubmit": "a person puts a message that lay aside back on its queue, with the hash of its body",
    "flag.off": "a person switches a flag off for everybody",
    "flag.lift": "a person's word that keeps a flag off holds no longer",
    "flag.refused": "it still holds, and why; `said` is the record of the wish",
    "watch.lost": "nobody watches a release any more: its watch was ended from outside",
}
ACTIONS: dict[str, str] = {**{each.action: each.when for each in CATALOGUE}, **SAID}

# What a route that is no GET leaves on record; for one that leaves nothing of its own, why.
ROUTES: dict[str, tuple[str, ...] | str] = {
    "post_approval": ("approval.*", "approval.refused"),
    "post_approval_link": ("approval.link",),
    "post_delegation": ("delegation.begin", "delegation.refused"),
    "delete_delegation": ("delegation.end", "delegation.refused"),
    "post_override": ("override.asked", "override.refused"),
    "post_override_confirmed": ("override.confirmed", "override.refused"),
    "post_evidence": ("evidence.supplied", "evidence.refused"),
    "post_gate_answer": ("gate.answered",),
    "post_command": ("command.*", "command.refused"),
    "post_again": ("promotion.again", "promotion.refused"),
    "post_intent": ("intent.hold",),
    "delete_intent": ("intent.lift", "intent.refused"),
    "post_flag_off": ("flag.off",),
    "delete_flag_off": ("flag.lift", "flag.refused"),
    "post_resubmit": ("message.resubmit",),
    "post_build": "the promotion that comes of it says who submitted it, a message that is set aside its hash",
    "post_azure_devops_hook": "as for a build",
    "post_github_hook": "as for a build",
    "post_alert": "what a ramp does of it is on record there, with the alert",
    "post_lint": "changes nothing",
    "post_plan": "changes nothing",
}


def meaning_of(action: str) -> str | None:
    """What an action means; None for one that no record has."""
    return ACTIONS.get(action) or ACTIONS.get(action.partition(".")[0] + ".*")
