"""The approval card on the terminal, and links that lead to one."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.api_answers import Card
from slipway.cli.connection import Api, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, Url
from slipway.cli.printing import answer, clean, out
from slipway.cli.printing import show as print_out
from slipway.cli.sign_in import connect

_PATH = re.compile(r"/api/promotions/([^/]+)/stages/([^/]+)/approval\Z")
PromotionOrLink = Annotated[
    str, typer.Argument(metavar="ID", help="Such as checkout--1.1.0, or a link to its approval.")
]


@dataclass(frozen=True)
class Meant:
    """Which approval a person means; `token` is what stands behind the `#` of a link."""

    promotion: str
    stage: str | None
    token: str = ""


def meant_by(text: str, stage: str | None) -> Meant:
    """What an id, or a link, means. The host of a link is never asked anything: who wrote it is not known, and a
    sign-in goes to our own Slipway alone. Raises Failure."""
    if "://" not in text:
        return Meant(text, stage)
    parts = urlsplit(text)
    found = _PATH.search(parts.path)
    if found is None or not parts.fragment:
        raise Failure("USAGE", "that is no link to an approval; give its promotion's id", ExitCode.USAGE)
    named = unquote(found[2])
    if stage not in (None, named):
        raise Failure("USAGE", f"the link is for stage {named}, not for {stage}", ExitCode.USAGE)
    return Meant(unquote(found[1]), named, parts.fragment)


def show(
    promotion: PromotionOrLink,
    stage: Annotated[str | None, typer.Argument(metavar="STAGE", help="Else the only one that asks.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what an approval is about: what changes, what was proven, and the way back."""
    from slipway.cli.decide import the_stage

    meant, api = meant_by(promotion, stage), connect(url)
    document = api.get(_place(meant.promotion, meant.stage or the_stage(api, meant.promotion)))
    answer(document, _page(understood(Card, document), api.now()), as_json)


def shown(api: Api, promotion: str, stage: str) -> Card:
    """The card, printed. Raises Failure."""
    card = understood(Card, api.get(_place(promotion, stage)))
    print_out(out(), _page(card, api.now()))
    return card


def at_a_terminal() -> bool:
    """Whether somebody is there to read and to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _place(promotion: str, stage: str) -> str:
    return promotion_path(promotion, "stages", stage, "approval")


def _page(card: Card, now: datetime) -> RenderableType:
    return Group(*_lines(card.text, now))


def _lines(text: str, now: datetime) -> Iterator[Text]:
    for number, line in enumerate(text.splitlines()):
        told = clean(spoken(line, now))
        is_head = not line.startswith("- ")
        yield Text(told, "bold" if number == 0 else "dim" if is_head else "red" if "DELETES" in line else "")
