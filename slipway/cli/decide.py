"""`slipway approve`, `reject`, `abort`: what only a person can say."""

from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from slipway.cli.api_answers import Promotion
from slipway.cli.connection import Api, connect, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean

StageName = Annotated[
    str | None, typer.Argument(metavar="[STAGE]", help="Else the only stage that waits for approval.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the audit record.")]


def approve(
    promotion: PromotionId,
    stage: StageName = None,
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a stage that waits for approval."""
    _vote(connect(url), promotion, stage, "approve", reason, as_json)


def reject(
    promotion: PromotionId,
    reason: Reason,
    stage: StageName = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say no to a stage that waits for approval; the promotion ends."""
    _vote(connect(url), promotion, stage, "reject", reason, as_json)


def abort(promotion: PromotionId, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """End a promotion now; what it has changed in a stage under way is undone."""
    body = {"command": "abort", "reason": reason, "id": str(uuid4())}
    document = connect(url).post(promotion_path(promotion, "commands"), body)
    _say(document, f"{promotion} is told to stop", as_json)


def _vote(api: Api, promotion: str, stage: str | None, decision: str, reason: str, as_json: bool) -> None:
    stage = stage or waiting_stage(api, promotion)
    body = {"decision": decision, "reason": reason, "command": str(uuid4())}
    document = api.post(promotion_path(promotion, "stages", stage, "approval"), body)
    _say(document, f"{decision} for {stage} is on its way", as_json)


def waiting_stage(api: Api, promotion: str) -> str:
    """The one stage that waits for approval. Raises Failure: none does, or several do."""
    shown = understood(Promotion, api.get(promotion_path(promotion)))
    waiting = [stage.name for stage in shown.stages if stage.state == "waiting for approval"]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        raise Failure("USAGE", f"{promotion} waits for approval in {', '.join(waiting)}: say which", ExitCode.USAGE)
    words = f"no stage of {promotion} waits for approval; it is {shown.state}"
    raise Failure("NOT_ASKED", words, ExitCode.REFUSED)


def _say(document: Any, otherwise: str, as_json: bool) -> None:
    words = document.get("words") if isinstance(document, dict) else None
    answer(document, Text(f"✓ {clean(str(words or otherwise))}"), as_json)
