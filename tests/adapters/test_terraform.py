"""Terraform as a job through the real SDK: real plans, applied exactly as they were saved."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from slipway.adapters.terraform import Terraform
from slipway.adapters.terraform.plan_log import summary_of, text_of, without_secrets
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import HIDDEN, LONGEST_TEXT, PLANNED
from tests.adapters.stack import now
from tests.laptop import AzureStandin
from tests.laptop_holds import INFRA
from tests.patience import AZURES

Follow = Callable[..., Answer]


class Infra:
    """A job of the team's image, driven as the activities drive it."""

    numbers = itertools.count(1)

    def __init__(self, azure: AzureStandin, name: str, follow: Follow, **section: str) -> None:
        self.azure, self.name, self.follow = azure, name, follow
        settings = {"terraform": {"image": f"{INFRA}:{{version}}", "within": 60.0, "deletes": "refuse", **section}}
        self.target = Target(name, "terraform", azure.job(name), "", settings=settings)
        self.service = Terraform(azure.logging, log_within=AZURES * timedelta(seconds=2))

    def deploy(self, version: str) -> Answer:
        started = self.service.start_deployment(self.target, "", self._operation("deploy"), now(), False, version)
        return self.follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), started)

    def planned(self, version: str) -> Target:
        found = self.deploy(version)
        assert found.outcome is Outcome.PASSED, found
        return replace(self.target, settings={**self.target.settings, PLANNED: found.result["planned"]})

    def swap(self, version: str, target: Target | None = None) -> Answer:
        to = target or self.target
        started = self.service.start_swap(to, version, self._operation("swap"), now(), False)
        return self.follow(lambda last: self.service.poll_swap(to, last.handle, version), started)

    def release(self, version: str) -> None:
        answer = self.swap(version, self.planned(version))
        assert answer.outcome is Outcome.PASSED, answer

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    def _operation(self, step: str) -> str:
        return f"{self.azure.unique}shop--1:dev:{self.name}:{step}:{next(self.numbers)}"


def test_a_plan_is_shown_then_applied_exactly_and_the_release_before_is_planned_anew(
    azure: AzureStandin, until_ended: Follow
) -> None:
    infra = Infra(azure, "infra", until_ended)
    assert infra.versions == (None, None)
    infra.release("1.0.0")
    assert infra.versions == ("1.0.0", None)
    shown = infra.deploy("1.1.0").result["changes"]
    assert shown.splitlines() == [
        "0 to create, 2 to modify, 0 to delete",
        f"  ~ password = {HIDDEN}",
        "  ~ plan = 1.1.0",
    ]
    assert infra.versions == ("1.0.0", None), "a plan changes nothing"
    stale = infra.planned("1.1.0")
    infra.release("1.1.0")
    assert infra.versions == ("1.1.0", "1.0.0")
    assert "already" in infra.swap("1.1.0").words

    refused = infra.swap("1.2.0", stale)
    assert (refused.outcome, refused.code) == (Outcome.BROKEN, "PLAN_CHANGED")
    assert infra.versions == ("1.1.0", "1.0.0"), "a stale plan is not applied"

    elsewhere = infra.target.running("registry.example/nobody:{version}")  # the tag of 1.0.0 is gone, say
    back = infra.swap("1.0.0", elsewhere)
    assert back.outcome is Outcome.PASSED, "planned and applied by the image that has applied it before"
    assert infra.versions == ("1.0.0", "1.1.0")


def test_what_would_be_destroyed_is_refused_and_half_an_apply_says_so(azure: AzureStandin, until_ended: Follow) -> None:
    infra = Infra(azure, "infra-faults", until_ended)
    infra.release("1.0.0")
    refused = infra.deploy("2.0.0-drops")
    assert (refused.outcome, refused.code) == (Outcome.FAILED, "DELETES_REFUSED")
    assert refused.words.startswith("infra-faults: DELETES 1 resource; ") and "- database" in refused.log
    allowing = Infra(azure, "infra-faults", until_ended, deletes="allow")
    assert allowing.deploy("2.0.0-drops").result["changes"].startswith("DELETES 1 resource; ")

    unsaid = infra.swap("4.0.0", infra.planned("4.0.0").running("registry.example/nobody:{version}"))
    assert unsaid.code == "JOB_NOT_RUN" and infra.versions == ("4.0.0 (not whole)", "1.0.0"), "it may have begun"
    assert infra.swap("1.0.0").outcome is Outcome.PASSED

    failed = infra.swap("3.0.0-badapply", infra.planned("3.0.0-badapply"))
    assert (failed.outcome, failed.code) == (Outcome.FAILED, "APPLY_FAILED"), "whatever its log says of stale plans"
    assert "quota exceeded (elsewhere: Saved plan is stale)" in failed.log
    assert infra.versions == ("3.0.0-badapply (not whole)", "1.0.0")
    assert infra.swap("1.0.0").outcome is Outcome.PASSED
    assert infra.versions == ("1.0.0", None)


