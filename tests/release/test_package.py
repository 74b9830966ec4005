"""The package that is deployed: the app and nothing else, the same bytes each time, importable where it lands."""

import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.virtual import app_functions

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "import function_app, json; print(json.dumps([f.get_function_name() for f in function_app.app.get_functions()]))"
)
VERSIONS = """
import sys
sys.path[:] = [path for path in sys.path if not path.endswith("site-packages")]  # where a checkout is installed
from triggers.version import app_version
print(app_version())
"""
PACKS = """
import runpy, sys
from pathlib import Path
root, folder, package = map(Path, sys.argv[2:])
builder = runpy.run_path(sys.argv[1])
builder["vendor"](root, folder)
builder["write_package"](root, folder, package)
"""
OF_ONES_OWN = {"services", "policies", "people.yaml"}  # what docs/deploy.md has a reader add to a checkout
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
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
    assert {name.partition("/")[0] for name in inside if not name.startswith(".")} - OF_ONES_OWN == {
        *("activities", "entities", "orchestrators", "pipelines", "slipway", "triggers"),
        *(
            "function_app.py",
            "functions.json",
            "blueprints.py",
            "host.json",
            "requirements.txt",
            "LICENSE",
            f"slipway-{VERSION}.dist-info",
        ),
    }
    strangers = ("slipway/local/", "slipway/cli/", "slipway/promotion/judge/simulation/", ".git", ".ci/")
    assert not [name for name in inside if name.startswith(strangers)]


def test_the_same_files_give_the_same_bytes(builder: dict[str, Any], package: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    builder["write_package"](ROOT, None, again)
    assert again.read_bytes() == package.read_bytes()


@pytest.fixture(scope="module")
def unpacked(builder: dict[str, Any], package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked") / "app"
    (folder / "of_before").mkdir(parents=True)
    builder["unpack"](package, folder)
    return folder


def test_the_app_of_the_package_has_every_function(unpacked: Path) -> None:
    assert sorted(json.loads(_says(unpacked, NAMES))) == sorted(function.name for function in app_functions())


def test_the_app_of_the_package_knows_its_version(unpacked: Path) -> None:
    assert _says(unpacked, VERSIONS).strip() == VERSION


@pytest.mark.parametrize(
    ("ref", "fits"),
    [
        *(("v1.2.3", True), ("v1.2.4", False), ("v1.2.3-rc1", False), ("vnext", False), ("v-hotfix", False)),
        *(("refs/tags/v1.2.3", True), ("refs/tags/vnext", False), ("refs/tags/1.2.3", False)),
        *(("refs/tags/nightly", False), ("refs/heads/main", True), ("refs/heads/vnext", True), ("main", True)),
        *(("refs/pull/7/merge", True), ("", True)),
    ],
)
def test_a_tag_that_is_not_the_version_of_the_app_is_not_packed(builder: dict[str, Any], ref: str, fits: bool) -> None:
    assert (builder["disagreement"](ref, "1.2.3") == "") is fits


def test_the_folder_that_azd_deploys_holds_the_package_and_nothing_of_before(unpacked: Path, package: Path) -> None:
    files = {each.relative_to(unpacked).as_posix() for each in unpacked.rglob("*") if each.is_file()}
    assert files == names(package)
    assert not (unpacked / "of_before").exists()


def _says(folder: Path, code: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_the_same_bytes_wherever_its_python_lies(tmp_path: Path) -> None:
    """With a library that brings a command: pip writes the path of its own Python into that."""
    root = _a_checkout_that_needs(_a_library_with_a_command(tmp_path / "wheels"), tmp_path / "root")
    packages = [_packed_by_a_python_in(tmp_path / where, root) for where in ("here", "there")]
    inside = names(packages[0])
    assert ".python_packages/lib/site-packages/tool.py" in inside
    assert not [name for name in inside if "/bin/" in name]
    with zipfile.ZipFile(packages[0]) as read:
        for name in inside:
            assert str(tmp_path).encode() not in read.read(name), f"{name} names a path of this machine"
        assert b"bin/" not in read.read(".python_packages/lib/site-packages/tool-1.0.dist-info/RECORD")
    assert packages[0].read_bytes() == packages[1].read_bytes()


def _a_library_with_a_command(folder: Path) -> Path:
    folder.mkdir()
    wheel = folder / "tool-1.0-py3-none-any.whl"
    files = {
        "tool.py": "def main() -> None: ...\n",
        "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
        "tool-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool:main\n",
    }
    files["tool-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    with zipfile.ZipFile(wheel, "w") as written:
        for name, text in files.items():
            written.writestr(name, text)
    return wheel


def _a_checkout_that_needs(wheel: Path, root: Path) -> Path:
    root.mkdir()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "requirements.lock").write_text(f"tool==1.0 --hash=sha256:{digest}\n")
    (root / "pyproject.toml").write_text('version = "1.2.3"\n')
    (root / ".funcignore").write_text("requirements.lock\npyproject.toml\n.funcignore\n")
    (root / "function_app.py").write_text("app = None\n")
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return root


def _packed_by_a_python_in(folder: Path, root: Path) -> Path:
    venv.create(folder / "env", with_pip=False)
    of_the_tests = next(path for path in sys.path if path.endswith("site-packages"))  # pip is there
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(root.parent / "wheels"), "PYTHONPATH": of_the_tests}
    arguments = [str(ROOT / "infra" / "package.py"), str(root), str(folder / "vendored"), str(folder / "slipway.zip")]
    python = str(folder / "env" / "bin" / "python")
    subprocess.run([python, "-c", PACKS, *arguments], env={**os.environ, **offline}, check=True, timeout=100)
    return folder / "slipway.zip"


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
