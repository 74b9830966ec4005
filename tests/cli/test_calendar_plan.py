"""`slipway plan` tells when builds enter."""

from pathlib import Path

from tests.cli.conftest import Slipway
from tests.promotion.test_pipeline_calendar import a_text


def test_a_plan_says_when_builds_enter_and_what_they_wait_for(slipway: Slipway, tmp_path: Path) -> None:
    file = tmp_path / "checkout.yaml"
    file.write_text(
        a_text("""
    freeze: [{name: launch, from: fri, to: sun, recurring: weekly, except: [hotfix], on_begin: pause}]
    hours: {days: [mon-thu], from: "09:00", to: "16:00"}
    rate: {at_most: 3, per: 24h}
    after: [{service: orders, at_least: "4.2"}]
""")
    )
    told = " ".join(slipway("plan", str(file)).stdout.split())
    assert "by the freeze launch, weekly fri 00:00 to mon 00:00 (UTC); hotfixes enter; a rollout on its way" in told
    assert "in the business hours, mon tue wed thu 09:00 to 16:00 (UTC)" in told
    assert "at most 3 releases within 1d" in told
    assert "orders 4.2 or later to be live in production" in told
