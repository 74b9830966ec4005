"""`slipway judge replay`: recorded telemetry judged again, as it was or under another policy.

The file is JSON: `history` (windows of the baseline alone), `windows` (of the ramp), and the `policy` it ran
under and the share that it `begins_at`, if known; a window is as `slipway/promotion/judge/reading.py` has it. Or one
window of the ramp a line.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from slipway.cli.charts.chart import drawn
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.judge.options import Plot, StageName, policy_of, write_plot
from slipway.cli.judge.replayed import Judged, chart, page
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean
from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy, PolicyInvalid
from slipway.promotion.judge.reading import read_window
from slipway.promotion.judge.state import begin
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Window

_POLICY = TypeAdapter(Policy)
LONGEST_RECORDING = 100_000  # ticks


@dataclass(frozen=True)
class _Recording:
    """`begins_at`: the share of the ramp's first tick; None: as its first window has it."""

    policy: Policy
    history: Sequence[Window]
    windows: Sequence[Window]
    begins_at: float | None = None


def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Recorded telemetry.")],
    pipeline: Annotated[str | None, typer.Option(metavar="SERVICE|FILE", help="Judge as this pipeline asks.")] = None,
    stage: StageName = None,
    ramp: Annotated[str | None, typer.Option(help="adaptive, careful or fixed.")] = None,
    false_rollback: Annotated[float | None, typer.Option(help="Chance of a false rollback, such as 0.01.")] = None,
    error_margin: Annotated[float | None, typer.Option(help="Tolerated share beyond the baseline: 0.1.")] = None,
    latency_margin: Annotated[float | None, typer.Option(help="The same of latencies.")] = None,
    budget: Annotated[float | None, typer.Option(help="Bad requests a step may cost.")] = None,
    patience: Annotated[int | None, typer.Option(help="Calm ticks until a step is taken unproven.")] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Judge recorded telemetry again, under its own or another policy."""
    recorded = _read(file)
    policy = policy_of(pipeline, stage)[0] if pipeline else recorded.policy
    asked = {
        "ramp": ramp,
        "false_rollback": false_rollback,
        "error_margin": error_margin,
        "latency_margin": latency_margin,
        "budget": budget,
        "patience_ticks": patience,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        policy = _POLICY.validate_python({**asdict(policy), **given})
    except PolicyInvalid as invalid:
        raise Failure(invalid.code, invalid.words, ExitCode.USAGE) from invalid
    ticks = [window.tick for window in recorded.windows if window.tick > 0]
    if not ticks:
        words = f"{file} is no recording: no window of it bears the number of its tick, from 1 on"
        raise Failure("NOT_A_RECORDING", words, ExitCode.USAGE)
    if max(ticks) - min(ticks) > LONGEST_RECORDING:
        words = f"{file} goes from tick {min(ticks):,} to {max(ticks):,}; a recording has {LONGEST_RECORDING:,} at most"
        raise Failure("NOT_A_RECORDING", words, ExitCode.USAGE)
    judged = _judge(policy, recorded)
    if plot:
        write_plot(plot, drawn(chart(judged, policy, file.name)))
    document = {"policy": asdict(policy), "ticks": [_document(each) for each in judged]}
    answer(document, page(judged, policy, len(recorded.history)), as_json)


def _read(file: Path) -> _Recording:
    """Raises Failure for a file that is no recording."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        try:
            data = json.loads(text)
        except json.JSONDecodeError:
            data = {"windows": _lines(text)}
    except (ValueError, RecursionError, OSError) as error:
        raise Failure("NOT_A_RECORDING", f"{file} is no recording: {error}", ExitCode.USAGE) from error
    if isinstance(data, list):
        data = {"windows": data}
    elif isinstance(data, dict) and "tick" in data:
        data = {"windows": [data]}
    if not isinstance(data, dict) or not isinstance(data.get("windows"), list) or not data["windows"]:
        raise Failure("NOT_A_RECORDING", f'{file} is no recording: it has no "windows"', ExitCode.USAGE)
    history = data.get("history") or []
    if not isinstance(history, list):
        raise Failure("NOT_A_RECORDING", f'the "history" of {file} is no list', ExitCode.USAGE)
    return _Recording(
        _policy(data.get("policy") or {}, file),
        [read_window(window) for window in history],
        [read_window(window) for window in data["windows"]],
        _begins_at(data.get("begins_at"), file),
    )


def _begins_at(data: Any, file: Path) -> float | None:
    if data is None or (isinstance(data, int | float) and not isinstance(data, bool) and 0 < data <= 1):
        return data
    raise Failure("NOT_A_RECORDING", f"{file} begins at {data!r}, which is no share", ExitCode.USAGE)


def _lines(text: str) -> list[Any]:
    """One value a line. Raises ValueError that names the line as the file counts it."""
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number}, character {error.pos + 1}: {error.msg}") from error
    return values


def _policy(data: Any, file: Path) -> Policy:
    try:
        unknown = sorted(set(data) - {each.name for each in fields(Policy)})
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}")
        return _POLICY.validate_python(dict(data))
    except (TypeError, ValueError, PolicyInvalid) as error:
        raise Failure(
            "NOT_A_RECORDING", f'the "policy" of {file} is none: {clean(str(error))}', ExitCode.USAGE
        ) from error


def _judge(policy: Policy, recorded: _Recording) -> list[Judged]:
    """Tick by tick, each window in the tick whose number it bears, until the ramp would have ended."""
    by_tick: dict[int, list[Window]] = {}
    for window in recorded.windows:
        by_tick.setdefault(window.tick, []).append(window)
    first = min((number for number in by_tick if number > 0), default=1)
    begins_at = recorded.begins_at
    if begins_at is None:
        shares = (_share(by_tick[number][0]) for number in sorted(by_tick))
        begins_at = next((share for share in shares if share is not None), None)
    state = begin(policy, recorded.history, begins_at, now=first - 1)
    judged: list[Judged] = []
    for now in range(first, max(by_tick) + 1 + policy.delay_ticks):
        present = by_tick.get(now, [])
        state, verdict = tick(state, present_and_late(by_tick, now, policy), now, policy)
        judged.append(Judged(present[0] if present else Window(now), _share(present[0]) if present else None, verdict))
        if verdict.action in (Action.ROLLBACK, Action.WITHDRAW) or verdict.weight == 1:
            break
    return judged


def present_and_late(by_tick: dict[int, list[Window]], now: int, policy: Policy) -> list[Window]:
    """What telemetry would have had at the end of tick `now`: this tick's window and the last few."""
    return [window for number in range(now - 5 - policy.delay_ticks, now + 1) for window in by_tick.get(number, [])]


def _share(window: Window) -> float | None:
    canary, baseline = window.canary, window.baseline
    if canary is None or baseline is None or canary.total + baseline.total == 0:
        return None
    return canary.total / (canary.total + baseline.total)


def _document(each: Judged) -> dict[str, Any]:
    verdict = each.verdict
    return {
        "tick": verdict.receipt.now,
        "share": each.share,
        "action": str(verdict.action),
        "code": verdict.code,
        "words": verdict.words,
        "weight": verdict.weight,
        "missing_requests": verdict.missing_requests,
        "missing_s": verdict.missing_s,
        "receipt": verdict.receipt.dump(),
    }
