"""The `slipway` command."""

from importlib.metadata import version
from typing import Annotated

import typer

from slipway.cli import again, card, decide, delegate, intents, login, override, policies, pure, releases, show, submit
from slipway.cli.audit.app import app as audit
from slipway.cli.commands import Commands
from slipway.cli.dlq import app as dlq
from slipway.cli.evidence import app as evidence
from slipway.cli.failure import EXIT_CODES
from slipway.cli.flags import app as flags
from slipway.cli.judge.app import app as judge
from slipway.cli.laptop import ask, clock, demo, run
from slipway.cli.roles import command as roles


def _print_version(asked: bool) -> None:
    if asked:
        print(f"slipway {version('slipway')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Slipway takes a build through environments, one gate at a time, and back when it must.",
    epilog=EXIT_CODES,
)


@app.callback()
def slipway(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself; its words are in `help` above."""


LAPTOP, WATCH, PEOPLE, FILES, AUDIT = (
    "On this laptop",
    "Builds and promotions",
    "A person decides",
    "Pipelines",
    "Proof",
)

app.command(rich_help_panel=LAPTOP)(demo.demo)
app.command(rich_help_panel=LAPTOP)(run.run)
app.command(rich_help_panel=LAPTOP)(clock.clock)
app.command(rich_help_panel=LAPTOP)(ask.ask)
app.command(rich_help_panel=LAPTOP)(login.login)

app.command(rich_help_panel=WATCH)(submit.submit)
app.command("list", rich_help_panel=WATCH)(show.list_promotions)
app.command(rich_help_panel=WATCH)(show.status)
app.command(rich_help_panel=WATCH)(show.environments)
app.command(rich_help_panel=WATCH)(releases.releases)

app.command(rich_help_panel=PEOPLE)(card.show)
app.command(rich_help_panel=PEOPLE)(decide.approve)
app.command(rich_help_panel=PEOPLE)(decide.reject)
app.command(rich_help_panel=PEOPLE)(decide.take_back)
app.command(rich_help_panel=PEOPLE)(delegate.delegate)
app.command(rich_help_panel=PEOPLE)(delegate.delegations)
app.command(rich_help_panel=PEOPLE)(delegate.undelegate)
app.command(rich_help_panel=PEOPLE)(override.override)
app.command(rich_help_panel=PEOPLE)(override.confirm_override)
app.command(rich_help_panel=PEOPLE)(decide.abort)
app.command(rich_help_panel=PEOPLE)(decide.retry)
app.command(rich_help_panel=PEOPLE)(again.again)
app.command(rich_help_panel=PEOPLE)(decide.advance)
app.command(rich_help_panel=PEOPLE)(decide.promote)
app.command(rich_help_panel=PEOPLE)(decide.rollback)
app.command(rich_help_panel=PEOPLE)(decide.pause)
app.command(rich_help_panel=PEOPLE)(decide.resume)
app.command(rich_help_panel=PEOPLE)(intents.hold)
app.command(rich_help_panel=PEOPLE)(intents.freeze)
app.command(rich_help_panel=PEOPLE)(intents.reject_version)
app.command(rich_help_panel=PEOPLE)(intents.stop)
app.command(rich_help_panel=PEOPLE)(intents.lift)
app.command(rich_help_panel=PEOPLE)(intents.resume_all)
app.command("intents", rich_help_panel=PEOPLE)(intents.intents)

app.add_typer(evidence, name="evidence", rich_help_panel=PEOPLE)
app.add_typer(flags, name="flags", rich_help_panel=PEOPLE)
app.add_typer(dlq, name="dlq", rich_help_panel=PEOPLE)

app.command(rich_help_panel=FILES)(pure.lint)
app.command(rich_help_panel=FILES)(pure.plan)
app.command(rich_help_panel=FILES)(policies.policies)
app.command(rich_help_panel=FILES)(roles.roles)
app.add_typer(judge, name="judge", rich_help_panel=FILES)

app.add_typer(audit, name="audit", rich_help_panel=AUDIT)
