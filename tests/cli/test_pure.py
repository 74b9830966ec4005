"""`lint` and `plan` read files, and need no server."""

import json
from pathlib import Path

import pytest

from slipway.cli.pure import in_order
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from tests.cli.conftest import Slipway

SHIPPED = Path(__file__).parents[2] / "pipelines" / "checkout.yaml"


@pytest.fixture
def offline(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:1")
    return slipway


def test_the_shipped_pipeline_is_clean(offline: Slipway) -> None:
    result = offline("lint", str(SHIPPED))
    assert result.exit_code == 0
    assert result.stdout == "✓ 1 pipeline, nothing to mend\n"


def test_a_finding_names_file_line_and_the_word_that_was_meant(offline: Slipway, tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace("    approval:\n", "    aproval:\n")
    (tmp_path / "shop.yaml").write_text(text)
    result = offline("lint", "shop.yaml")
    line = text.splitlines().index("    aproval:") + 1
    assert result.exit_code == 7
    assert f"shop.yaml:{line}:" in result.stdout
    assert 'did you mean "approval"?' in result.stdout


def test_findings_of_all_files_are_one_document(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("service: A\n")
    (tmp_path / "b.yaml").write_text("[")
    result = offline("lint", "a.yaml", "b.yaml", "--json")
    assert {finding["file"] for finding in json.loads(result.stdout)["findings"]} == {"a.yaml", "b.yaml"}


def test_a_file_that_is_not_there_is_wrong_usage(offline: Slipway) -> None:
    assert offline("lint", "nothing.yaml").exit_code == 2
    assert offline("plan", "nothing").exit_code == 2


def test_a_file_that_is_not_text_is_a_finding_and_hides_no_others(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"ab\xff\xfe\x00")
    (tmp_path / "shop.yaml").write_text("service: Shop\n")
    spoken = offline("lint", "binary.yaml", "shop.yaml")
    assert spoken.exit_code == 7
    assert "binary.yaml:1:1: NOT_TEXT is not UTF-8 text" in spoken.stdout
    assert "shop.yaml:1:10: INVALID_NAME" in spoken.stdout
    written = offline("lint", "shop.yaml", "binary.yaml", "--json")
    assert written.exit_code == 7
    found = [(each["file"], each["code"]) for each in json.loads(written.stdout)["findings"]]
    assert ("shop.yaml", "INVALID_NAME") in found
    assert found[-1] == ("binary.yaml", "NOT_TEXT")
    planned = offline("plan", "binary.yaml")
    assert (planned.exit_code, planned.stdout.split()[1]) == (7, "NOT_TEXT")


def test_a_plan_of_a_misspelled_service_or_file_names_the_nearest(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "checkout.yaml").write_text(SHIPPED.read_text())
    for misspelled, meant in (("chekout", "checkout"), ("pipelines/chekout.yaml", "pipelines/checkout.yaml")):
        result = offline("plan", misspelled)
        assert result.exit_code == 2
        assert f"did you mean {meant}?" in result.stderr


def test_a_plan_says_what_happens_stage_by_stage(offline: Slipway) -> None:
    page = offline("plan", str(SHIPPED), "--version", "1.2.3").stdout
    assert [line for line in page.splitlines() if line[:1].isdigit()] == [
        "1. dev",
        "2. test  after dev",
        "3. staging  after test",
        "4. production  after staging",
    ]
    assert "checkout/1.2.3.zip" in page
    assert "1 of role:release-manager, not the author, within 8 h" in page
    assert "load 40/s on / for 4 s: p95 at most 300 ms, errors at most 2 %" in page
    assert "way back" in page
    assert max(len(line) for line in page.splitlines()) <= 110


def test_a_service_is_looked_up_in_the_folder_of_pipelines(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "checkout.yaml").write_text(SHIPPED.read_text())
    document = json.loads(offline("plan", "checkout", "--json").stdout)
    assert [stage["name"] for stage in document["stages"]] == ["dev", "test", "staging", "production"]


def test_a_plan_of_a_broken_pipeline_shows_the_findings(offline: Slipway, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("service: Shop\n")
    result = offline("plan", "shop.yaml")
    assert result.exit_code == 7
    assert "shop.yaml:1:" in result.stdout


def test_stages_come_after_what_they_need_however_the_file_orders_them() -> None:
    text = SHIPPED.read_text()
    plan = compile_plan(read_pipeline(text, "checkout.yaml"), digest_of(text))
    backwards = tuple(reversed(plan.stages))
    assert [stage.name for stage in in_order(backwards)] == ["dev", "test", "staging", "production"]


def test_a_plan_says_which_header_comes_from_which_secret(offline: Slipway, tmp_path: Path) -> None:
    headers = "headers: {x-probe-key: {secret: probe-key}, accept: text/plain}"
    text = SHIPPED.read_text().replace("interval: 300ms", f"interval: 300ms, {headers}", 1)
    (tmp_path / "shop.yaml").write_text(text)
    result = offline("plan", "shop.yaml")
    words = " ".join(result.stdout.split())
    assert "sends x-probe-key from the secret probe-key, accept: text/plain" in words
    document = json.loads(offline("plan", "shop.yaml", "--json").stdout)
    assert document["stages"][0]["health"]["headers"][0] == {"name": "x-probe-key", "value": "", "secret": "probe-key"}
