"""With whose token the API is asked: SLIPWAY_TOKEN's, or that of `slipway login`."""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from slipway.cli.connection import (
    LOOPBACK,
    SIGN_IN,
    START,
    Api,
    Place,
    find_place,
    http_client,
    require_answer,
    understood,
)
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.state_folder import LoginFile, read_login, read_run, state_folder, write_private

FROM_AZURE = "`az account get-access-token --resource api://slipway --query accessToken --output tsv`"


@dataclass(frozen=True)
class Token:
    """A bearer token, and in words how to get a new one of its kind."""

    value: str
    renewed_by: str


class _Discovery(BaseModel):
    token_endpoint: str


class _Token(BaseModel):
    access_token: str
    expires_in: int


def connect(url: str | None = None) -> Api:
    """The API at the place that `find_place` finds, with the token that `find_token` finds.

    Raises Failure: nobody is signed in there, or, before a login is advised, nothing answers there.
    """
    place = find_place(url)
    try:
        token = find_token(place)
    except Failure as failure:
        if failure.code == "NOT_SIGNED_IN":
            require_answer(place)
        raise
    return Api(place, token.value, token.renewed_by)


def find_token(place: Place) -> Token:
    """SLIPWAY_TOKEN, else the token of `slipway login` if it was made for this place.

    A login to the system on the state folder goes along when that system comes back on other ports. Raises
    Failure (not signed in): none there, too old, or made for another address.
    """
    if value := os.environ.get("SLIPWAY_TOKEN"):
        token = Token(value, _renewal(place))
        _refuse_expired(_expiry(value), token)
        return token
    login = read_login(state_folder())
    if login is None:
        raise _not_signed_in(f"nobody is signed in; {SIGN_IN}")
    login = _followed(login, place)
    if login.url != place.url:
        raise _not_signed_in(f"{login.person} is signed in to {login.url}, not to {place.url}; {SIGN_IN}")
    token = Token(login.access_token, f"`slipway login --as {login.person}` renews it")
    _refuse_expired(login.expires_at, token)
    return token


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
            words = f"the issuer {issuer} cannot be reached ({error}); {START}"
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


def _followed(login: LoginFile, place: Place) -> LoginFile:
    """The same person, signed in anew where the system on the state folder is now; else `login` as it is."""
    state = state_folder()
    run = read_run(state)
    if not (login.with_run and run and run.url == place.url):
        return login
    if (login.url, login.issuer) == (run.url, run.issuer):
        return login
    moved = sign_in(login.person, run.url, run.issuer, run.ca).model_copy(update={"with_run": True})
    write_private(state / "login.json", moved)
    return moved


def _renewal(place: Place) -> str:
    if urlsplit(place.url).hostname in LOOPBACK:
        return "unset SLIPWAY_TOKEN, and `slipway login --as alice` signs in on the laptop"
    return f"set SLIPWAY_TOKEN to a new one, such as from {FROM_AZURE}"


def _not_signed_in(words: str) -> Failure:
    return Failure("NOT_SIGNED_IN", words, ExitCode.NOT_SIGNED_IN)


def _refuse_expired(expires_at: datetime | None, token: Token) -> None:
    if expires_at and expires_at <= datetime.now(UTC):
        ended = expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise Failure("TOKEN_EXPIRED", f"the token ended at {ended}; {token.renewed_by}", ExitCode.NOT_SIGNED_IN)


def _expiry(token: str) -> datetime | None:
    """When a JWT ends, read without trust in it; None when it is none (the server will judge)."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError):
        return None


def _document(reply: httpx.Response) -> Any:
    try:
        return reply.raise_for_status().json()
    except (httpx.HTTPStatusError, ValueError) as error:
        words = f"{reply.request.url} is no OpenID issuer's answer: {error}"
        raise Failure("ISSUER_NOT_UNDERSTOOD", words, ExitCode.REFUSED, status=502) from error
