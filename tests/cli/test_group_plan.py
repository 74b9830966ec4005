"""What `slipway plan` says of a group."""

import re
from pathlib import Path

from tests.cli.conftest import Slipway

PAGE = Path(__file__).parents[2] / "docs" / "groups.md"


def test_a_plan_names_the_locks_the_packages_and_the_order(slipway: Slipway, tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "suite.yaml"
    file.write_text(text, encoding="utf-8")
    result = slipway("plan", str(file))
    assert result.exit_code == 0
    page = " ".join(result.stdout.split())
    assert "of production, of api, suite, web, worker, one after the other" in page
    assert "web-weu: app-service web, slot staging, of web, from https://feed.example/{service}-{version}.zip" in page
    assert (
        "in this order: api-weu; then web-weu, worker-weu; each verified live before the next, back in reverse" in page
    )
    assert "whatever speaks against one of api, web, worker takes all back" in page
