"""The retailer's pipeline as it is shipped, on the whole laptop system in virtual time, told with the demo's own
scenes: what they claim they have seen."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from slipway.cli.connection import promotion_path
from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.retail.places import PRODUCTION
from slipway.cli.laptop.retail.story import BROKEN, DEADLY, GOOD, OLD, Story
from slipway.cli.laptop.retail.system import PIPELINE, System
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.supervisor import Laptop
from tests.end_to_end.system import QuickLayout

START = datetime(2026, 11, 30, 7, tzinfo=UTC)
SHIPPED = checkout() / "pipelines" / PIPELINE


@pytest.mark.timeout(300)
def test_a_sound_build_of_azure_devops_is_switched_to_in_two_regions_and_one_that_users_take_down_back(
    tmp_path: Path,
) -> None:
    said = io.StringIO()
    layout = QuickLayout(checkout(), tmp_path, ANY_PORTS, virtual_time=True, starts_at=START, pipeline=SHIPPED)
    with Laptop(layout, lambda _: None) as laptop:
        system = System(laptop, layout)
        story = Story(system, Screen(Console(file=said, width=200), system.now))
        story.is_switched_to(GOOD, "from-13-to-15-expand-13-contract-14", 13, OLD, "which needs another table")
        story.follow.passed(GOOD, PRODUCTION)
        records = system.who("alice").get(promotion_path(f"storefront--{GOOD}", "audit"))["records"]
        (unit,) = [each["evidence"]["artifacts"] for each in records if "artifacts" in each["evidence"]]
        assert len(unit) == 5 and all("@sha256:" in each["at"] for each in unit), "chart, image, and those of its jobs"

        story.follow.may_be_stopped(DEADLY)
        story.is_switched_to(DEADLY, "from-13-to-16-expand-15", 15, GOOD, "whose fault no test finds")
        story.switched.dies(DEADLY, GOOD, 15)
        story.is_stopped(BROKEN, "from-14-to-16", DEADLY, GOOD)
    assert "production is back on 1.1.0" in said.getvalue()
