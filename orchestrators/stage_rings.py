"""The phases that only a ring has: it waits until its region may be changed, and takes the rings before it back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, answers_of, ask_decisions, called, insist, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Outcome, iso, moment
from slipway.promotion.plan import load_stage
from slipway.promotion.region_gate import Account, in_the_way
from slipway.promotion.rings import RingPlan, still_there, took_back
from slipway.promotion.stage_run import StageRun

LOOK_EVERY = timedelta(minutes=1)


def for_region(context: Context, run: StageRun) -> Durable:
    """Wait until the ring's Cosmos DB account lets its users be moved: a look a minute, `within` of the pipeline.

    A first attempt is held to the regions that were written to when the ring before it was moved, every attempt to
    those that it has seen itself; whoever tries the ring again has looked.
    """
    ring = run.plan.ring
    assert ring is not None and ring.gate is not None
    gate = ring.gate
    if not run.deadline:
        ends = context.current_utc_datetime + timedelta(seconds=gate.within_s)
        run = replace(run, since=now(context), deadline=iso(ends))
    asked = {"waiter": run.instance, "past_pause": True, "before": ring.before}
    going = yield from ask_decisions(context, run.promotion, "ask_region", asked)
    if going["do"] == "cancel":
        return run.ends(Outcome.CANCELLED, going["code"], going["words"])
    look = yield from called(context, "look_at_account", {"account": gate.account})
    if not look.running and look.outcome != Outcome.PASSED:
        return run.ends(Outcome.BROKEN, look.code, f"{gate.name} could not be read: {look.words}")
    if look.running:
        why = f"{gate.name} could not be read: {look.words}"
    else:
        account = Account.load(look.result)
        why = in_the_way(gate, account, run.written or (going["written"] if run.attempt == 1 else ()))
        if not why:
            return (yield from _let_in(context, run, account))
    if context.current_utc_datetime >= moment(run.deadline):
        words = f"its region was not ready by {run.deadline}: {why}"
        return run.ends(Outcome.NOT_ENOUGH_EVIDENCE, "REGION_NOT_READY", words)
    if run.waits_for != why:
        run = yield from record_stage(context, replace(run, waits_for=why), "waiting-for-the-region", f"waits: {why}")
    yield from nudge_or(context, min(moment(run.deadline), context.current_utc_datetime + LOOK_EVERY))
    return replace(run, tick=run.tick + 1)


def _let_in(context: Context, run: StageRun, account: Account) -> Durable:
    """On to the users; the next ring will be held to the same regions. What has waited for its region is looked at once
    more before, since it may be ill by now, and then the account is read again."""
    if not run.written:
        kept = {"stage": run.plan.name, "written": list(account.write)}
        yield from ask_decisions(context, run.promotion, "saw_region", kept)
    let_in = replace(run, written=account.write)
    if run.tick:
        return replace(let_in.to(phase.VERIFY_AGAIN), part=run.part, deadline=run.deadline)
    return replace(let_in.to(run.after_region), part=run.part)


def take_back(context: Context, run: StageRun) -> Durable:
    """One of the rings before this one returns to its previous release, the last one first, each under its own lock;
    when none is left, say what became of them."""
    ring, ending = run.plan.ring, run.ending
    assert ring is not None and ending is not None
    left = run.takes_back[len(run.rings_back) :]
    if not left:
        back, kept = took_back(run.rings_back)
        told = [f"{', '.join(back)} went back, too"] if back else []
        words = "; ".join([ending.words, *told, *kept])
        return run.to(phase.REPORT, ending=replace(ending, words=words))
    stage = left[0]
    if not run.rings_back:
        words = f"{', '.join(left)} go back, too: {_why(run, ring)}"
        run = yield from record_stage(context, replace(run, since=now(context)), "taking-rings-back", words)
    ended = yield from _gone_back(context, run, stage, _why(run, ring))
    return replace(run, rings_back=(*run.rings_back, ended), calls=run.calls or still_there(ended))


def _why(run: StageRun, ring: RingPlan) -> str:
    """Why the rings before this one go back."""
    if not run.goes_back:
        return f"ring {ring.name} failed"
    return f"all rings of {ring.of}" + (f": {run.reason}" if run.reason else "")


def _gone_back(context: Context, run: StageRun, stage: str, reason: str) -> Durable:
    """What the ring that goes back came to: stage, state, words."""
    found = yield from insist(context, "read_stage_plan", {"promotion": run.promotion, "stage": stage})
    if found.outcome != Outcome.PASSED:
        return _ended(stage, found.state, found.words, found.code)
    instance = child_id(run.instance, "back", stage)
    back = StageRun(run.promotion, instance, load_stage(found.result["plan"]), run.build, "", run.received_at)
    back = replace(
        back, phase=phase.LOCK, goes_back=True, asked_by=run.asked_by or "slipway", reason=reason, trace=run.trace
    )
    back = replace(back, with_ring=True)
    asked = context.call_sub_orchestrator("stage", back.dump(), instance)
    (answer,) = yield from answers_of(context, [asked])
    if answer is None:
        return _ended(stage, Outcome.BROKEN, f"{instance} broke off or was ended from outside")
    return _ended(stage, answer["outcome"], answer["words"], answer["code"])


def _ended(stage: str, state: str, words: str, code: str = "") -> dict[str, Any]:
    return {"stage": stage, "state": state, "words": words, "code": code}