def test_a_plan_that_fails_or_that_nobody_can_see_is_not_asked_about(azure: AzureStandin, until_ended: Follow) -> None:
    infra = Infra(azure, "infra-odd", until_ended)
    bad = infra.deploy("1.0.0-badplan")
    assert (bad.outcome, bad.code) == (Outcome.FAILED, "PLAN_FAILED") and "Unsupported argument" in bad.log
    unseen = infra.deploy("1.0.0-silent")
    assert (unseen.outcome, unseen.code) == (Outcome.BROKEN, "PLAN_UNSEEN")
    assert f"password = {HIDDEN}" in unseen.log and "of-1.0.0-silent" not in str(unseen.dump())
    missing = Infra(azure, "infra-odd", until_ended, image="registry.example/nobody:{version}").deploy("1.0.0")
    assert (missing.outcome, missing.code) == (Outcome.BROKEN, "JOB_NOT_RUN")
    azure.fault("GET", "/jobs/infra-odd/executions", times=9, answer={"status": 403})
    denied = infra.swap("1.0.0")
    azure.forget_faults()
    assert (denied.outcome, denied.code) == (Outcome.BROKEN, "AZURE_DENIED")


@pytest.mark.parametrize("log", ["", "{}", "[1]", '{"add": 1, "change": 2}', '{"add": -1, "change": 0, "destroy": 0}'])
def test_what_is_no_summary_is_none(log: str) -> None:
    assert summary_of(log) is None


def test_the_last_summary_counts_and_secrets_and_colours_are_left_out() -> None:
    summary = json.dumps({"add": 1, "change": 0, "destroy": 2})
    log = f'\x1b[32m+ create\x1b[0m\n  client_secret = "abc"\n  url = "https://u:p@host/"\n{summary}\n'
    assert summary_of(f'{{"add": 9, "change": 9, "destroy": 9}}\n{log}') == json.loads(summary)
    assert text_of({"add": 1, "change": 0, "destroy": 2}, without_secrets(log)).splitlines() == [
        "DELETES 2 resources; 1 to create, 0 to modify, 2 to delete",
        "+ create",
        f"  client_secret = {HIDDEN}",
        f"  url = {HIDDEN}",
    ]
    assert len(text_of({"add": 1, "change": 0, "destroy": 0}, "line\n" * 2000)) <= LONGEST_TEXT


def test_blocks_that_may_hold_secrets_are_left_out_as_blocks() -> None:
    log = """\
      + "beginning of a key that was cut off",
    -----END PRIVATE KEY-----
  ~ resource "azurerm_key_vault_secret" "db" {
      + values_yaml = <<-EOT
            db:
              user: hunter2
        EOT
      ~ secrets = [
          - "hunter2",
          + {
              + user = "hunter2"
            },
        ]
      + certificate = "-----BEGIN PRIVATE KEY-----
MIIhunter2
-----END PRIVATE KEY-----"
      + smtp = jsonencode({ password = "hunter2" })
      + size = "S1"
    }
Error: exit status 1"""
    assert without_secrets(log).splitlines() == [
        HIDDEN,
        '  ~ resource "azurerm_key_vault_secret" "db" {',
        f"      + values_yaml = {HIDDEN}",
        f"      ~ secrets = {HIDDEN}",
        HIDDEN,
        f"      + smtp = {HIDDEN}",
        '      + size = "S1"',
        "    }",
        "Error: exit status 1",
    ]
    assert without_secrets("hunter2\n  EOT\nwell") == f"{HIDDEN}\nwell"


def test_one_execution_at_a_time_since_they_share_a_state(azure: AzureStandin, until_ended: Follow) -> None:
    infra = Infra(azure, "infra", until_ended)
    other = {"name": "infra-by-hand", "properties": {"status": "Running"}}
    azure.fault("GET", "/jobs/infra/executions", answer={"status": 200, "body": {"value": [other]}})
    waiting = infra.service.start_deployment(infra.target, "", "op-alone", now(), False, "1.0.0")
    assert waiting.running and waiting.words.endswith("waits for the end of infra-by-hand")
