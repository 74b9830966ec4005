"""What the README shows is what there is."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
SEND = (CHECKOUT / "examples" / "send.py").read_text(encoding="utf-8")


def test_the_script_that_sends_a_build_is_the_example_line_by_line() -> None:
    assert re.findall(r"```python\n(.*?)```", README, re.DOTALL) == [SEND]
    assert "python examples/send.py" in README


def test_the_script_has_ten_lines_at_most() -> None:
    assert len([line for line in SEND.splitlines() if line.strip()]) <= 10


def test_every_page_that_the_readme_names_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
