"""Only succeeded builds of the pipeline's branches are promoted."""

import time
from datetime import UTC, datetime

import pytest

from slipway.promotion.build import Build
from slipway.promotion.errors import NotForPromotion
from slipway.promotion.matching import branch_matches, check_for_promotion
from slipway.promotion.pipeline import Pipeline, read_pipeline
from tests.promotion.pipeline_texts import CHECKOUT


def a_build_of(branch: str, result: str = "succeeded") -> Build:
    finished_at = datetime(2026, 3, 1, tzinfo=UTC)
    return Build("checkout", "1.4.2", "abc123", branch, "bob@shop.example", finished_at, result)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return read_pipeline(CHECKOUT, "checkout.yaml")


@pytest.mark.parametrize("branch", ["main", "refs/heads/main", "release/1.4"])
def test_a_succeeded_build_of_a_promoted_branch_is_for_promotion(branch: str, pipeline: Pipeline) -> None:
    check_for_promotion(a_build_of(branch), pipeline)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("failed", "checkout 1.4.2 is not promoted: CI says that the build failed"),
        ("canceled", "checkout 1.4.2 is not promoted: CI says that the build was canceled"),
        (
            "partially-succeeded",
            "checkout 1.4.2 is not promoted: CI says that the build only partially succeeded",
        ),
    ],
)
def test_a_build_that_did_not_succeed_is_not_for_promotion(result: str, words: str, pipeline: Pipeline) -> None:
    with pytest.raises(NotForPromotion) as refused:
        check_for_promotion(a_build_of("main", result), pipeline)
    assert (refused.value.code, refused.value.words) == ("BUILD_NOT_SUCCEEDED", words)


def test_another_branch_is_not_for_promotion(pipeline: Pipeline) -> None:
    with pytest.raises(NotForPromotion) as refused:
        check_for_promotion(a_build_of("feature/x"), pipeline)
    assert refused.value.code == "BRANCH_NOT_PROMOTED"
    assert refused.value.words == (
        'checkout 1.4.2 was built from "feature/x"; the pipeline promotes only main, release/*'
    )


@pytest.mark.parametrize(
    ("pattern", "branch", "matches"),
    [
        ("main", "main", True),
        ("main", "Main", False),
        ("main", "main2", False),
        ("main", "feature/main", False),
        ("release/*", "release/1.4", True),
        ("release/*", "release/", True),
        ("release/*", "release", False),
        ("release/*", "release/1.4/fix", False),
        ("release/**", "release/1.4/fix", True),
        ("release/*/fix", "release/1.4/fix", True),
        ("*", "main", True),
        ("*", "feature/x", False),
        ("**", "feature/x", True),
        ("**/fix", "a/b/fix", True),
        ("v*.x", "v1.x.x", True),
        ("v.x", "v1x", False),
    ],
)
def test_a_star_stays_within_one_part_of_the_name_and_two_cross_slashes(
    pattern: str, branch: str, matches: bool
) -> None:
    assert branch_matches(pattern, branch) is matches


def test_no_pattern_is_slow() -> None:
    began = time.process_time()
    assert not branch_matches("**a" * 66, "a" * 249 + "b")
    assert not branch_matches("*a" * 100 + "c", "a" * 250)
    assert time.process_time() - began < 2
