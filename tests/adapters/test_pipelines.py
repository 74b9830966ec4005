"""Pipelines from a folder: found, read again when they change, and reported when they cannot be used."""

from pathlib import Path

import pytest

from slipway.adapters.pipelines import PipelineFolder
from slipway.promotion.pipeline import digest_of

SITE = "providers/Microsoft.Web/sites/shop-dev"
RESOURCE = f"/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/{SITE}"
SOUND = f"""\
service: {{service}}
owner: team-shop
artifact: {{{{zip: "https://feed.example/{{{{version}}}}.zip"}}}}
stages:
  - name: dev
    environment: dev
    targets: [{{{{name: dev, kind: app-service, resource: "{RESOURCE}"}}}}]
"""


def of(service: str) -> str:
    return SOUND.format(service=service)


def test_a_service_finds_its_pipeline_with_text_file_and_digest(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(of("shop"))
    (tmp_path / "cart.yml").write_text(of("cart"))
    (tmp_path / "notes.txt").write_text("service: nothing")
    folder = PipelineFolder(tmp_path)
    found = folder.find("shop")
    assert found == (of("shop"), "shop.yaml", digest_of(of("shop")))
    assert sorted(folder.all()) == ["cart", "shop"]
    assert folder.find("other") is None
    assert folder.findings() == []


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(of("shop"))
    assert PipelineFolder(tmp_path).find("shop") is not None
    path.write_text(of("shop") + "# changed\n")
    found = PipelineFolder(tmp_path).find("shop")
    assert found is not None and found.text.endswith("# changed\n")
    path.unlink()
    assert PipelineFolder(tmp_path).find("shop") is None


@pytest.mark.parametrize("text", [b"service: shop\n", b"stages: [", b"\xff\xfe", b"just words", b""])
def test_a_file_that_is_no_pipeline_is_reported_and_the_others_still_found(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(text)
    (tmp_path / "shop.yaml").write_text(of("shop"))
    folder = PipelineFolder(tmp_path)
    assert list(folder.all()) == ["shop"]
    assert {finding.file for finding in folder.findings()} == {"bad.yaml"}
    assert ("NOT_TEXT" in {finding.code for finding in folder.findings()}) == (text == b"\xff\xfe"), "lint's own word"


def test_a_second_pipeline_for_a_service_is_reported_and_the_first_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(of("shop"))
    (tmp_path / "b.yaml").write_text(of("shop") + "# other\n")
    folder = PipelineFolder(tmp_path)
    found = folder.find("shop")
    assert found is not None and found.file == "a.yaml"
    assert [(finding.file, finding.code) for finding in folder.findings()] == [("b.yaml", "SECOND_PIPELINE")]


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    folder = PipelineFolder(tmp_path / "nowhere")
    assert folder.find("shop") is None
    assert [finding.code for finding in folder.findings()] == ["NO_FOLDER"]


def test_flags_that_two_pipelines_change_are_told_and_keep_neither_from_being_used(
    tmp_path: Path,
) -> None:
    for service in ("shop", "cart"):
        (tmp_path / f"{service}.yaml").write_text(of(service) + "    flags: [{name: banner}]\n")
    folder = PipelineFolder(tmp_path)
    assert [(each.file, each.code) for each in folder.shared_flags()] == [("shop.yaml", "SHARED_FLAG")]
    assert folder.findings() == [] and sorted(folder.all()) == ["cart", "shop"]


def test_two_pipelines_that_claim_the_same_builds_are_reported_at_the_later_one(tmp_path: Path) -> None:
    claim = "builds: [{registry: {repository: shop/cart}}]\n"
    (tmp_path / "cart.yaml").write_text(of("cart") + claim)
    (tmp_path / "shop.yaml").write_text(of("shop") + claim)
    (tmp_path / "silent.yaml").write_text(of("silent"))
    folder = PipelineFolder(tmp_path)
    (finding,) = folder.findings()
    assert (finding.file, finding.code) == ("shop.yaml", "CLAIMED_TWICE")
    assert "repository shop/cart: cart takes these builds already (cart.yaml)" in finding.words
    assert list(folder.claims()) == ["cart", "shop", "silent"] and folder.claims()["silent"] == ()
