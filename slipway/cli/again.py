"""`slipway again`: have a build promoted once more."""

from typing import Annotated

import typer
from pydantic import BaseModel
from rich.text import Text

from slipway.cli.connection import promotion_path, understood
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect
from slipway.cli.watch import follow


class _Accepted(BaseModel):
    promotion: str


def again(
    promotion: PromotionId,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit record.")],
    wait: Annotated[bool, typer.Option("--wait", help="Watch the promotion to its end.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have the build of a promotion that is over promoted once more, from its first stage."""
    api = connect(url)
    document = api.post(promotion_path(promotion, "again"), {"reason": reason})
    accepted = understood(_Accepted, document)
    if not (wait and as_json):
        sent = clean(accepted.promotion)
        words = f"✓ the build is on the queue once more; follow it with\n  slipway status {sent} --watch"
        answer(document, Text(words), as_json)
    if wait:
        follow(api, accepted.promotion, as_json=as_json, appears_within_s=30)
