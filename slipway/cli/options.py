"""The options that many commands share."""

from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Where Slipway answers. Else $SLIPWAY_URL, else what `slipway run` started here, "
        "else http://127.0.0.1:7071.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, errors too.")]
PromotionId = Annotated[str, typer.Argument(metavar="ID", help="Such as checkout--1.1.0.")]
