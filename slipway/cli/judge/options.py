"""What the `judge` commands are told: a pipeline's policy, traffic, failures."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import PydanticCustomError

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.pipeline_files import pipeline_file, pipeline_text
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.traffic import Shocks
from slipway.promotion.pipeline import PipelineInvalid, read_pipeline
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.models import Stage
from slipway.promotion.pipeline.units import percentage, requests_per_second


def _as_written(read: Callable[[Any], float], example: str) -> Callable[[str], float]:
    """An option that is written as in a pipeline."""

    def parse(text: str) -> float:
        try:
            return read(text)
        except PydanticCustomError as wrong:
            raise typer.BadParameter(f"{wrong.message()} (such as {example})") from wrong

    return parse


def _share(text: str) -> float:
    return percentage(1)(text if text.endswith("%") else _number(text))


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def shocks_of(text: str) -> Shocks | None:
    """`5%`, or with the failure rate `5%,15%`, or with minutes too `5%,15%,3-7`. Raises BadParameter."""
    if not text:
        return None
    parts = text.split(",")
    try:
        chance, rate = _share(parts[0]), _share(parts[1]) if len(parts) > 1 else Shocks.rate
        shortest, longest = Shocks.shortest, Shocks.longest
        if len(parts) > 2:
            shortest, longest = (int(part) for part in parts[2].split("-"))
        if len(parts) > 3 or not 1 <= shortest <= longest:
            raise ValueError("minutes")
    except (PydanticCustomError, ValueError) as wrong:
        words = f"{text!r} are no shocks; write 5% (chance a minute), 5%,15% or 5%,15%,3-7 (minutes)"
        raise typer.BadParameter(words) from wrong
    return Shocks(chance, rate, shortest, longest)


_TRAFFIC = typer.Option(
    "--traffic",
    parser=_as_written(requests_per_second, "500/s"),
    metavar="RATE",
    help="Requests of the whole service, such as 500/s or 6/min.",
)
_BASE_ERROR = typer.Option(
    "--base-error",
    parser=_as_written(_share, "0.1%"),
    metavar="SHARE",
    help="Share of requests that fails as usual, such as 0.1%.",
)
TrafficRate = Annotated[float, _TRAFFIC]
BaseError = Annotated[float, _BASE_ERROR]
TrafficIfKnown = Annotated[float | None, _TRAFFIC]
BaseErrorIfKnown = Annotated[float | None, _BASE_ERROR]
StageName = Annotated[str | None, typer.Option("--stage", help="The stage; else the first one with a canary.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw it into a PNG file too.")]


def policy_of(pipeline: str, stage: str | None) -> tuple[Policy, str]:
    """A pipeline's canary policy, and where it comes from in words. Raises Failure."""
    file = pipeline_file(pipeline)
    try:
        stages = read_pipeline(pipeline_text(file), str(file)).stages
    except PipelineInvalid as invalid:
        first = str(invalid.findings[0]) if invalid.findings else "it cannot be read"
        words = f"{first}\n`slipway lint {file}` says all"
        raise Failure("PIPELINE_INVALID", words, ExitCode.LINT) from invalid
    found = _stage(stages, stage, file)
    if found is None:
        return Policy(), f"{file}: no stage has a canary, so the default one is taken"
    if not isinstance(found.rollout, CanaryRollout):
        return Policy(), f"{file}: stage {found.name} has no canary, so the default one is taken"
    return found.rollout.canary.policy(found.bake), f"{file}: stage {found.name}"


def ramp_words(policy: Policy) -> str:
    """`adaptive ramp 5 · 10 · 25 · 50 · 100 %`."""
    return f"{policy.ramp} ramp {' · '.join(f'{100 * step:g}' for step in policy.steps)} %"


def write_plot(plot: Path, png: bytes) -> None:
    """Raises Failure when the file cannot be written, or its name is of another kind of picture."""
    if plot.suffix.lower() != ".png":
        raise Failure("USAGE", f"a plot is a PNG: {plot} would say otherwise", ExitCode.USAGE)
    try:
        plot.write_bytes(png)
    except OSError as error:
        raise Failure("NOT_WRITTEN", f"{plot} cannot be written: {error.strerror}", ExitCode.USAGE) from error


def _stage(stages: list[Stage], name: str | None, file: Path) -> Stage | None:
    if name is None:
        return next((stage for stage in stages if isinstance(stage.rollout, CanaryRollout)), None)
    named = next((stage for stage in stages if stage.name == name), None)
    if named is None:
        known = ", ".join(stage.name for stage in stages)
        raise Failure("USAGE", f"{file} has no stage {name}; it has {known}", ExitCode.USAGE)
    return named
