"""`slipway plan` of a stage with a feature flag; the pipeline of docs/flags.md is one."""

import re
from pathlib import Path

import pytest

from slipway.promotion.pipeline import lint
from tests.cli.conftest import Slipway

PAGE = (Path(__file__).parents[2] / "docs" / "flags.md").read_text(encoding="utf-8")
SNIPPET = re.findall(r"```yaml\n(      flag:.*?)```", PAGE, re.DOTALL)[0]
PIPELINE = re.findall(r"```yaml\n(service:.*?)```", PAGE, re.DOTALL)[0]


def test_the_pipeline_of_the_page_works() -> None:
    assert lint(PIPELINE, "flags.md") == []


@pytest.mark.parametrize(
    "words",
    [
        "the flag new-checkout (production) for tess@shop.example, group insiders alone, verified as tess@shop.example",
        "then to users, adaptive ramp 5 · 25 · 50 · 100 %, judged every 1 min",
        "on proven harm: the flag goes off for everybody, the release stays, and the stage has failed",
        "or took more than 2000 ms",
        "Microsoft.AppConfiguration/configurationStores/keyValues/write",
    ],
)
def test_a_plan_says_who_has_the_flag_first_and_what_happens_on_harm(
    slipway: Slipway, tmp_path: Path, words: str
) -> None:
    file = tmp_path / "checkout.yaml"
    file.write_text(PIPELINE, encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0, result.stderr
    assert words in " ".join(result.stdout.split())


def compared() -> str:
    """The page's pipeline with the page's comparison."""
    lines = PIPELINE.splitlines(keepends=True)
    begins = next(number for number, line in enumerate(lines) if line.startswith("      flag:"))
    ends = next(number for number, line in enumerate(lines) if line.startswith("    bake:"))
    return "".join([*lines[:begins], SNIPPET, *lines[ends:]])


def test_the_comparison_of_the_page_works() -> None:
    assert lint(compared(), "flags.md") == []


@pytest.mark.parametrize(
    "words",
    [
        "then to users, adaptive ramp 5 · 25 · 50 %, judged every 1 min",
        "at 50 % of the users, control (classic) and treatment (fast) are compared by those who tell OrderPlaced",
        "looked at every 1 h, decided after 7 d at the earliest and 14 d at the latest; the environment is taken",
        "the better one becomes everybody's; a winner is named wrongly in 5% of comparisons at most",
        "no difference as large as 2 %, or time over: the control stays, and the flag goes off",
    ],
)
def test_a_plan_says_how_variants_are_compared(slipway: Slipway, tmp_path: Path, words: str) -> None:
    file = tmp_path / "checkout.yaml"
    file.write_text(compared(), encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0, result.stderr
    assert words in " ".join(result.stdout.split())
