"""`slipway login`: become one of the laptop's people, or learn how to sign in to Azure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import typer
from pydantic import BaseModel
from rich.text import Text

from slipway.cli.connection import find_place, http_client, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean
from slipway.cli.state_folder import LoginFile, read_run, state_folder, write_private

IN_AZURE = (
    "say who: `slipway login --as alice` signs in on the laptop. Against Azure no login is kept here: set "
    "SLIPWAY_TOKEN to a token for Slipway's own application, such as from `az account get-access-token "
    "--resource api://slipway --query accessToken --output tsv`, and SLIPWAY_URL to its address"
)


class _Discovery(BaseModel):
    token_endpoint: str


class _Token(BaseModel):
    access_token: str
    expires_in: int


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
    write_private(state / "login.json", signed_in)
    document = signed_in.model_dump(mode="json", exclude={"access_token"})
    lasts = signed_in.expires_at.strftime("%H:%M UTC")
    answer(document, Text(f"✓ {clean(person)} is signed in to {signed_in.url} until {lasts}"), as_json)


def sign_in(person: str, url: str, issuer: str, ca: str | None, known: Sequence[str] = ()) -> LoginFile:
    """A token for `person` from the issuer (OpenID discovery, then its token endpoint), to be sent to `url`.

    Raises Failure: the issuer is away, or does not know that person; `known` are then named.
    """
    with http_client(ca, issuer) as http:
        try:
            found = http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            endpoint = understood(_Discovery, _document(found)).token_endpoint
            form = {"grant_type": "password", "client_id": "slipway", "username": person}
            reply = http.post(endpoint, data=form)
        except httpx.TransportError as error:
            words = f"the issuer {issuer} cannot be reached: {error}"
            raise Failure("NOT_REACHABLE", words, ExitCode.NOT_REACHABLE) from error
    if reply.status_code == 400:
        there = f"there are {', '.join(known)}, " if known else ""
        words = f"nobody is called {person!r} at {issuer}; {there}see examples/people.yaml"
        raise Failure("UNKNOWN_PERSON", words, ExitCode.NOT_SIGNED_IN)
    token = understood(_Token, _document(reply))
    return LoginFile(
        person=person,
        url=url,
        issuer=issuer,
        expires_at=datetime.now(UTC) + timedelta(seconds=token.expires_in),
        access_token=token.access_token,
    )


def _document(reply: httpx.Response) -> Any:
    try:
        return reply.raise_for_status().json()
    except (httpx.HTTPStatusError, ValueError) as error:
        words = f"{reply.request.url} is no OpenID issuer's answer: {error}"
        raise Failure("ISSUER_NOT_UNDERSTOOD", words, ExitCode.REFUSED, status=502) from error
