"""`slipway plan --live`: the plan as the server sees it, beside what is live now."""

from typing import Any

from pydantic import RootModel

from slipway.cli.api_answers import LivePlan
from slipway.cli.connection import understood
from slipway.cli.plan_view import live_page
from slipway.cli.printing import answer
from slipway.cli.sign_in import connect
from slipway.promotion.plan import PromotionPlan


def ask_live(
    url: str | None,
    service: str,
    version: str | None,
    as_json: bool,
    text: str | None = None,
    origin: str = "the deployed pipeline",
) -> None:
    """Ask what would stop a build of `service` in each stage now, by the pipeline `text` or the deployed one.

    Without a version it is some build that CI finishes now. Raises Failure as the API does.
    """
    api = connect(url)
    asked: dict[str, Any] = {"service": service, "version": version, "pipeline": text}
    document = api.post("/api/pipelines/plan", {key: value for key, value in asked.items() if value is not None})
    compiled, live = understood(RootModel[PromotionPlan], document).root, understood(LivePlan, document)
    answer(document, live_page(compiled, compiled.artifact, origin, live, api.now()), as_json)
