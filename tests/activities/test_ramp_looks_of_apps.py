"""The look between two ticks, on a container app: its own address is drawn by weight, a revision's is not."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from slipway.promotion.plan import HealthCheck, Target
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE
from tests.promotion.pipeline_texts import a_pipeline, a_stage, an_app_target, of_images

APP = "drawn"
pytestmark = pytest.mark.usefixtures("configured")

NOWHERE = "http://localhost:1"
RAMPED = of_images(a_pipeline(a_stage("dev", "    rollout: {canary: {}}\n", target=an_app_target("dev"))))


class RampedApp:
    """A container app with `promotion`'s version beside 1.0.0, driven by the orders of a ramp."""

    def __init__(self, app: AppHost, promotion: Promotion, target: Target) -> None:
        self.app, self.promotion, self.target = app, promotion, target

    def change(self, step: str, **more: Any) -> dict[str, Any]:
        order = self.promotion.change("plain", step, **more)
        package = f"{IMAGE}:{self.promotion.version}"
        return {**order, "target": asdict(self.target), "package": package}

    @property
    def site(self) -> dict[str, str]:
        order = {"promotion": "any", "targets": [asdict(self.target)], "version_path": "/version"}
        survey = self.app.followed("survey_targets", order)
        found: dict[str, str] = survey.result["sites"][self.target.name]
        return found

    def look(self, site: dict[str, str]) -> Answer:
        canary = compile_plan(read_pipeline(RAMPED, "p.yaml"), digest_of(RAMPED)).stages[0].canary
        assert canary is not None
        return self.app.activity(
            "look_at_ramp",
            {
                "promotion": self.promotion.id,
                "version": self.promotion.version,
                "baseline": "1.0.0",
                "canary": asdict(canary),
                "targets": [asdict(self.target)],
                "sites": {self.target.name: site},
                "health": asdict(HealthCheck()),
                "every_s": 15.0,
                "counters": True,
            },
        )


@pytest.fixture
def ramped(app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int) -> RampedApp:
    """The new version is deployed, and nobody meets it yet."""
    it = RampedApp(app, promotion, azure.app(APP))
    assert app.followed("deploy", it.change("deploy", fence=fence)).outcome is Outcome.PASSED
    return it


def test_a_release_that_answers_badly_is_told_from_the_live_one_whatever_its_share(
    app: AppHost, ramped: RampedApp, fence: int
) -> None:
    """Of a hundred requests to the app one meets the live release."""
    site = ramped.site
    assert (site["previous"], site["idle_was"]) == ("1.0.0", ramped.promotion.version)
    assert app.followed("split", ramped.change("split", fence=fence, share=0.99)).outcome is Outcome.PASSED
    assert ramped.look(site).result == {"shares": {APP: 0.99}, "signals": [], "no_top_up": ""}
    seen = ramped.look({**site, "idle": NOWHERE})
    ((name, words),) = seen.result["signals"]
    assert name == "probe" and "does not answer" in words
    assert app.followed("split", ramped.change("split-back", fence=fence, share=0.0)).outcome is Outcome.PASSED


def test_an_outage_that_the_platform_counts_speaks_against_the_revision_that_has_it(
    azure: AzureStandin, ramped: RampedApp
) -> None:
    new = f"{APP}--v{ramped.promotion.version.replace('.', '-')}"
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    counts = [(new, "2xx", 70), (new, "5xx", 30), (f"{APP}--v1-0-0", "2xx", 900), (f"{APP}--v1-0-0", "5xx", 9)]
    told = [
        {
            "resource": azure.app(APP).resource,
            "minute": minute.isoformat(),
            "values": {"Requests": count},
            "dimensions": {"revisionName": revision, "statusCodeCategory": category},
        }
        for revision, category, count in counts
    ]
    url = f"{azure.url}/standin/readings"
    requests.post(url, json=told, verify=str(azure.settings.ca_file), timeout=10).raise_for_status()
    ((name, words),) = ramped.look(ramped.site).result["signals"]
    assert name == "counters" and "30 × 5xx" in words


def test_a_late_change_of_a_ramp_that_was_taken_back_has_no_effect(app: AppHost, ramped: RampedApp, fence: int) -> None:
    """The abort's rollback has a higher fence; what the ramp had asked for arrives after it."""
    assert app.followed("split", ramped.change("split", fence=fence, share=0.25)).outcome is Outcome.PASSED
    assert app.followed("split", ramped.change("split-back", fence=fence + 1, share=0.0)).outcome is Outcome.PASSED
    late = app.followed("split", ramped.change("split-late", fence=fence, share=0.5))
    assert (late.outcome, late.code) == (Outcome.CANCELLED, "FENCED")
    assert ramped.look(ramped.site).result["shares"] == {APP: 0.0}
