"""What .funcignore leaves is what runs in Azure: the whole app, and nothing beside it."""

import json
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.workflow.virtual import app_functions

ROOT = Path(__file__).parents[2]
IGNORED = [line for line in (ROOT / ".funcignore").read_text().splitlines() if line and not line.startswith("#")]
NAMES = (
    "import function_app, json; print(json.dumps([f.get_function_name() for f in function_app.app.get_functions()]))"
)


def stays_here(path: Path) -> bool:
    """By the rules of .gitignore, as far as the file uses them: a name at any depth, or a path from the root."""
    parts = path.relative_to(ROOT).parts
    paths = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch(where, each) for each in IGNORED for where in (paths if "/" in each else parts))


def test_the_package_is_the_app_and_nothing_else(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for path in sorted(ROOT.iterdir()):
        if not stays_here(path):
            copy_(path, package / path.name)
    assert {path.name for path in package.iterdir() if not path.name.startswith(".")} == {
        *("activities", "entities", "orchestrators", "pipelines", "slipway", "triggers"),
        *("function_app.py", "host.json", "requirements.txt", "LICENSE"),
    }
    assert not any((package / "slipway" / each).exists() for each in ("cli", "local", "promotion/judge/simulation"))

    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", NAMES], cwd=package, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)) == sorted(function.name for function in app_functions())


def copy_(path: Path, to: Path) -> None:
    if path.is_dir():
        inside = lambda folder, names: [name for name in names if stays_here(Path(folder) / name)]  # noqa: E731
        shutil.copytree(path, to, ignore=inside)
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)


def test_what_azd_and_terraform_keep_beside_the_code_is_neither_deployed_nor_committed() -> None:
    """azd's environment holds names of everything, Terraform's state whatever a provider answered."""
    kept = (".azure", ".terraform", "terraform.tfstate", ".git", ".ci", ".venv")
    assert all(stays_here(ROOT / name) for name in kept)
    committed = (ROOT / ".gitignore").read_text()
    assert all(each in committed for each in (".azure/", ".terraform/", "*.tfstate*", "*.tfvars"))
