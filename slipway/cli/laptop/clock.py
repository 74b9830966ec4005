"""`slipway clock`: what time it is for the laptop system, and letting time pass in it."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from pydantic import BaseModel
from rich.text import Text

from slipway.cli.connection import LOOPBACK, find_place
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson
from slipway.cli.printing import answer
from slipway.promotion.pipeline.units import seconds

LONGEST_S = 600.0  # of the machine's time: a week of a busy system takes its while


class ClockShown(BaseModel):
    """What the host says of its clock."""

    now: datetime
    virtual: bool


def clock(
    passes: Annotated[str, typer.Argument(metavar="[TIME]", help="How much time is to pass: 90s, 8h, 7d.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let time pass in a system that `slipway run --virtual-time` started, here and in its Azure; without TIME, say
    what time it is. It is back when everything that falls due meanwhile has happened, at its time."""
    move = {"advance": _duration(passes)} if passes else None
    url = f"{find_place().url}/admin/clock"
    if urlsplit(url).hostname not in LOOPBACK:
        raise Failure("USAGE", f"{url} is no laptop system; only there can the clock be moved", ExitCode.USAGE)
    try:
        with httpx.Client(timeout=LONGEST_S, trust_env=False) as http:
            heard = http.post(url, json=move) if move else http.get(url)
    except httpx.TransportError as error:
        raise Failure("NOT_REACHABLE", f"no answer from {url}: {error}", ExitCode.NOT_REACHABLE) from error
    if heard.is_error:
        raise _refused(heard)
    shown = ClockShown.model_validate_json(heard.content)
    kind = "stands" if shown.virtual else "is the machine's own"
    answer(heard.json(), Text(f"{shown.now:%Y-%m-%d %H:%M:%S} UTC; the clock {kind}"), as_json)


def _refused(heard: httpx.Response) -> Failure:
    """In the host's words, which are those of another command where the clock is the machine's own."""
    try:
        words = str(heard.json()["Message"])
    except (ValueError, KeyError, TypeError):
        words = heard.text
    if "--virtual-time" in words:
        words = "time passes by itself here; `slipway run --virtual-time` starts a system where it stands"
        return Failure("NOT_VIRTUAL", words, ExitCode.REFUSED)
    return Failure("NOT_MOVED", words, ExitCode.REFUSED)


def _duration(written: str) -> float:
    try:
        return seconds(written)
    except ValueError as refused:
        raise Failure("USAGE", str(refused), ExitCode.USAGE) from refused
