"""Lists of promotions: a page is full while there is more to show, whatever it leaves out."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.adapters.read_model import list_promotion, write_row
from slipway.adapters.rows import Rows
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.stage_parts import Ending
from tests.app_host import AppHost
from tests.promotion.builders import a_build, a_stage
from tests.triggers.conftest import ALICE
from triggers import promotions_api

pytestmark = pytest.mark.usefixtures("configured")

SERVICE = "listed"


@pytest.fixture(scope="module")
def _made() -> list[bool]:
    return []


@pytest.fixture
def many(configured: None, _made: list[bool]) -> None:
    """Twelve promotions, newest first 11 … 0: every fourth failed, the others passed."""
    if _made:
        return
    _made.append(True)
    plan = PromotionPlan(SERVICE, "team", "sha256:0", "https://a.example/{version}.zip", (a_stage(),))
    for n in range(12):
        build = a_build(f"1.{n}", service=SERVICE)
        ending = Ending("failed" if n % 4 == 0 else "passed")
        at = datetime.now(UTC) + timedelta(seconds=n)
        run = PromotionRun(build.promotion, "t", build, plan, at.isoformat(), ending=ending)
        Rows("promotions").insert(run.id, "intake", {"state": "ended"})
        write_row(run.id, "promotion", 1, run.row())
        list_promotion(run.id, SERVICE, at)


def page(app: AppHost, query: str) -> tuple[list[str], str | None]:
    answer = app.http("GET", f"/api/promotions?service={SERVICE}&{query}", ALICE).json
    return [each["version"] for each in answer["promotions"]], answer["after"]


def test_a_page_of_one_state_is_full_while_there_are_more(app: AppHost, many: None) -> None:
    first, after = page(app, "state=failed&top=2")
    assert (first, bool(after)) == (["1.8", "1.4"], True)
    assert page(app, f"state=failed&top=2&after={after}") == (["1.0"], None)


def test_pages_leave_nothing_out_and_show_nothing_twice(app: AppHost, many: None) -> None:
    for state, top in (("", 5), ("", 12), ("state=passed&", 4), ("state=failed&", 1)):
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            found, after = page(app, f"{state}top={top}" + (f"&after={after}" if after else ""))
            assert len(found) == top or after is None
            seen += found
        passed, failed = [n for n in range(11, -1, -1) if n % 4], [8, 4, 0]
        wanted = {"": range(11, -1, -1), "state=passed&": passed, "state=failed&": failed}[state]
        assert seen == [f"1.{n}" for n in wanted]


def test_a_list_that_finds_little_stops_after_a_while_and_says_where_to_go_on(
    app: AppHost, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotions_api, "LOOKED_AT", 4)
    found, after = page(app, "state=failed&top=3")
    assert (found, bool(after)) == (["1.8"], True)
    assert page(app, f"state=failed&top=3&after={after}")[0] == ["1.4"]
