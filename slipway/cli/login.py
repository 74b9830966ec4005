"""`slipway login`: become one of the laptop's people, or learn how to sign in to Azure."""

from typing import Annotated

import typer
from rich.text import Text

from slipway.cli.connection import find_place
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import FROM_AZURE, sign_in
from slipway.cli.state_folder import read_run, state_folder, write_private

IN_AZURE = (
    "say who: `slipway login --as alice` signs in on the laptop. Against Azure no login is kept here: set "
    f"SLIPWAY_TOKEN to a token for Slipway's own application, such as from {FROM_AZURE}, and SLIPWAY_URL to its "
    "address"
)


def login(
    person: Annotated[str | None, typer.Option("--as", metavar="PERSON", help="One of examples/people.yaml.")] = None,
    issuer: Annotated[str | None, typer.Option(help="OpenID issuer; else the one that `slipway run` started.")] = None,
    ca: Annotated[str | None, typer.Option(help="PEM file that vouches for the issuer.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Sign in as one of the laptop's people; without --as: how to sign in to Azure."""
    if person is None:
        raise Failure("NOT_SIGNED_IN", IN_AZURE, ExitCode.NOT_SIGNED_IN)
    state = state_folder()
    run = read_run(state)
    issuer = issuer or (run.issuer if run else None)
    if issuer is None:
        words = "no laptop system runs here; start one with `slipway run`, or name its --issuer and --ca"
        raise Failure("NOT_REACHABLE", words, ExitCode.NOT_REACHABLE)
    known = run.people if run and run.issuer == issuer else []
    signed_in = sign_in(person, find_place(url).url, issuer, ca or (run.ca if run else None), known)
    signed_in.with_run = run is not None and (signed_in.url, issuer) == (run.url, run.issuer)
    write_private(state / "login.json", signed_in)
    document = signed_in.model_dump(mode="json", exclude={"access_token", "with_run"})
    lasts = signed_in.expires_at.strftime("%H:%M UTC")
    answer(document, Text(f"✓ {clean(person)} is signed in to {signed_in.url} until {lasts}"), as_json)
