"""Orchestration `canary_ramp`: a release gets more traffic as far as its evidence allows, and comes back at once.

Eternal: a generation asks people's word, looks at router and fast signals, has the judge look when a tick is due, moves
the traffic, and waits once. It returns at 100 %, which the stage then carries out, or when the traffic has gone back.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.live_looks import look_at_everybodys
from orchestrators.ramp_comparison import compared
from orchestrators.ramp_records import about, said_as_status, show, tell
from orchestrators.stage_intents import word
from orchestrators.waiting import Context, Durable, NotTaken, ask_decisions, called, given, insist, now, nudge_or
from slipway.promotion.judge.windows import shortened
from slipway.promotion.outcomes import Answer, Outcome, broken, iso, moment, worst
from slipway.promotion.plain import plain
from slipway.promotion.precedence import GO
from slipway.promotion.ramp_moves import (
    FLAG_CHANGED,
    NOT_SEEN,
    Look,
    Move,
    Said,
    drift,
    held,
    is_stopped_at_once,
    leaving,
    next_move,
    to_set,
)
from slipway.promotion.ramp_run import COUNTERS, RampRun, Signal
from slipway.promotion.region_gate import UNREAD
from slipway.promotion.routed import router_of
from slipway.promotion.stored import known

bp = df.Blueprint()

LEARN_WITHIN_S = 900.0
SPLIT_WITHIN_S = 900.0
STOP_WITHIN_S = 60.0
BEGINS = "BEGINS"


@bp.orchestration_trigger(context_name="context", orchestration="canary_ramp")
def canary_ramp(context: df.DurableOrchestrationContext) -> Durable:
    """Input: a `RampRun` as JSON. Returns an `Answer`: passed when the release may have all the traffic; else the
    outcome, with code and words, after the traffic was sent back to the live release."""
    run = RampRun.load(given(context))
    try:
        run, answer = yield from _generation(context, run)
    except NotTaken:
        context.continue_as_new(run.dump())
        return None
    except Exception as error:  # noqa: BLE001 - the boundary: the stage takes the traffic back, whatever it is
        return broken("UNEXPECTED", f"the ramp broke off: {type(error).__name__}: {error}").dump()
    if answer is not None and (yield from _no_word_is_left(context, run, answer)):
        return replace(answer, at=now(context)).dump()
    context.continue_as_new(run.dump())
    return None


def _generation(context: Context, run: RampRun) -> Durable:
    """The run as it goes on, and its answer when it is over."""
    look = yield from _word_of_people(context, run)
    if run.going:
        return (yield from _moved(context, run, look, Move(**known(Move, run.going))))
    if not run.began_at:
        return (yield from _begun(context, run, look))
    run, look = yield from _look(context, run, look)
    at = context.current_utc_datetime
    if run.due(at) > run.tick or look.said.n or run.refused or run.word or at >= moment(run.deadline):
        run = yield from _word_of_the_place(context, run)
    look = replace(look, word=run.word)
    if run.due(at) > run.tick and not look.aborted:
        run = yield from _judged(context, run, look, run.due(at))
    if not look.aborted:
        run = yield from compared(context, run)
    move = next_move(run, look, at)
    run, answer = yield from _moved(context, run, look, move)
    if answer is None:
        context.set_custom_status(said_as_status(run, move))
        yield from nudge_or(context, run.wakes_at(context.current_utc_datetime))
    return run, answer


def _word_of_people(context: Context, run: RampRun) -> Durable:
    asked = {
        "stage": run.stage.plan.name,
        "waiter": run.instance,
        "share": run.share,
        "harm": run.harm_proven,
        "edited": run.edited,
        "at": now(context),
    }
    going = yield from ask_decisions(context, run.stage.promotion, "ask_ramp", asked)
    said = Said(**known(Said, going.get("said", {})))
    return Look(
        said=said if said.n > run.seen else Said(),
        aborted=going["words"] if going["do"] == "cancel" else "",
        aborted_as=going.get("code", "ABORTED"),
        paused=f"waits for {going['for'][0]}" if going["do"] == "wait" else "",
    )


def _word_of_the_place(context: Context, run: RampRun) -> Durable:
    """The run with what people and calendars say of this service here: asked once a tick, and before more traffic."""
    said = yield from word(context, run.stage)
    return replace(run, word={} if said["do"] == GO else {key: said[key] for key in ("do", "code", "words")})


def _no_word_is_left(context: Context, run: RampRun, answer: Answer) -> Durable:
    """Whether the ramp may end: no person has said anything that it did not hear. From then on they are refused. Once
    the traffic has gone back, no word could change that."""
    every = answer.outcome != Outcome.PASSED
    asked = {"stage": run.stage.plan.name, "waiter": run.instance, "seen": run.seen, "every": every}
    closed = yield from ask_decisions(context, run.stage.promotion, "end_ramp", asked)
    return closed["do"] == "end"


def _begun(context: Context, run: RampRun, look: Look) -> Durable:
    """Learn what is usual, then give the release its first share; from then on ticks are counted."""
    run = yield from _word_of_the_place(context, run)
    look = replace(look, word=run.word)
    if move := leaving(run, look):
        return (yield from _moved(context, run, look, move))
    if not run.state:
        return (yield from _learned(context, run))
    if look.kept_back:
        context.set_custom_status({"state": "ramping", "waits_for": look.kept_back, "deadline": run.deadline})
        yield from nudge_or(context, context.current_utc_datetime + timedelta(seconds=run.canary.policy.tick_s))
        return run, None
    run, answer = yield from _moved(context, run, Look(), Move(run.allowed, BEGINS, "the first share is set"))
    if answer is None and not run.refused:
        return replace(run, began_at=now(context)), None
    if answer is None:
        yield from nudge_or(context, context.current_utc_datetime + timedelta(seconds=run.canary.policy.tick_s))
    return run, answer


def _learned(context: Context, run: RampRun) -> Durable:
    """The run as it knows what is usual, or as it waits for that: a look a generation, so that people are heard."""
    at = context.current_utc_datetime
    waits = run.learning or {"at": iso(at), "until": iso(at + timedelta(seconds=LEARN_WITHIN_S)), "handle": {}}
    context.set_custom_status(
        {"state": "ramping", "waits_for": "the telemetry of before", "since": waits["at"], "deadline": waits["until"]}
    )
    order = {
        **about(run),
        "operation": run.operation("learn", 1),
        "handle": waits["handle"],
        "at": waits["at"],
        "baseline": run.stage.baseline,
        "targets": _targets(run),
        "sites": _sites(run),
        "waiter": run.instance,
        **_beside(run),
    }
    learned = yield from called(context, "begin_ramp", order)
    if learned.state == Outcome.PASSED:
        run = run.learned(learned.result, iso(at + timedelta(seconds=run.canary.within_s)))
        words = f"{run.stage.build.version} begins its ramp; {learned.words}"
        return (yield from tell(context, run, Move(run.allowed, BEGINS, words))), None
    over = at >= moment(waits["until"])
    if learned.state == Outcome.BROKEN or (learned.running and over):
        words = f"nothing was learned by {waits['until']}: {learned.words}" if learned.running else learned.words
        return run, Answer(Outcome.NOT_ENOUGH_EVIDENCE, code="NO_TELEMETRY", words=words)
    if not learned.running:
        return run, learned
    notes = shortened(f"learns what is usual, until {waits['until']}: {learned.words}")
    run = replace(run, learning={**waits, "handle": learned.handle}, notes=notes, rev=run.rev + 1)
    yield from show(context, run)
    pause = timedelta(seconds=max(learned.after_s, 0.05))
    yield from nudge_or(context, min(context.current_utc_datetime + pause, moment(waits["until"])))
    return run, None


def _look(context: Context, run: RampRun, look: Look) -> Durable:
    """The run, and what router and fast signals show. What cannot be looked at says nothing."""
    minute, ring = now(context)[:16], run.stage.plan.ring
    order = {
        **about(run),
        "targets": _targets(run),
        "sites": _sites(run),
        "health": plain(run.stage.plan.health),
        "baseline": run.stage.baseline,
        "every_s": run.look_every_s,
        "no_top_up": run.no_top_up,
        "counters": run.counted != minute,  # they come by the minute
        **_beside(run),
        **_before(run),
        "gate": plain(ring.gate) if ring else None,
        "written": list(run.stage.written),
    }
    seen = yield from called(context, "look_at_ramp", order)
    signals = tuple(Signal(*each) for each in seen.result.get("signals", ()))
    if ring and ring.gate and seen.state != Outcome.PASSED:
        signals = (Signal(UNREAD, f"{ring.gate.name} could not be read: {seen.words}"),)
    if run.canary.flag and not leaving(run, look):
        run, live = yield from look_at_everybodys(context, run)
        signals = (*signals, *live)
    run = run.with_blindness(any(each.name in NOT_SEEN for each in signals), context.current_utc_datetime)
    if order["counters"] and seen.state == Outcome.PASSED:
        run = replace(run, counted=minute, counters=tuple(each for each in signals if each.name == COUNTERS))
    elif not order["counters"]:
        signals = (*signals, *run.counters)
    flag_code, flag_words = seen.result.get("flag") or ("", "")
    look = replace(
        look, shares=seen.result.get("shares", {}), signals=signals, flag_code=flag_code, flag_words=flag_words
    )
    # While the routers have another share than ours, no time is of ours.
    since = now(context) if drift(run, look) else run.share_at
    off = seen.result.get("no_top_up", run.no_top_up)
    run = replace(run, edited=flag_words if flag_code == FLAG_CHANGED else "")
    run = replace(run, share_at=since, notes=shortened(seen.words), no_top_up=shortened(off))
    return run, look


def _targets(run: RampRun) -> list[dict[str, Any]]:
    return [plain(target) for target in run.divided]


def _sites(run: RampRun) -> dict[str, Any]:
    sites = run.stage.sites
    return {target.name: plain(sites.get(target.name) or next(iter(sites.values()))) for target in run.divided}


def _beside(run: RampRun) -> dict[str, Any]:
    """Where alerts are looked for that are not what the ramp divides: the targets that serve a flag's users."""
    return {"watched": [plain(target) for target in run.stage.plan.targets]} if run.canary.flag else {}


