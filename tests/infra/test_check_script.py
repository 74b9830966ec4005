"""`make infra-check` says what it could not check, and takes no silence for a yes."""

import os
import re
from pathlib import Path

import pytest

from infra.checks import check

INFRA = Path(__file__).parents[2] / "infra"
WELL = "bicep scan results:\n\nPassed checks: 32, Failed checks: 0, Skipped checks: 18\n"


def test_checkov_is_believed_when_it_read_every_file_and_failed_nothing() -> None:
    assert check.summed_up("bicep", True, WELL).verdict == "ok"


@pytest.mark.parametrize(
    ("well", "words"),
    [
        (True, WELL.replace("18\n", "18, Parsing errors: 1\n")),  # the exit code is 0 all the same
        (True, WELL.replace("checks: 32", "checks: 0")),
        (False, WELL.replace("Failed checks: 0", "Failed checks: 2")),
        (True, ""),
        (False, "Traceback"),
    ],
)
def test_checkov_is_not_believed_otherwise(well: bool, words: str) -> None:
    assert check.summed_up("bicep", well, words).verdict == "FAILED"


def test_what_is_absent_is_said_to_be_not_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHECKOV", raising=False)
    said = [*check.bicep(), *check.terraform(), *check.checkov()]
    assert [each.verdict for each in said] == ["not checked"] * 3
    assert all("is not here" in each.words for each in said)


# As terraform 1.11 writes it, with its lines broken where it breaks them.
UNREACHED = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider
hashicorp/azurerm: could not connect to registry.terraform.io: failed to
request discovery document: Get
"https://registry.terraform.io/.well-known/terraform.json": dial tcp: lookup
registry.terraform.io on 10.0.0.2:53: no such host

To see which modules are currently depending on hashicorp/azurerm and what
versions are specified, run the following command:
    terraform providers
"""
UNANSWERED = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider azure/azapi:
could not query provider registry for registry.terraform.io/azure/azapi: the
request failed after 2 attempts, please try again later: Get
"https://registry.terraform.io/v1/providers/azure/azapi/versions": context
deadline exceeded
"""
NO_MODULE = """
Error: Unreadable module directory

Unable to evaluate directory symlink: lstat modules/entraX: no such file or
directory
"""
NO_VERSION = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider
hashicorp/azurerm: no available releases match the given constraints ~> 55.2
"""
TWICE = """
Error: Terraform encountered problems during initialisation, including problems
with the configuration, described below.

Error: Duplicate variable declaration

  on variables.tf line 10:
  10: variable "location" {
"""
NO_PROVIDER = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider
hashicorp/azapi: provider registry registry.terraform.io does not have a
provider named registry.terraform.io/hashicorp/azapi
"""


@pytest.mark.parametrize("words", [UNREACHED, UNANSWERED, UNREACHED + UNANSWERED])
def test_a_registry_that_is_not_reached_leaves_terraform_unchecked(words: str) -> None:
    assert check.out_of_reach(words)


@pytest.mark.parametrize(
    "words", [NO_MODULE, NO_VERSION, TWICE, NO_PROVIDER, UNREACHED + NO_VERSION, "", "not done within 120 s"]
)
def test_any_other_failure_of_terraform_is_a_failure(words: str) -> None:
    assert not check.out_of_reach(words)


# A `terraform` whose init fails with the words of $WORDS.
TERRAFORM = """#!/bin/sh
if [ "$1" = init ]; then cat "$WORDS" >&2; exit 1; fi
"""


@pytest.mark.parametrize(("words", "verdict"), [(UNREACHED, "not checked"), (NO_MODULE, "FAILED"), (TWICE, "FAILED")])
def test_what_terraform_says_of_a_mistake_is_said_and_is_no_success(
    words: str, verdict: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "terraform").write_text(TERRAFORM)
    (tmp_path / "terraform").chmod(0o755)
    (tmp_path / "words").write_text(words)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("WORDS", str(tmp_path / "words"))
    _, *validated = check.terraform()
    assert [each.verdict for each in validated] == [verdict] * 3
    assert all((words.strip() in each.words) is (verdict == "FAILED") for each in validated)


def test_every_exception_from_a_check_is_argued() -> None:
    texts = [path.read_text() for path in INFRA.rglob("*") if path.suffix in (".bicep", ".tf")]
    reasons = [
        re.fullmatch(r"(CKV2?_AZURE_\d+): (.{20,})", each)
        for text in texts
        for each in re.findall(r"checkov:skip=(.*)", text)
    ]
    assert len(reasons) > 20 and all(reasons)
    assert all(len(reason) > 20 for reason in check.UNFIT.values())
