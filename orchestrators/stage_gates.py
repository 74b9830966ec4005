"""The phases in which the gates of a stage are asked: before it, at its lock, before its switch, and once people have
approved that.

All that are due are asked side by side. What is missing, or cannot be read, is waited for until the gate's time is
over, because scans end after builds do: a person or CI supplies it, and is heard at once. What failed ends the stage at
once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orchestrators.environment_lock import give_back_unchanged
from orchestrators.fan_out import an_operation, fan_out
from orchestrators.recording import record_stage
from orchestrators.stage_consent import asked_anew, void
from orchestrators.stage_overrides import skipped
from orchestrators.waiting import Context, Durable, ask_decisions, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import START
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.gates.rounds import (
    AGAIN_S,
    GATE_STALE,
    OF_OTHERS,
    due,
    ends_it,
    looks_again,
    passes,
    read_by,
)
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome, iso, moment
from slipway.promotion.plain import plain
from slipway.promotion.stage_run import StageRun

PATIENCE_S = 300.0  # of one try; who is still away then is asked again by the next
MOST_REVOKED = 3
_STEP = {
    phase.GATES: "gate",
    phase.GATES_AT_LOCK: "gate-at-lock",
    phase.SWITCH_GATES: "gate-before-switch",
    phase.GATES_AT_SWITCH: "gate-at-switch",
}


def for_gates(context: Context, run: StageRun) -> Durable:
    """Wait until every gate before the stage has passed. Holds no lock."""
    return (yield from _asked_until_passed(context, run, run.plan.gates, run.after_gates))


def for_switch_gates(context: Context, run: StageRun) -> Durable:
    """The same before the switch, with the lock held; the stage's own gates are looked at again."""
    return (yield from _asked_until_passed(context, run, run.plan.all_gates, run.after_switch_gates))


def at_switch(context: Context, run: StageRun) -> Durable:
    """Once more, after people have taken their time to approve the switch."""
    return (yield from _asked_until_passed(context, run, run.plan.all_gates, phase.VERIFY_AGAIN))


def at_lock(context: Context, run: StageRun) -> Durable:
    """The moment of promotion: what has grown old, or is of now, is asked again, once. Where that does not pass the
    lock is given back and what had passed is revoked: the stage waits before its gates again, or ends with a failed
    one."""
    run, stopped, evidence = yield from _begun(context, run, run.plan.gates)
    if stopped:
        return run
    at = context.current_utc_datetime
    asked = due(run.plan.gates, run.gate_answers, evidence, at, again=True)
    aged = {gate.name: _aged(gate, now(context)) for gate in asked if gate.kind in OF_OTHERS}
    asked = [gate for gate in asked if gate.kind not in OF_OTHERS]
    run = yield from _ask(context, replace(run, gate_answers={**run.gate_answers, **aged}), asked, evidence)
    bad = [(gate, run.gate_answers[gate.name]) for gate in run.plan.gates if not passes(run.gate_answers[gate.name])]
    if not bad:
        why = (yield from void(context, run, START)) if asked else ()  # what gates said anew is part of what is sealed
        if not why:
            return run.to(run.to_work)
        yield from give_back_unchanged(context, run)
        return (yield from asked_anew(context, run.with_fences(dict.fromkeys(run.locks, 0)), START, why))
    yield from give_back_unchanged(context, run)
    run = replace(run.with_fences(dict.fromkeys(run.locks, 0)), approved=False, revoked=run.revoked + 1)
    words = "; ".join(f"{gate.name}: {answer['words']}" for gate, answer in bad)
    told = {"gates": [gate.name for gate, _ in bad]}
    run = yield from record_stage(
        context, run, "gate-revoked", f"what had passed does not hold any more: {words}", told
    )
    final = next((answer for _, answer in bad if ends_it(answer)), None)
    if final is None and run.revoked > MOST_REVOKED:
        final = bad[0][1]
    if final is not None:
        return run.ends(final["outcome"], final["code"], f"at the moment of promotion: {words}")
    good = {name: answer for name, answer in run.gate_answers.items() if passes(answer)}
    return run.to(phase.GATES, gate_answers=good)


def _asked_until_passed(context: Context, run: StageRun, gates: Sequence[GatePlan], following: str) -> Durable:
    run, stopped, evidence = yield from _begun(context, run, gates)
    if stopped:
        return run
    at, again = context.current_utc_datetime, run.phase != phase.GATES
    run = yield from _ask(context, run, due(gates, run.gate_answers, evidence, at, again), evidence)
    bad = [gate for gate in gates if not passes(run.gate_answers[gate.name])]
    if not bad:
        return run.to(following)
    late = [gate for gate in bad if context.current_utc_datetime >= _until(run, gate)]
    over = [gate for gate in bad if ends_it(run.gate_answers[gate.name])] or late
    if over:
        answer = run.gate_answers[over[0].name]
        return run.ends(answer["outcome"], answer["code"], f"gate {over[0].name}: {answer['words']}")
    run = yield from _waiting(context, run, bad)
    wakes = [_until(run, gate) for gate in bad]
    if any(looks_again(run.gate_answers[gate.name]) for gate in bad):
        wakes.append(context.current_utc_datetime + timedelta(seconds=AGAIN_S))
    yield from nudge_or(context, min(wakes))
    return replace(run, tick=run.tick + 1)


