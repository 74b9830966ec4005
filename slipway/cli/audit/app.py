"""The group `slipway audit`."""

import typer

from slipway.cli.audit.export import export
from slipway.cli.audit.report import report
from slipway.cli.audit.verify import verify

app = typer.Typer(no_args_is_help=True, help="The audit trail: take it away, verify it offline, report from it.")
app.command()(export)
app.command()(verify)
app.command()(report)