def _before(run: RampRun) -> dict[str, Any]:
    """What divides the traffic, where it is not the targets themselves."""
    return {"routers": [plain(router_of(run.stage, each)) for each in run.divided]} if run.canary.front_door else {}


def _judged(context: Context, run: RampRun, look: Look, tick: int) -> Durable:
    order = {
        **about(run),
        "operation": run.operation("judge", tick),
        "targets": _targets(run),
        "baseline": run.stage.baseline,
        "began_at": run.began_at,
        "tick": tick,
        "state": run.state,
        "exposed_from": run.exposed_from,
        "held": held(run, look, context.current_utc_datetime),
        "usual_rate": run.usual_rate,
        "unwell": run.unwell,
        "share": run.share,
        "exposure": plain(run.exposure),
    }
    answer = yield from insist(context, "judge_tick", order)
    if answer.state != Outcome.PASSED:
        raise RuntimeError(f"tick {tick} could not be judged ({answer.code}): {answer.words}")
    run = run.judged(tick, answer.result)
    yield from show(context, run)
    return run


def _moved(context: Context, run: RampRun, look: Look, move: Move) -> Durable:
    """Say so when it is something else than before, and tell the routers. The answer, when the ramp is over.

    Towards less traffic the routers come first, and the record after: users do not wait for it.
    """
    if look.said.n:
        run = replace(run, seen=look.said.n, told="")  # a person's word is answered, though nothing else may change
    if move.code == "ADVANCED_BY_HAND" and not move.outcome:
        run = run.moved(move.share, run.tick)
    back = move.share < run.share
    if not back:
        run = yield from _recorded(context, run, move)
    if move.outcome == Outcome.PASSED:
        kept = {"keeps": move.keeps, "code": move.code} if run.compare else {}
        return run, Answer(Outcome.PASSED, words=move.words, result={"verdict": run.verdict, **kept})
    names = to_set(run, look, move.share)
    if back and is_stopped_at_once(run, move):
        yield from _stopped_at_once(context, run)
    if names:
        answer = yield from _set(context, run, names, move.share)
        if answer.code == "FENCED":
            return run, answer
        taken = answer.outcome == Outcome.PASSED
        run = replace(run, share=move.share, writes=run.writes + 1, refused=0 if taken else run.refused + 1)
        if taken:
            run = replace(run, taken=move.share, share_at=now(context))
        else:
            refused = f"not taken: {answer.words}"
            move, run = replace(move, words=f"{move.words}; {refused}"), replace(run, notes=shortened(refused))
        yield from show(context, run)
    if back:
        try:
            run = yield from _recorded(context, run, move)
        except NotTaken:  # the routers are told: what is decided stays so until it is recorded
            return replace(run, going=plain(move) if move.outcome else {}), None
    if not move.outcome:
        return run, None
    return run, Answer(move.outcome, code=move.code, words=move.words, result={"verdict": run.verdict})


