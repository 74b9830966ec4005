"""The workflows: they name commands and files that exist, hold no secret, and use the Pythons that Slipway runs on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
AZURE = [ROOT / ".azuredevops" / "release.yml"]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(node: Any) -> Iterator[str]:
    """Every script of a workflow, wherever it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script") and isinstance(value, str):
                yield value
            else:
                yield from commands(value)
    elif isinstance(node, list):
        for each in node:
            yield from commands(each)


@pytest.mark.parametrize("file", [*GITHUB, *AZURE], ids=lambda file: file.name)
def test_every_command_of_a_workflow_exists(file: Path) -> None:
    asked = list(commands(yaml.safe_load(file.read_text())))
    for command in asked:
        match command.split():
            case ["make", target, *_]:
                assert target in TARGETS, command
            case ["python3", script, *_]:
                assert (ROOT / script).is_file(), command
            case _:
                raise AssertionError(f"neither a make target nor a script of ours: {command}")
    assert asked


@pytest.mark.parametrize("file", [*GITHUB, *AZURE], ids=lambda file: file.name)
def test_no_workflow_holds_a_secret(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"secrets\.|password|publish-profile|client-secret|creds:", text, re.IGNORECASE)


@pytest.mark.parametrize("file", GITHUB, ids=lambda file: file.name)
def test_every_action_is_pinned_and_every_workflow_says_what_it_may(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"]["contents"] == "read"
    for action in re.findall(r"uses: (\S+)", file.read_text()):
        if action.startswith("./"):
            assert (ROOT / action).is_file(), action
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action), action


def test_ci_tries_every_python_that_slipway_runs_on() -> None:
    tried = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert tried["python"] == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()


def test_what_is_deployed_was_built_with_the_python_that_runs_it() -> None:
    python = re.search(r'^PYTHON = "(.+)"', (ROOT / "infra" / "package.py").read_text(), re.MULTILINE)
    assert python is not None
    for file in (ROOT / ".github/workflows/release.yml", *AZURE):
        assert python[1] in file.read_text()
