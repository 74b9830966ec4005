"""The group `slipway judge`."""

import typer

from slipway.cli.judge.power import power
from slipway.cli.judge.replay import replay
from slipway.cli.judge.simulate import simulate

app = typer.Typer(
    no_args_is_help=True,
    help="Know before you run: simulate a pipeline's ramp, plan its traffic, judge telemetry again.",
)
app.command()(simulate)
app.command()(power)
app.command()(replay)
