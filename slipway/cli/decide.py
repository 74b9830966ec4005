"""`slipway approve`, `reject`, `abort`, `retry`, `advance` and the others: what only a person can say."""

from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from slipway.cli.api_answers import Promotion
from slipway.cli.card import PromotionOrLink, at_a_terminal, meant_by, shown
from slipway.cli.connection import Api, promotion_path, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect
from slipway.promotion.approval import SWITCH, TAKE_BACK

StageName = Annotated[str | None, typer.Argument(metavar="STAGE", help="Else the only stage that waits for approval.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the audit record.")]

RAMPS = typer.Argument(metavar="STAGE", help="Else the only one that ramps.")


def approve(
    promotion: PromotionOrLink,
    stage: StageName = None,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not show the card and ask first.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a stage that waits for approval, before it starts or before its switch; a terminal shows its card."""
    _vote(connect(url), promotion, stage, "approve", reason, as_json, asks=not yes and not as_json and at_a_terminal())


def reject(
    promotion: PromotionOrLink,
    reason: Reason,
    stage: StageName = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say no to a stage that waits for approval; the promotion ends."""
    _vote(connect(url), promotion, stage, "reject", reason, as_json)


def take_back(
    promotion: PromotionId,
    stage: StageName = None,
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take your own yes back, before the others have decided."""
    _vote(connect(url), promotion, stage, TAKE_BACK, reason, as_json)


def abort(promotion: PromotionId, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """End a promotion now; what it has changed in a stage under way is undone."""
    _command(promotion, "abort", reason, url, as_json)


def retry(
    promotion: PromotionId,
    stage: Annotated[str | None, typer.Argument(metavar="STAGE", help="Else the only one that failed.")] = None,
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Try a failed stage again."""
    _command(promotion, "retry", reason, url, as_json, stage or "")


def advance(
    promotion: PromotionId,
    stage: Annotated[str | None, RAMPS] = None,
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give a canary its next share of the traffic, past a hold point too."""
    _command(promotion, "advance", reason, url, as_json, stage or "")


def promote(
    promotion: PromotionId,
    reason: Reason,
    stage: Annotated[str | None, RAMPS] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give a canary all the traffic, whatever is proven so far."""
    _command(promotion, "promote", reason, url, as_json, stage or "")


def rollback(
    promotion: PromotionId,
    stage: Annotated[
        str | None,
        typer.Argument(metavar="STAGE", help="Else the only one that serves it. A stage with rings: all of them."),
    ] = None,
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take a canary's traffic back, or return an environment to the release before this promotion's."""
    _command(promotion, "rollback", reason, url, as_json, stage or "")


def pause(promotion: PromotionId, reason: Reason = "", url: Url = None, as_json: AsJson = False) -> None:
    """Let no further stage of a promotion begin until it is resumed."""
    _command(promotion, "pause", reason, url, as_json)


def resume(promotion: PromotionId, reason: Reason = "", url: Url = None, as_json: AsJson = False) -> None:
    """Let a paused promotion go on."""
    _command(promotion, "resume", reason, url, as_json)


def _command(promotion: str, command: str, reason: str, url: str | None, as_json: bool, stage: str = "") -> None:
    body = {"command": command, "reason": reason, "id": str(uuid4())} | ({"stage": stage} if stage else {})
    api = connect(url)
    document = api.post(promotion_path(promotion, "commands"), body)
    _say(api, document, f"{command} for {promotion} is on its way", as_json)


def _vote(
    api: Api, promotion: str, stage: str | None, decision: str, reason: str, as_json: bool, asks: bool = False
) -> None:
    meant = meant_by(promotion, stage)
    promotion, body = meant.promotion, {"decision": decision, "reason": reason, "command": str(uuid4())}
    if meant.token and meant.stage:  # which approval, and what was seen, stands in the link
        stage, said = meant.stage, {"link": meant.token}
    else:
        stage, said = _what_was_seen(api, promotion, meant.stage, decision)
    if asks:
        card = shown(api, promotion, stage)
        said |= {"seal": card.seal} if card.seal and "link" not in said else {}
        typer.confirm(f"Approve stage {stage}?", abort=True)
    document = api.post(promotion_path(promotion, "stages", stage, "approval"), body | said)
    _say(api, document, f"{decision} for {stage} is on its way", as_json)


def _what_was_seen(api: Api, promotion: str, stage: str | None, decision: str) -> tuple[str, dict[str, str]]:
    """The stage that is meant, and what a vote says of what was seen: it counts for that alone."""
    seen = understood(Promotion, api.get(promotion_path(promotion)))
    stage = stage or _waiting_stage(seen, promotion)
    asked = next((each.approval for each in seen.stages if each.name == stage), None)
    said = {"gate": SWITCH} if asked and asked.gate == SWITCH else {}
    if asked and asked.seal and decision != TAKE_BACK:
        said["seal"] = asked.seal.digest
    return stage, said


def the_stage(api: Api, promotion: str) -> str:
    """The one stage that waits for approval. Raises Failure."""
    return _waiting_stage(understood(Promotion, api.get(promotion_path(promotion))), promotion)


def _waiting_stage(shown: Promotion, promotion: str) -> str:
    """The one stage that waits for approval. Raises Failure: none does, or several do."""
    waiting = [stage.name for stage in shown.stages if stage.state == "waiting for approval"]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        raise Failure("USAGE", f"{promotion} waits for approval in {', '.join(waiting)}: say which", ExitCode.USAGE)
    words = f"no stage of {promotion} waits for approval; it is {shown.state}"
    raise Failure("NOT_ASKED", words, ExitCode.REFUSED)


def _say(api: Api, document: Any, otherwise: str, as_json: bool) -> None:
    words = document.get("words") if isinstance(document, dict) else None
    answer(document, Text(f"✓ {clean(spoken(str(words or otherwise), api.now()))}"), as_json)
