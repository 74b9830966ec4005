"""What docs/deploy.md says that Slipway costs: sums of the prices in its table, and as many things as there are."""

import json
import re
from pathlib import Path

from tests.infra import fits
from tests.infra.test_agreement import BICEP

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## What it costs\n")[2].partition("\n## ")[0]


def test_its_sums_are_right_and_made_of_the_prices_in_its_table() -> None:
    assert 500 * (300 + 60 * 10) == 450_000 and "450,000 actions" in SECTION
    floor = 30 * 24 * 60 * 1 * BICEP.parameters["instanceMemoryMB"] // 1024
    work = 500 * 60 * 2
    assert f"{floor:,} GB-s" in SECTION and f"{floor + work:,} GB-s" in SECTION
    active = (floor + work) * _price("*f*")
    assert f"= ${active:.2f} before anything free" in SECTION
    assert f"about ${active + _price('Service Bus Standard'):.0f}, the alert rules, and the actions" in SECTION
    assert _price("*l*") == 2.3 and _free_gb() > 3, "3 GB of logs cost nothing"
    assert f"${2 * 2_592_000 * 0.000004:.0f}." in SECTION
    assert "(eight)" in SECTION


def _row(title: str) -> str:
    (found,) = [line for line in SECTION.splitlines() if line.startswith(f"| {title}")]
    return found


def _price(title: str) -> float:
    """The first price of a row."""
    return float(re.findall(r"\$([\d.,]+\d)", _row(title))[0].replace(",", ""))


def _free_gb() -> int:
    (free,) = re.findall(r"(\d+) GB free", _row("*l*"))
    return int(free)


def test_alert_rules_are_among_the_costs_as_many_as_there_are() -> None:
    row = _row("alert rules")
    rules = json.loads((INFRA / "alerts.json").read_text())
    every = [sum(each["every"] == f"PT{minutes}M" for each in rules) for minutes in (5, 10, 15)]
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    words += ["eleven", "twelve"]
    five, ten, fifteen = (words[count] for count in every)
    assert sum(every) == len(rules)
    assert f"{words[len(rules)]} on logs ({five} run every 5 minutes, {ten} every 10, {fifteen} every 15)" in row
    assert f"{words[len(BICEP.alerts)]} on metrics" in row
    prices = [float(each) for each in re.findall(r"\$(\d\.\d\d)", row)]
    total = sum(count * price for count, price in zip(every, prices, strict=True))
    assert f"log rule: ${total:.2f}," in row and row.endswith("| ? |")


def test_the_endpoints_are_as_many_as_the_page_says() -> None:
    variables = fits.files(INFRA)[(INFRA / "modules" / "private-ways.bicep").resolve()].of("var")
    assert len(variables["always"].value) + len(variables["onScheduler"].value) == 8
