"""What tools of deployment keep beside the code stays here."""

from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
IGNORED = [line for line in (ROOT / ".funcignore").read_text().splitlines() if line and not line.startswith("#")]


def stays_here(path: Path) -> bool:
    """By the rules of .gitignore, as far as the file uses them: a name at any depth, or a path from the root."""
    parts = path.relative_to(ROOT).parts
    paths = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch(where, each) for each in IGNORED for where in (paths if "/" in each else parts))


def test_what_azd_and_terraform_keep_beside_the_code_is_neither_deployed_nor_committed() -> None:
    """azd's environment holds names of everything, Terraform's state whatever a provider answered."""
    kept = (".azure", ".terraform", "terraform.tfstate", ".git", ".ci", ".venv")
    kept += (
        "build",
        "slipway.egg-info",
        "__pycache__",
        ".hypothesis",
        ".slipway",
        ".pytest_cache",
    )  # and our own tools
    assert all(stays_here(ROOT / name) for name in kept)
    committed = (ROOT / ".gitignore").read_text()
    assert all(each in committed for each in (".azure/", ".terraform/", "*.tfstate*", "*.tfvars"))
