"""Whether people's yes still holds: what it was sealed to is read again where it counts, at the grant of the lock, also
on a retry, and before the switch. What does not hold is void, on record, and asked anew or ended; never just kept.
"""

from dataclasses import replace
from typing import Any

from orchestrators.recording import record_stage
from orchestrators.stage_policies import question
from orchestrators.waiting import Context, Durable, insist
from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import START, SWITCH
from slipway.promotion.consent import AGE, APPROVERS, Consent, consent_of, void_for
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import ApprovalPolicy
from slipway.promotion.sealed_content import seal_of
from slipway.promotion.stage_run import StageRun

VOID = "APPROVAL_VOID"
_TOLD = {
    AGE: "it has waited longer than its policy allows",
    APPROVERS: "who gave it may not approve this any more",
}


def sealed(context: Context, run: StageRun) -> Durable:
    """The seal of what the stage would do now. Raises NotTaken."""
    return seal_of(run, (yield from _outside(context, run)))


def with_consent(run: StageRun, gate: str, policy: ApprovalPolicy, answer: dict[str, Any]) -> StageRun:
    """The run with people's yes to its start, or to its switch, kept; `answer` is the approval's."""
    return replace(run, consents={**run.consents, gate: consent_of(policy, answer)})


def void(context: Context, run: StageRun, gate: str, aged: bool = True) -> Durable:
    """Why people's yes does not hold any more; empty while it does, and where nobody was asked. An approval from before
    there were seals holds. `aged`: whether its age counts. Raises NotTaken."""
    consent, policy = run.consents.get(gate), _policy(run, gate)
    if consent is None or policy is None:
        return ()
    now = yield from sealed(context, run)
    taken = yield from _taken_away(context, run, consent)
    policy = policy if aged else replace(policy, max_age_s=0.0)
    return void_for(consent, policy, now, context.current_utc_datetime, taken)


def asked_anew(context: Context, run: StageRun, gate: str, why: tuple[str, ...]) -> Durable:
    """The run in the phase that asks people once more, with the void approval on record."""
    words = f"{in_words(why)}: people are asked anew"
    run = _without(run, gate).to(phase.APPROVAL if gate == START else phase.SWITCH_APPROVAL)
    return (yield from _recorded(context, run, gate, why, words))


def consent_before_users(context: Context, run: StageRun) -> Durable:
    """The run, or its end: what people said yes to must be what users are about to meet. With an approval of the switch
    that is the one that counts, and it was looked at a moment ago. Once users have met the release, it stands."""
    if run.switched or run.part or SWITCH in run.consents:
        return run
    why = yield from void(context, run, START, aged=False)
    if not why:
        return run
    words = f"{in_words(why)}, right before users meet the release; a retry asks people anew"
    run = yield from _recorded(context, _without(run, START), START, why, words)
    return run.ends(Outcome.CANCELLED, VOID, words)


def in_words(why: tuple[str, ...]) -> str:
    """`the approval is void: configuration changed since it was given`."""
    parts = [part for part in why if part not in _TOLD]
    told = [f"{' and '.join(parts)} changed since it was given"] if parts else []
    return f"the approval is void: {'; '.join([*told, *(_TOLD[part] for part in why if part in _TOLD)])}"


def _recorded(context: Context, run: StageRun, gate: str, why: tuple[str, ...], words: str) -> Durable:
    return (yield from record_stage(context, run, "approval.void", words, {"gate": gate, "parts": list(why)}))


def _without(run: StageRun, gate: str) -> StageRun:
    """The run without that yes, which will be asked for anew."""
    kept = {each: consent for each, consent in run.consents.items() if each != gate}
    return replace(run, consents=kept, voided=run.voided + 1, approved=run.approved and gate != START)


def _policy(run: StageRun, gate: str) -> ApprovalPolicy | None:
    return run.plan.approval if gate == START else run.plan.switch_approval


def _outside(context: Context, run: StageRun) -> Durable:
    """The digests of the settings, flags and policies of the release as they are; of what cannot be read it is sealed
    that it cannot. What the stage has fixed or changed by now is as it was approved: its own doing breaks no seal."""
    if run.sites:
        approved = run.consents.get(START, Consent()).seal
        outside = ("flags", "configuration", "policies")
        return {part: getattr(approved, part) for part in outside}
    order: dict[str, Any] = {"promotion": run.promotion}
    if plan := run.plan.configuration:
        order["place"] = plain(plan.place(run.build.service, run.build.version, run.plan.environment))
    flags = [(flag.name, flag.label) for flag in run.plan.flags]
    flags += [(run.flag_plan.name, run.flag_plan.label)] if run.flag_plan else []
    if flags:
        order["flags"] = [{"name": name, "label": label} for name, label in flags]
    if run.plan.policies:
        order["policies"] = question(run)
    parts = (("configuration", "place"), ("flags", "flags"), ("policies", "policies"))
    asked = [part for part, key in parts if key in order]
    if not asked:
        return {}
    seen = yield from insist(context, "look_at_sealed", order)
    return {part: str(seen.result.get(part, seen.code)) for part in asked}


def _taken_away(context: Context, run: StageRun, consent: Consent) -> Durable:
    """By object id the claims that those who said yes do not hold any more. All of them where nobody can tell, because
    the file of people is broken: it stays closed, as for whoever would vote now."""
    voters = [{"oid": voter.oid, "claims": list(voter.claims)} for voter in consent.voters]
    at = {"environments": list(run.plan.environments), "service": run.build.service}
    seen = yield from insist(context, "look_at_sealed", {"promotion": run.promotion, "voters": voters, "at": at})
    if seen.outcome == Outcome.PASSED:
        return seen.result["taken"]
    return {voter.oid: list(voter.claims) for voter in consent.voters}