def _stopped_at_once(context: Context, run: RampRun) -> Durable:
    """A harmful release answers nobody any more: edges drop a side whose health probes fail within a minute or so, and
    hear of weights within twenty. Whether it could be stopped or not, the weights follow."""
    asked = []
    for target in run.divided:
        order = {**about(run), "target": plain(target), "fence": run.stage.fence}
        id = run.operation("stop-side", run.writes + 1, target)
        asked.append(an_operation(context, id, "stop_idle", order, STOP_WITHIN_S))
    yield from fan_out(context, asked)


def _recorded(context: Context, run: RampRun, move: Move) -> Durable:
    if move.code == BEGINS or run.told == f"{move.code} {move.share:g}":
        return run
    return (yield from tell(context, run, move))


def _set(context: Context, run: RampRun, names: list[str], share: float) -> Durable:
    asked = []
    for target in run.divided:
        if target.name in names:
            order = {**about(run), "target": plain(router_of(run.stage, target)), "share": share}
            order["fence"] = run.stage.fence
            order["despite_abort"] = share < run.share  # traffic goes back whatever people have said
            id = run.operation("split", run.writes + 1, target)
            asked.append(an_operation(context, id, "split", order, SPLIT_WITHIN_S))
    return worst((yield from fan_out(context, asked)))