def _begun(context: Context, run: StageRun, gates: Sequence[GatePlan]) -> Durable:
    """The run, since when it asks; whether it was stopped; and the evidence that was supplied by now."""
    if not run.deadline:
        run = replace(run, since=now(context))
        ends = max(_until(run, gate) for gate in gates)
        run = replace(run, deadline=iso(ends))
    asked = {"waiter": run.instance, "names": read_by(gates), "stage": run.plan.name, "at": now(context)}
    going = yield from ask_decisions(context, run.promotion, "ask_gates", asked)
    if going["do"] == "cancel":
        return run.ends(Outcome.CANCELLED, going["code"], going["words"]), True, {}
    run = yield from skipped(context, run, gates, going)
    return run, False, going["evidence"]


def _ask(context: Context, run: StageRun, gates: Sequence[GatePlan], evidence: dict[str, dict[str, Any]]) -> Durable:
    """Ask these gates side by side, and put on record what changed."""
    if gates and not run.tick:
        names = ", ".join(gate.name for gate in gates)
        run = yield from record_stage(context, run, "checking-gates", f"asks {names}")
    asked = [_operation(context, run, gate, evidence) for gate in gates]
    answers = yield from fan_out(context, asked)
    for gate, answer in zip(gates, answers, strict=True):
        before = run.gate_answers.get(gate.name)
        said = _kept(gate, answer, evidence, now(context))
        run = replace(run, gate_answers={**run.gate_answers, gate.name: said})
        if answer.outcome == Outcome.CANCELLED:
            continue
        if before is None or any(before[key] != said[key] for key in ("outcome", "code", "digest")):
            run = yield from _recorded(context, run, gate, answer, said)
    return run


def _operation(context: Context, run: StageRun, gate: GatePlan, evidence: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Asked under the promotion's operation ids, so that one ask has one answer."""
    entry = evidence.get(gate.evidence) or run.build.evidence.get(gate.evidence)
    order = {
        "promotion": run.promotion,
        "environment": run.plan.environment,
        "stage": run.plan.name,
        "gate": plain(gate),
        "build": run.build.dump() | {"evidence": {gate.evidence: entry} if entry else {}},
        "rev": run.attempt * 100_000 + run.rev,
        "until": iso(_until(run, gate)),
        **_where(run),
    }
    n = f"{run.attempt}-{run.revoked}-{run.tick}"
    id = child_id(run.instance, gate.name, _STEP[run.phase], n)
    within_s = (_until(run, gate) - context.current_utc_datetime).total_seconds()
    patience_s = max(within_s, AGAIN_S)
    if gate.kind not in OF_OTHERS:  # who is away is asked again by the next try; with the lock held there is none
        patience_s = min(AGAIN_S if run.phase == phase.GATES_AT_LOCK else PATIENCE_S, patience_s)
    return an_operation(context, id, "ask_gate", order, patience_s)


def _where(run: StageRun) -> dict[str, Any]:
    """What is deployed, by its digests, and a subscription in which it is."""
    pinned = [pin.partition("@")[2] for address in run.packages for pin in run.pinned(address).split()]
    digests = sorted({each for each in (run.build.digest, *pinned) if each.startswith("sha256:")})
    named = [
        target.resource.split("/")[2] for target in run.plan.targets if target.resource.startswith("/subscriptions/")
    ]
    return {"digests": digests, "subscription": named[0] if named else ""}


def _kept(gate: GatePlan, answer: Answer, evidence: dict[str, dict[str, Any]], at: str) -> dict[str, Any]:
    """What travels on of an answer: small."""
    told = {key: str(answer.result.get(key, "")) for key in ("digest", "produced_at")}
    number = evidence.get(gate.evidence, {}).get("n", 0)
    said = {"outcome": answer.state, "code": answer.code, "words": answer.words[:500]}
    return {**said, **told, "asked_at": at, "n": number}


def _aged(gate: GatePlan, at: str) -> dict[str, Any]:
    """Of a gate whose answer has grown old, and which takes too long to be asked with the lock held."""
    words = "its answer is older than the gate allows, so it is asked anew"
    said = {"outcome": str(Outcome.NOT_ENOUGH_EVIDENCE), "code": GATE_STALE, "words": words}
    return {**said, "digest": "", "produced_at": "", "asked_at": at, "n": 0}


def _recorded(context: Context, run: StageRun, gate: GatePlan, answer: Answer, said: dict[str, Any]) -> Durable:
    told = {"gate": gate.name, "kind": gate.kind, "code": answer.code, "facts": answer.result.get("facts", {})}
    told |= {key: said[key] for key in ("digest", "produced_at") if said[key]}
    words = f"gate {gate.name}: {said['words'] or 'passed'}"
    if answer.outcome == Outcome.PASSED:
        return (yield from record_stage(context, run, "gate-passed", words, told))
    if answer.outcome == Outcome.FAILED:
        return (yield from record_stage(context, run, "gate-failed", words, told))
    return (yield from record_stage(context, run, "gate-open", words, told))


def _waiting(context: Context, run: StageRun, bad: Sequence[GatePlan]) -> Durable:
    waits_for = "; ".join(f"gate {gate.name}: {run.gate_answers[gate.name]['words']}" for gate in bad)
    if run.waits_for == waits_for:
        return run
    run = replace(run, waits_for=waits_for)
    return (yield from record_stage(context, run, "waiting-for-gates", f"waits for {waits_for}"))


def _until(run: StageRun, gate: GatePlan) -> datetime:
    return moment(run.since) + timedelta(seconds=gate.within_s)
