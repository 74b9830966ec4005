"""`make infra-check`: what compilers and scanners say of infra/, each where it is present, and plainly where it is not.

Nothing here needs Azure. What needs neither compiler nor network is checked by tests/infra in `make test`.
`CHECKOV=1` installs checkov (290 MB) into build/checkov, once; one that is on PATH is used as it is.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INFRA = Path(__file__).resolve().parents[1]
ROOT = INFRA.parent
MAINS = ("entra", "azure", "targets")
CHECKOV = "checkov==3.3.30"
# Checks that cannot be skipped in the file: this one ends with a traceback where the value is no literal.
UNFIT = {"CKV_AZURE_189": "says of a vault's public access nothing but a traceback when it is a conditional"}
# What terraform says of a registry that it does not reach, its lines joined.
OUT_OF_REACH = re.compile(
    r"could not connect to \S+: |could not query provider registry for \S+: the request failed"
    r"|Error while installing .*(dial tcp|timeout|deadline exceeded|connection reset)"
)


@dataclass(frozen=True)
class Said:
    """`verdict` is ok, FAILED or not checked; `words` say more where there is more."""

    what: str
    verdict: str
    words: str = ""


def run(*command: str, cwd: Path = ROOT, within_s: int = 300) -> tuple[bool, str]:
    """Whether it ended well, and all that it said."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=within_s)
    except subprocess.TimeoutExpired:
        return False, f"not done within {within_s} s"
    return done.returncode == 0, f"{done.stdout}{done.stderr}".strip()


def judged(what: str, *command: str, cwd: Path = ROOT) -> Said:
    well, words = run(*command, cwd=cwd)
    return Said(what, "ok") if well else Said(what, "FAILED", words)


def bicep() -> Iterator[Said]:
    if not shutil.which("bicep"):
        yield Said("bicep build", "not checked", "bicep is not here")
        return
    for layer in MAINS:
        yield judged(f"bicep build {layer}", "bicep", "build", str(INFRA / layer / "main.bicep"), "--stdout")


def terraform() -> Iterator[Said]:
    if not shutil.which("terraform"):
        yield Said("terraform", "not checked", "terraform is not here")
        return
    yield judged("terraform fmt", "terraform", "fmt", "-check", "-recursive", str(INFRA))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "infra"
        shutil.copytree(INFRA, copy)
        # The first needs no provider, so it can be validated anywhere.
        for name in ("terraform/modules/conventions", "terraform", "targets"):
            path = copy / name
            what = f"terraform validate {name}".strip()
            well, words = run(
                "terraform", "init", "-backend=false", "-input=false", "-no-color", cwd=path, within_s=120
            )
            if well:
                yield judged(what, "terraform", "validate", "-no-color", cwd=path)
            elif out_of_reach(words):
                yield Said(what, "not checked", "its providers cannot be fetched here")
            else:
                yield Said(what, "FAILED", words)


def out_of_reach(words: str) -> bool:
    """Whether `terraform init` failed for one reason only: the registry of its providers is not reached from here.

    Anything else is a mistake of ours, such as a module that is not there or a version that no provider has.
    """
    errors = [" ".join(each.split()) for each in re.split(r"(?m)^Error: ", words)[1:]]
    return bool(errors) and all(OUT_OF_REACH.search(each) for each in errors)


def checkov() -> Iterator[Said]:
    command = _checkov()
    if command is None:
        yield Said("checkov", "not checked", "checkov is not here; CHECKOV=1 installs it (290 MB) and runs it")
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "infra"
        shutil.copytree(INFRA, copy)
        # Its parser knows no extensions, and would leave out the whole file and still end with 0.
        application = copy / "entra" / "application.bicep"
        application.write_text(re.sub(r"(?m)^extension .*$", "", application.read_text()))
        for framework in ("bicep", "terraform"):
            options = ("--framework", framework, "--skip-download", "--compact", "--skip-check", ",".join(UNFIT))
            well, words = run(command, "-d", str(copy), *options)
            yield summed_up(framework, well, words)


def summed_up(framework: str, well: bool, words: str) -> Said:
    """Good only when something was checked, nothing failed, and no file was left out as unreadable."""
    figures = re.search(
        r"Passed checks: (\d+), Failed checks: (\d+), Skipped checks: (\d+)(?:, Parsing errors: (\d+))?", words
    )
    if figures is None:
        return Said(f"checkov {framework}", "FAILED", words)
    passed, failed, skipped, unread = (int(each or 0) for each in figures.groups())
    summary = f"{passed} passed, {failed} failed, {skipped} skipped with a reason, {unread} parsing errors"
    good = well and passed and not failed and not unread
    return Said(f"checkov {framework}", "ok" if good else "FAILED", summary if good else f"{summary}\n{words}")


def _checkov() -> str | None:
    found = shutil.which("checkov")
    if found or os.environ.get("CHECKOV") != "1":
        return found
    folder = ROOT / "build" / "checkov"
    command = folder / "bin" / "checkov"
    if not command.exists():
        print(f"installing {CHECKOV} into {folder.relative_to(ROOT)} (once) ...", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", CHECKOV], check=True)
    return str(command)


def main() -> int:
    failed = False
    for check in (bicep, terraform, checkov):
        for said in check():
            print(f"{said.what}: {said.verdict}{': ' if said.words else ''}{said.words}", flush=True)
            failed |= said.verdict == "FAILED"
    print("what needs neither compiler nor network is checked by tests/infra in `make test`")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
