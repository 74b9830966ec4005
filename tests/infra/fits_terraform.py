"""Does the Terraform fit together? What `terraform validate` would say of names, without providers."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.infra import terraform

# Arguments of a module call that are Terraform's own.
_META = {"source", "count", "for_each", "depends_on", "providers"}


def folders(root: Path) -> dict[Path, terraform.Folder]:
    """The root and its modules."""
    paths = [root, *sorted(path for path in root.glob("modules/*") if path.is_dir())]
    return {path.resolve(): terraform.read(path) for path in paths}


def findings(root: Path) -> list[str]:
    """What does not fit in the folder `root`."""
    read = folders(root)
    found = []
    for path, folder in read.items():
        for words in (*_inside(folder), *_calls(folder, read), *_files(folder)):
            found.append(f"{path.name}: {words}")
    return found


def _inside(folder: terraform.Folder) -> Iterator[str]:
    yield from (f"{name} cannot be understood" for name in folder.broken)
    variables, code = folder.of("variable"), folder.code
    yield from _missing("var", set(re.findall(r"\bvar\.(\w+)", code)), set(variables))
    yield from _missing("local", set(re.findall(r"\blocal\.(\w+)", code)), set(folder.locals))
    there = {*folder.of("resource"), *(f"data.{name}" for name in folder.of("data"))}
    used = {f"{kind}.{name}" for kind, name in re.findall(r"(?<![\w.])((?:azurerm|azapi|azuread)_\w+)\.(\w+)", code)}
    used |= {f"data.{kind}.{name}" for kind, name in re.findall(r"\bdata\.(\w+)\.(\w+)", code)}
    yield from _missing("resource", used, there)
    yield from (f"variable {name} is used nowhere" for name in variables if not re.search(rf"\bvar\.{name}\b", code))
    yield from (f"local {name} is used nowhere" for name in folder.locals if not re.search(rf"\blocal\.{name}\b", code))


def _missing(kind: str, used: set[str], declared: set[str]) -> Iterator[str]:
    yield from (f"{kind} {name} is declared nowhere" for name in used - declared)


def _calls(folder: terraform.Folder, read: dict[Path, terraform.Folder]) -> Iterator[str]:
    modules = folder.of("module")
    targets = {name: read.get((folder.path / call.arguments["source"]).resolve()) for name, call in modules.items()}
    for name, call in modules.items():
        target = targets[name]
        if target is None:
            yield f"module {name} is {call.arguments['source']}, which is not there"
            continue
        variables, passed = target.of("variable"), call.arguments.keys() - _META
        yield from (f"module {name} has no variable {each}" for each in passed - variables.keys())
        required = {each for each, variable in variables.items() if "default" not in variable.arguments}
        yield from (f"module {name} is not given {each}" for each in required - passed)
    for name, output in re.findall(r"\bmodule\.(\w+)(?:\[[^\]]*\])?\.(\w+)", folder.code):
        target = targets.get(name)
        if name not in modules:
            yield f"module {name} is declared nowhere"
        elif target is not None and output not in target.of("output"):
            yield f"module {name} has no output {output}"


def _files(folder: terraform.Folder) -> Iterator[str]:
    for path in re.findall(r'file\("\$\{path\.module\}/([^"]+)"\)', folder.code):
        names = re.sub(r"\$\{[^}]*\}", "*", path)
        if not any(folder.path.glob(names)) and not (folder.path / names).is_file():
            yield f"{path} is not there"
