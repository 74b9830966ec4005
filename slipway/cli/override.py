"""`slipway override` and `confirm-override`: two people let a build skip gates, in an emergency."""

from typing import Annotated
from uuid import uuid4

import typer
from rich.text import Text

from slipway.cli.api_answers import Promotion
from slipway.cli.card import at_a_terminal
from slipway.cli.connection import Api, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.gates_view import override_words
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean, out, show
from slipway.cli.sign_in import connect
from slipway.promotion.overrides import HOTFIX

Stage = Annotated[str, typer.Argument(metavar="STAGE")]


def override(
    promotion: PromotionId,
    stage: Stage,
    gates: Annotated[str, typer.Option("--gates", metavar="A,B", help="The gates to skip, by their names.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; shown with the release for ever.")],
    lasts: Annotated[str, typer.Option("--for", help="How long they are skipped, at most 24h.")] = "4h",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask to let a build skip gates of a stage in an emergency; another person confirms it."""
    named = [each.strip() for each in gates.split(",") if each.strip()]
    if not named:
        raise Failure("USAGE", "--gates names no gate", ExitCode.USAGE)
    api, body = connect(url), {"gates": named, "reason": reason, "for": lasts, "command": str(uuid4())}
    document = api.post(promotion_path(promotion, "stages", stage, "override"), body)
    words = document.get("words") if isinstance(document, dict) else "the override is on its way"
    told = f"✓ {clean(spoken(str(words), api.now()))}\n  slipway confirm-override {clean(promotion)} {clean(stage)}"
    answer(document, Text(told), as_json)


def confirm_override(
    promotion: PromotionId,
    stage: Stage,
    hotfix: Annotated[bool, typer.Option("--hotfix", help="What the stage lets a hotfix skip by itself.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Agree to an override that another person asks for."""
    api = connect(url)
    id = HOTFIX if hotfix else _read(api, promotion, stage, asks=not yes and not as_json and at_a_terminal())
    body = {"id": id, "command": str(uuid4())}
    document = api.post(promotion_path(promotion, "stages", stage, "override", "confirm"), body)
    words = document.get("words") if isinstance(document, dict) else "the confirmation is on its way"
    answer(document, Text(f"✓ {clean(spoken(str(words), api.now()))}"), as_json)


def _read(api: Api, promotion: str, stage: str, asks: bool) -> str:
    """The id of the override that is asked for, read by whoever confirms it. Raises Failure."""
    seen = understood(Promotion, api.get(promotion_path(promotion)))
    asked = next((each.override for each in seen.stages if each.name == stage), None)
    if asked is None:
        raise Failure("NO_OVERRIDE", f"nobody asks for an override of stage {stage}", ExitCode.REFUSED)
    if asks:
        show(out(), Text(clean(override_words(asked, api.now())), "yellow"))
        typer.confirm("Confirm it?", abort=True)
    return asked.id
