"""Every type of our own events, when it is sent and what its evidence holds; and their JSON Schema.

docs/events.md is made of it, and a test holds it against the orchestrators.
"""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.events import PREFIX


@dataclass(frozen=True)
class EventType:
    """`action` is the type without `slipway.`; one that ends in `*` is a family, its rest a code in small letters.
    `evidence` are the keys that may be there."""

    action: str
    when: str
    evidence: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return PREFIX + self.action


_END = ("code", "configuration", "changed_flags", "brought", "calls", "logs")
_GATE = ("gate", "kind", "code", "facts", "digest", "produced_at")
_SAID = ("id", "at", "by", "oid", "reason", "expires_at")
_NO_MORE = "the stage ended"
_BEGUN = ("build", "pipeline", "submitted_by", "artifacts")
CATALOGUE = (
    EventType("promotion.started", "a build was taken in and begins its way", _BEGUN),
    EventType("promotion.pinned", "a registry was away, and what is deployed is known now", ("artifacts",)),
    EventType("promotion.passed", "every stage has passed", ("code",)),
    EventType("promotion.failed", "a stage failed, by the release's fault", ("code",)),
    EventType("promotion.cancelled", "people or a newer build ended it", ("code",)),
    EventType("promotion.broken", "it ended by a fault that is not the release's", ("code",)),
    EventType("promotion.not-enough-evidence", "it ended because nobody could see enough", ("code",)),
    EventType("stage.checking-gates", "the gates before it, or before its switch, are asked"),
    EventType("stage.gate-passed", "a gate said yes", _GATE),
    EventType("stage.gate-failed", "a gate said no, by what its evidence says", _GATE),
    EventType("stage.gate-open", "a gate could not say yes or no: evidence is missing, or its source is away", _GATE),
    EventType("stage.gate-overridden", "a gate was not asked, because two people let the build skip it",
              ("gate", "kind", "code", "override")),
    EventType("stage.waiting-for-gates", "gates are open, and waited for"),
    EventType("stage.gate-revoked", "what gates had passed does not hold at the moment of promotion, or newer evidence "
              "came while people were asked", ("gates",)),
    EventType("stage.held-by-policies", "the organisation's policies hold it: one is not met, or they cannot be read",
              ("code",)),
    EventType("stage.policies-met", "at the moment of promotion it meets every policy that is for it",
              ("policies", "exceptions", "digest")),
    EventType("stage.waiting-for-approval", "people are asked, before the stage or before its switch"),
    EventType("stage.approved", "people said yes to the stage", ("votes", "seal")),
    EventType("stage.switch-approved", "people said yes to the switch", ("votes", "seal")),
    EventType("approval.reminder", "people are still asked, and some have not answered", ("open", "votes")),
    EventType("approval.escalated", "nobody has decided in time, and others may approve, too", ("open", "votes")),
    EventType("approval.void", "a yes does not hold any more: what it was given for has changed, it is too old, or who "
              "gave it may not any more", ("gate", "parts")),
    EventType("stage.waiting-for-the-lock", "another build has the environment, or people or calendars keep it out"),
    EventType("stage.kept-back", "a stop, or a freeze that has begun, keeps it from its next step"),
    EventType("stage.paused", "a person's pause keeps it from its work"),
    EventType("stage.waiting-for-the-region", "a ring waits for its region"),
    EventType("stage.migrating", "the database is expanded, before anything is deployed"),
    EventType("stage.migrated", "the database is expanded"),
    EventType("stage.not-migrated", "the database needs no expansion for this build"),
    EventType("stage.deploying", "the build goes to the idle side of every target"),
    EventType("stage.verifying", "checks and loads run on the idle side"),
    EventType("stage.verifying-again", "they run again before a switch that people approved"),
    EventType("stage.opening", "a Front Door is asked whether it can divide users"),
    EventType("stage.returning", "what a Front Door divided is put back"),
    EventType("stage.ramping", "a ramp begins"),
    EventType("stage.not-ramped", "a ramp is left out, and why"),
    EventType("stage.rolling-out", "users are moved to the release"),
    EventType("stage.verifying-live", "the release serves the users, and is checked there"),
    EventType("stage.compared", "a comparison of a flag's variants came to an end", ("code", "flag", "keeps")),
    EventType("stage.flag-off", "a flag was taken from everybody", ("calls", "code", "flag", "off")),
    EventType("stage.baking", "the release is watched until it counts as proven"),
    EventType("stage.bake-held", "the bake goes on until a person has looked", ("calls", "code")),
    EventType("stage.bake-unseen", "the release cannot be seen while it bakes", ("calls", "verdict")),
    EventType("stage.passed", "the release is live and proven", _END),
    EventType("stage.rolling-back", "the stage undoes its changes", ("code",)),
    EventType("stage.starting-old-side", "the side to go back to was stopped and is started"),
    EventType("stage.taking-rings-back", "the rings before it go back too"),
    EventType("stage.rolled-back", "a person or the watch took the release back", _END),
    EventType("stage.failed", f"{_NO_MORE}, by the release's fault; what it changed is undone", _END),
    EventType("stage.cancelled", f"{_NO_MORE}, by people's word or a newer build; what it changed is undone", _END),
    EventType("stage.broken", f"{_NO_MORE} by a fault that is not the release's", _END),
    EventType("stage.not-enough-evidence", f"{_NO_MORE} because nobody could see enough", _END),
    EventType("stage.not-retried", "nobody had the stage tried again in time"),
    EventType("ramp.*", "a ramp does something else from now on; the rest is the code of its reason",
              ("share", "calls", "verdict")),
    EventType("watch.harm", "a proven release does harm, and is taken back", ("calls", "code", "verdict")),
    EventType("watch.unseen", "a proven release cannot be seen any more", ("calls", "code")),
    EventType("watch.contracting", "what only the release before needed is taken out of the database"),
    EventType("watch.contracted", "it is taken out", ("schema",)),
    EventType("watch.not-contracted", "it stays, because something may still need it"),
    EventType("watch.contract-failed", "it could not be taken out, and a person must look", ("calls", "code", "log")),
    EventType("watch.over", "the watch over a release is over", ("calls", "code")),
    EventType("intent.hold", "a person keeps builds out of an environment", _SAID),
    EventType("intent.reject", "a person lets a version in no more", (*_SAID, "version")),
    EventType("intent.freeze", "a person keeps builds out from a moment on",
              (*_SAID, "begins_at", "but", "on_begin")),
    EventType("intent.stop", "a person stops all but ways back", _SAID),
    EventType("intent.lift", "a person lets builds in again", ("id", "by", "oid", "at")),
    EventType("intent.refused", "a person would lift a stop of their own", ("id", "by", "oid", "at")),
)  # fmt: skip


