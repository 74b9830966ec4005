"""Packages of Slipway as they would be deployed one after another: this checkout's code, with what a test changes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.cli.laptop.layout import ANY_PORTS, checkout
from slipway.cli.laptop.supervisor import Laptop
from tests.end_to_end.system import QuickLayout

SAME = ("entities", "activities", "triggers")
ASKS = '    context.set_custom_status({"state": "waiting", "waits_for": "approval", "deadline": asked["deadline"]})\n'
ASKS_MORE = """    if not began_before(context.version, "{version}"):
        yield from called(context, "nudge", {{"waiters": []}})
"""


def package(folder: Path, version: str, changed_in: str = "") -> Path:
    """A package whose orchestrators are of that version. With `changed_in` the approval makes a call more in those that
    began in that version or later."""
    root = checkout()
    folder.mkdir(parents=True)
    for name in ("function_app.py", "functions.json", "blueprints.py"):
        shutil.copy(root / name, folder)
    shutil.copytree(root / "orchestrators", folder / "orchestrators", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SAME:
        (folder / name).symlink_to(root / name)
    host = json.loads((root / "host.json").read_text())
    host["extensions"]["durableTask"]["defaultVersion"] = version
    (folder / "host.json").write_text(json.dumps(host))
    if changed_in:
        _ask_more(folder / "orchestrators" / "approval.py", changed_in)
    return folder


def _ask_more(file: Path, version: str) -> None:
    text = file.read_text()
    assert text.count(ASKS) == 1, "the approval begins in another way now"
    text = text.replace(ASKS, ASKS + ASKS_MORE.format(version=version))
    imported = "from orchestrators.waiting import Durable, ask_decisions, given, nudge_or\n"
    assert imported in text
    more = "from orchestrators.waiting import Durable, ask_decisions, called, given, nudge_or\n"
    text = text.replace(imported, f"{more}from slipway.promotion.orchestration_version import began_before\n")
    file.write_text(text)


@dataclass(frozen=True)
class Deployed(QuickLayout):
    """The laptop whose host runs what the link `package` in the state folder points to."""

    @property
    def package(self) -> Path:
        return self.state / "package"

    def functions(self, *given: Any) -> list[str]:
        arguments = super().functions(*given)
        return [str(self.package) if each == str(self.root) else each for each in arguments]


def laptop(state: Path, first: Path) -> Laptop:
    """The system with that package, to be entered as a context. Its time stands until it is told to pass."""
    layout = Deployed(checkout(), state, ANY_PORTS, virtual_time=True)
    state.mkdir()
    layout.package.symlink_to(first)
    return Laptop(layout, lambda _: None)


def deploy(running: Laptop, state: Path, next_one: Path) -> None:
    """The host ends, at whatever it is, and the next package comes up in its place."""
    running.kill_host()
    (state / "package").unlink()
    (state / "package").symlink_to(next_one)
    running.start_host()
