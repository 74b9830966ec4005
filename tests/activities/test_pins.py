"""What a promotion deploys is found once, however often it is asked."""

from typing import Any

import pytest
import requests

from slipway.adapters.intake import mark_aborted
from slipway.local.azure.artifacts import build_package
from slipway.promotion.outcomes import Answer, Outcome
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.laptop_holds import PINNED_IMAGE

pytestmark = pytest.mark.usefixtures("configured")


def pin(app: AppHost, promotion: Promotion, **more: Any) -> Answer:
    order = {"promotion": promotion.id, "operation": f"{promotion.id}:pin:1", "digest": ""}
    return app.activity("pin_artifacts", {**order, "artifacts": [f"{PINNED_IMAGE}:{promotion.version}"], **more})


def move_the_tag(azure: AzureStandin, version: str) -> None:
    ca = str(azure.settings.ca_file)
    other = build_package("checkout", "9.9.9")
    requests.put(azure.package(version), data=other, verify=ca, timeout=5).raise_for_status()


def test_a_repeat_answers_what_was_found_first_though_the_tag_has_moved(
    app: AppHost, promotion: Promotion, azure: AzureStandin
) -> None:
    azure.fault("GET", "/v2/checkout/manifests/", answer={"status": 503})
    waiting = pin(app, promotion)
    assert waiting.running and waiting.words.startswith(f"{PINNED_IMAGE}:{promotion.version} cannot be pinned: ")
    first = pin(app, promotion, handle=waiting.handle)
    assert first.outcome is Outcome.PASSED and "@sha256:" in first.result["pins"][0]["at"]
    move_the_tag(azure, promotion.version)
    assert pin(app, promotion).result == first.result
    other = pin(app, promotion, operation=f"{promotion.id}:pin:2")
    assert other.result != first.result, "the registry has another one now"


def test_an_aborted_promotion_looks_for_nothing(app: AppHost, promotion: Promotion) -> None:
    mark_aborted(promotion.id)
    assert pin(app, promotion).outcome is Outcome.CANCELLED
