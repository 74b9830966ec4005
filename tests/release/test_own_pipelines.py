"""Whoever makes the first promotion of docs/deploy.md has a checkout whose tests still pass, and a package with it."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
IN_AZURE = (ROOT / "docs" / "in-azure.md").read_text(encoding="utf-8")
SLIPWAY = [sys.executable, "-c", "from slipway.cli.main import app; app()"]
PEOPLE = "people.yaml"
# What looks at the pipelines of the checkout, and at what is packed.
TESTS = [
    "tests/cli/test_shipped_pipelines.py",
    "tests/cli/test_pure.py",
    "tests/release/test_package.py::test_what_runs_in_azure_is_in_it_and_what_does_not_is_not",
]
READS = """
import json
from slipway.adapters.pipelines import PipelineFolder
from slipway.settings import settings
folder = PipelineFolder(settings().pipelines)
print(json.dumps([sorted(folder.all()), [finding.code for finding in folder.findings()]]))
"""


def lines() -> list[str]:
    """The commands of the section's first block, and that for people."""
    section = PAGE.partition("\n## The first promotion\n")[2].partition("\n## ")[0]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0]
    assert f"`git add {PEOPLE}`" in IN_AZURE
    return [*block.splitlines(), f"cp examples/{PEOPLE} {PEOPLE}", f"git add {PEOPLE}"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which every line of the page was typed but those for Azure."""
    copy = tmp_path_factory.mktemp("copy")
    tracked = _run(["git", "ls-files", "-z"], ROOT).split("\0")
    for name in tracked:
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    _run(["git", "init", "--quiet"], copy)
    _run(["git", "add", "--all"], copy)
    for line in lines():
        words = shlex.split(line, comments=True)
        if words[0] != "azd":
            _run([*SLIPWAY, *words[1:]] if words[0] == "slipway" else words, copy)
    return copy


@pytest.mark.timeout(180)
def test_the_tests_pass_in_a_checkout_with_a_pipeline_of_ones_own(copy: Path) -> None:
    _run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *TESTS], copy)


def test_it_travels_with_the_package_and_the_app_finds_it_where_the_page_sets_the_folder(copy: Path) -> None:
    builder = runpy.run_path(str(copy / "infra" / "package.py"))
    builder["write_package"](copy, None, copy / "build" / "slipway.zip")
    builder["unpack"](copy / "build" / "slipway.zip", copy / "build" / "app")
    assert (copy / "build" / "app" / PEOPLE).is_file()
    (told,) = re.findall(r"azd env set SLIPWAY_PIPELINES_FOLDER /home/site/wwwroot/(\S+)", "\n".join(lines()))
    found = _run([sys.executable, "-c", READS], copy, SLIPWAY_PIPELINES=str(copy / "build" / "app" / told))
    assert json.loads(found) == [["checkout"], []]


def _run(command: list[str], folder: Path, **more: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SLIPWAY_"))}
    environment = {**inherited, "PYTHONPATH": str(folder), **more}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
