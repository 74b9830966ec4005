"""Builds the package that is deployed: `python infra/package.py [--lock] [--ref v1.2.3]`, or `make package`.

In it are the tracked files that `.funcignore` does not name, the version of the app, and under `.python_packages` what
`requirements.lock` pins, for Linux and the Python that runs in Azure: nothing is resolved at deployment, and the same
commit gives the same bytes wherever it is built (zlib permitting: another release of it may pack the same files
tighter). `--lock` resolves `requirements.txt` anew and writes `requirements.lock`.

It stands beside as a folder too, `build/app`: what azd deploys (azure.yaml).
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
PYTHON = "3.12"
VENDORED = Path(".python_packages/lib/site-packages")
FOR_AZURE = [
    *("--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
]
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name


def sources(root: Path) -> list[str]:
    """The tracked files that belong to the app, as paths below `root`."""
    tracked = _git(root, "ls-files")
    ignored = _git(root, "ls-files", "--cached", "--ignored", "--exclude-from=.funcignore")
    return sorted(set(tracked) - set(ignored))


def write_lock(root: Path) -> None:
    """Resolve `requirements.txt` for Azure: each package with its version and the digest of its wheel."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        asked = ["--dry-run", "--ignore-installed", "--report", str(report), "--target", folder]
        _pip(*asked, *FOR_AZURE, "-r", str(root / "requirements.txt"))
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    lines = [
        f"{each['metadata']['name'].lower()}=={each['metadata']['version']}"
        f" --hash=sha256:{each['download_info']['archive_info']['hashes']['sha256']}\n"
        for each in found
    ]
    head = f"# What requirements.txt comes to on Python {PYTHON} for Linux x86-64: written by `make lock`.\n"
    (root / LOCK).write_text(head + "".join(sorted(lines)), encoding="utf-8")


def vendor(root: Path, folder: Path) -> None:
    """Install what the lock pins, and nothing else, into `folder`."""
    _pip("--target", str(folder), "--no-deps", "--no-compile", "--require-hashes", *FOR_AZURE, "-r", str(root / LOCK))


def write_package(root: Path, vendored: Path | None, package: Path) -> str:
    """Write the zip; the digest of its bytes. Without `vendored` it holds the app alone."""
    files = {name: (root / name).read_bytes() for name in sources(root)}
    files |= metadata(root)
    if vendored is not None:
        files |= {(VENDORED / name).as_posix(): content for name, content in libraries(vendored).items()}
    package.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as written:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, files[name])
    return hashlib.sha256(package.read_bytes()).hexdigest()


def libraries(vendored: Path) -> dict[str, bytes]:
    """What pip put there, less what bears the mark of this machine: commands begin with the path of its Python.

    Nothing in Azure calls them. The list of files that each library keeps (RECORD) does not name them then either.
    """
    found = {each.relative_to(vendored): each for each in vendored.rglob("*") if each.is_file()}
    kept = {path for path in found if path.parts[0] != "bin" and "__pycache__" not in path.parts}
    return {path.as_posix(): _without_commands(path, found[path].read_bytes()) for path in kept}


def _without_commands(path: Path, content: bytes) -> bytes:
    if path.name != "RECORD" or not path.parent.name.endswith(".dist-info"):
        return content
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"../../bin/"))


def metadata(root: Path) -> dict[str, bytes]:
    """How the deployed app knows its version, as every installed package does."""
    version = version_of(root)
    text = f"Metadata-Version: 2.1\nName: slipway\nVersion: {version}\n"
    return {f"slipway-{version}.dist-info/METADATA": text.encode()}


def version_of(root: Path) -> str:
    project = root / "pyproject.toml"
    found = re.search(r'^version = "([^"]+)"$', project.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{project} names no version")
    return found[1]


def disagreement(ref: str, version: str) -> str:
    """What is wrong between the tag that is released and the version that its app would say; empty when they agree.

    Every tag releases, so every tag has to be that of the version. `ref` is one when it says so (`refs/tags/v1.2.3`),
    or begins with v and does not say what it is; a branch (`refs/heads/vnext`, `main`) releases nothing.
    """
    tag = ref.removeprefix("refs/tags/")
    if (tag != ref or ref.startswith("v")) and tag != f"v{version}":
        return f"the tag is {tag}, but pyproject.toml says {version}: write the version there, then tag that commit"
    return ""


def unpack(package: Path, folder: Path) -> None:
    """Put what the zip holds into `folder`, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(package) as read:
        read.extractall(folder)


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", "-C", str(root), *arguments, "-z"], check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name]


def _pip(*arguments: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the package that is deployed.")
    parser.add_argument("--lock", action="store_true", help=f"resolve requirements.txt anew and write {LOCK}")
    parser.add_argument("--ref", default="", help="tag or branch; a tag has to be v and the version of the app")
    given = parser.parse_args()
    if given.lock:
        write_lock(ROOT)
        print(f"{LOCK} is written")
        return
    if wrong := disagreement(given.ref, version_of(ROOT)):
        sys.exit(wrong)
    package = ROOT / "build" / "slipway.zip"
    with tempfile.TemporaryDirectory() as folder:
        vendor(ROOT, Path(folder))
        digest = write_package(ROOT, Path(folder), package)
    unpack(package, ROOT / "build" / "app")
    size_mb = package.stat().st_size / 1e6
    print(f"{package.relative_to(ROOT)}  {size_mb:.1f} MB  sha256:{digest}")


if __name__ == "__main__":
    main()
