"""`make infra-check` says what it could not check, and takes no silence for a yes."""

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


def test_every_exception_from_a_check_is_argued() -> None:
    texts = [path.read_text() for path in INFRA.rglob("*") if path.suffix in (".bicep", ".tf")]
    reasons = [
        re.fullmatch(r"(CKV2?_AZURE_\d+): (.{20,})", each)
        for text in texts
        for each in re.findall(r"checkov:skip=(.*)", text)
    ]
    assert len(reasons) > 20 and all(reasons)
    assert all(len(reason) > 20 for reason in check.UNFIT.values())