def type_of(action: str) -> EventType | None:
    """The catalogue's entry of an action; None where it has none."""
    family = action.partition(".")[0] + ".*"
    return next((each for each in CATALOGUE if each.action in (action, family)), None)


def event_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of our own events, with the evidence of each type. Events may come to have more keys:
    a consumer leaves those that it does not know."""
    text, moment = {"type": "string", "minLength": 1}, {"type": "string", "format": "date-time"}
    data = {
        "type": "object",
        "required": ["actor", "words", "evidence"],
        "properties": {
            **dict.fromkeys(("promotion", "stage", "actor", "service", "version", "environment", "commit"), text),
            "words": {"type": "string"},
            "evidence": {"type": "object"},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Slipway on the topic promotions",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": {**text, "format": "uri-reference"},
            "type": {**text, "pattern": "^slipway\\.(promotion|stage|approval|ramp|watch|intent)\\.[a-z0-9-]+$"},
            "subject": text,
            "time": moment,
            "datacontenttype": {"const": "application/json"},
            "data": data,
        },
        "oneOf": [_of_type(each) for each in CATALOGUE],
    }


def _of_type(each: EventType) -> dict[str, Any]:
    family = each.type.endswith("*")
    named: dict[str, Any] = {"pattern": f"^{each.type[:-2]}\\."} if family else {"const": each.type}
    evidence = {"properties": dict.fromkeys(each.evidence, True)}
    told = {"properties": {"type": named, "data": {"properties": {"evidence": evidence}}}}
    return {"title": each.when, **told}
