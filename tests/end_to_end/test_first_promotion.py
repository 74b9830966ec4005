"""The first promotion of docs/deploy.md: its lines, one after the other, by whoever the page makes of the reader."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from slipway.cli.laptop.layout import ANY_PORTS, STAND_IN_URL, checkout
from slipway.cli.laptop.supervisor import Laptop
from tests.end_to_end.system import QuickLayout, System

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
FIRST = ROOT / "examples" / "first.yaml"
# What is the reader's to change, and the times, which are a real service's.
OF_THE_LAPTOP = {
    "https://packages.shop.example": STAND_IN_URL,
    "00000000-0000-0000-0000-000000000000": "00000000-0000-4000-8000-000000000001",
    "successes: 3": "successes: 2, interval: 100ms",
    "bake: 5m": "bake: 1s",
    "bake: 15m": "bake: 1s",
}
ASKS = "role:release-manager"  # as the watch says it


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def lines() -> list[str]:
    """The commands of the page's second block, as they are typed, with what they are for."""
    blocks = re.findall(r"```sh\n(.*?)```", section("The first promotion"), re.DOTALL)
    assert "cp examples/first.yaml services/checkout.yaml" in blocks[0]
    return [line for line in blocks[1].splitlines() if line]


def roles_of_the_reader() -> list[str]:
    """`azd up` makes an admin; the rest is given by the page."""
    return ["admin", *re.findall(r"give_role\.py (\S+)", section("People"))]


@dataclass(frozen=True)
class OfTheReader(QuickLayout):
    """The laptop with the page's pipeline, where the reader and a colleague with `azd up`'s role alone are known."""

    @property
    def people(self) -> Path:
        shipped = yaml.safe_load(super().people.read_text(encoding="utf-8"))
        people = {each["id"]: each for each in shipped["people"]}
        people["alice"]["roles"], people["dave"]["roles"] = roles_of_the_reader(), ["admin"]
        file = self.state / "people.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({**shipped, "people": [*people.values()]}), encoding="utf-8")
        return file


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("first")
    text = FIRST.read_text(encoding="utf-8")
    for theirs, ours in OF_THE_LAPTOP.items():
        assert theirs in text, f"{FIRST.name} no longer says {theirs}"
        text = text.replace(theirs, ours)
    (folder / "checkout.yaml").write_text(text, encoding="utf-8")
    layout = OfTheReader(checkout(), folder / "state", ANY_PORTS, pipeline=folder / "checkout.yaml")
    with Laptop(layout, lambda _: None) as laptop:
        yield System(laptop)


def slipway(system: System, line: str, who: str = "alice", until: str = "") -> tuple[int, str]:
    """Type a line; with `until` press Ctrl-C when that is said. Exit code and all that was said."""
    command = [sys.executable, "-c", "from slipway.cli.main import app; app()", *shlex.split(line, comments=True)[1:]]
    own = {"SLIPWAY_URL": system.run.url, "SLIPWAY_TOKEN": system.token(who), "PYTHONUNBUFFERED": "1"}
    said = ""
    with subprocess.Popen(
        command, env={**os.environ, **own}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as typed:
        assert typed.stdout is not None
        for words in typed.stdout:
            said += words
            if until and until in words:
                typed.send_signal(signal.SIGINT)
    return typed.returncode, said


@pytest.mark.timeout(180)
def test_the_lines_of_the_page_lead_from_a_build_to_production(system: System) -> None:
    told = lines()
    approve = next(line for line in told if line.startswith("slipway approve"))
    assert [line.split()[1] for line in told] == ["plan", "submit", "status", "approve", "status"]
    for line in told:
        waits = "until production asks" in line
        code, said = slipway(system, line, until=ASKS if waits else "")
        assert waits or code == 0, f"{line}\n{said}"
        if line.split()[1] == "submit":
            system.until_state(told[-1].split()[2], "dev", "deploying", "verifying", "baking", "passed")
            code, said = slipway(system, approve)
            assert code != 0 and "does not ask for an approval now" in said, said
        if waits:
            assert ASKS in said, said
            code, said = slipway(system, approve, who="dave")  # whom `azd up` alone makes of its reader
            assert code != 0 and "none of role:release-manager" in said, said
    (id,) = {each.split()[2] for each in told if each.split()[1] in ("approve", "status")}
    assert system.live(id) == {"dev": "1.1.0", "weu": "1.1.0"}
