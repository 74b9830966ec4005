"""The package that is deployed: the app and nothing else, the same bytes each time, importable where it lands."""

import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.virtual import app_functions

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "import function_app, json; print(json.dumps([f.get_function_name() for f in function_app.app.get_functions()]))"
)
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+?)(?:; (.+))?$")


@pytest.fixture(scope="module")
def builder() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "infra" / "package.py"))


@pytest.fixture(scope="module")
def package(builder: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app alone: its dependencies are those of the tests."""
    made: Path = tmp_path_factory.mktemp("package") / "slipway.zip"
    builder["write_package"](ROOT, None, made)
    return made


def names(package: Path) -> set[str]:
    with zipfile.ZipFile(package) as read:
        return set(read.namelist())


def test_what_runs_in_azure_is_in_it_and_what_does_not_is_not(package: Path) -> None:
    inside = names(package)
    assert {"function_app.py", "host.json", "slipway/settings.py", "pipelines/checkout.yaml"} <= inside
    assert any(name.endswith(".kql") for name in inside)
    assert {name.partition("/")[0] for name in inside if not name.startswith(".")} == {
        *("activities", "entities", "orchestrators", "pipelines", "slipway", "triggers"),
        *("function_app.py", "host.json", "requirements.txt", "LICENSE"),
    }
    strangers = ("slipway/local/", "slipway/cli/", "slipway/promotion/judge/simulation/", ".git", ".ci/")
    assert not [name for name in inside if name.startswith(strangers)]


def test_the_same_files_give_the_same_bytes(builder: dict[str, Any], package: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    builder["write_package"](ROOT, None, again)
    assert again.read_bytes() == package.read_bytes()


def test_the_app_of_the_package_has_every_function(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as read:
        read.extractall(tmp_path)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", NAMES], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)) == sorted(function.name for function in app_functions())


def test_what_is_vendored_is_in_it(builder: dict[str, Any], tmp_path: Path) -> None:
    vendored = tmp_path / "vendored"
    (vendored / "one" / "__pycache__").mkdir(parents=True)
    (vendored / "one" / "module.py").write_text("x = 1\n")
    (vendored / "one" / "__pycache__" / "module.pyc").write_bytes(b"of this machine")
    builder["write_package"](ROOT, vendored, tmp_path / "slipway.zip")
    packed = {name for name in names(tmp_path / "slipway.zip") if name.startswith(".python_packages/")}
    assert packed == {".python_packages/lib/site-packages/one/module.py"}


def test_the_lock_holds_to_what_is_required(builder: dict[str, Any]) -> None:
    locked = dict(
        line.partition(" ")[0].split("==") for line in (ROOT / "requirements.lock").read_text().splitlines()[1:]
    )
    assert f"Python {builder['PYTHON']}" in (ROOT / "requirements.lock").read_text().splitlines()[0]
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        found = PIN.match(line.lower())
        if found is None or (found[3] and 'python_version >= "3.13"' in found[3]):
            continue
        assert locked.get(found[1]) == found[2], f"{line}: run `make lock`"
    for line in (ROOT / "requirements.lock").read_text().splitlines()[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", line), line
