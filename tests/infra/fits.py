"""Does the Bicep fit together? What `bicep build` would say of names, without it. Each finding is a line of words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.infra import bicep

# Functions and namespaces that Bicep has by itself, as far as the house uses them.
BUILT_IN = {
    *("allowed", "description", "maxLength", "maxValue", "minLength", "minValue"),
    *(
        "concat",
        "empty",
        "guid",
        "startsWith",
        "items",
        "loadJsonContent",
        "loadTextContent",
        "resourceId",
        "toLower",
        "uniqueString",
    ),
    *("environment", "subscription", "subscriptionResourceId", "tenant"),
}
LAYERS = ("entra", "azure")
BESIDE = ("targets",)  # what other people deploy


def files(infra: Path) -> dict[Path, bicep.File]:
    return {path.resolve(): bicep.read(path) for path in sorted(infra.rglob("*.bicep"))}


def findings(infra: Path) -> list[str]:
    """What does not fit in the folder `infra`."""
    read = files(infra)
    found: list[str] = []
    for path, file in read.items():
        name = path.relative_to(infra.resolve()).as_posix()
        for words in (*_inside(file), *_too_late(file), *_calls(file, read), *_loads(file)):
            found.append(f"{name}: {words}")
    called = {
        (path.parent / call.target).resolve() for path, file in read.items() for call in file.of("module").values()
    }
    mains = {(infra / layer / "main.bicep").resolve() for layer in (*LAYERS, *BESIDE)}
    found.extend(f"{path.name}: nobody uses it" for path in read.keys() - called - mains)
    for layer in LAYERS:
        found.extend(f"{layer}/main.parameters.json: {words}" for words in _parameters(infra, layer, read))
    return found


def _inside(file: bicep.File) -> Iterator[str]:
    yield from (f"line {line} cannot be understood" for line in file.broken_at)
    names = [each.name for each in file.declared if each.kind != "output"]
    yield from (f"{name} is declared twice" for name in set(names) if names.count(name) > 1)
    for name in file.references - set(names) - file.loop_names - BUILT_IN:
        yield f"{name} is declared nowhere"
    for each in file.declared:
        if each.kind in ("param", "var") and each.name not in file.references:
            yield f"{each.kind} {each.name} is used nowhere"
    yield from (f"there is no function {name}" for name in file.functions - BUILT_IN)


def _too_late(file: bicep.File) -> Iterator[str]:
    """Names, and what loops run over, must be known before anything is made (BCP120, BCP178)."""
    late = {each.name for each in file.of("var").values() if ".outputs." in each.text or ".properties." in each.text}
    while more := {
        each.name for each in file.of("var").values() if each.name not in late and _mentions(each.text, late)
    }:
        late |= more
    for over in file.loops_over:
        if ".outputs." in over or _mentions(over, late):
            yield f"a loop over {over} is not known before the deployment"
    for each in (*file.of("module").values(), *file.of("resource").values()):
        name = each.value.get("name")
        text = name.text if isinstance(name, bicep.Expression) else ""
        if ".outputs." in text or ".properties." in text or _mentions(text, late):
            yield f"the name of {each.name} is not known before the deployment"


def _mentions(text: str, names: set[str]) -> bool:
    return any(re.search(rf"\b{name}\b(?!:)", text) for name in names)


def _calls(file: bicep.File, read: dict[Path, bicep.File]) -> Iterator[str]:
    modules = file.of("module")
    targets = {name: read.get((file.path.parent / call.target).resolve()) for name, call in modules.items()}
    for name, call in modules.items():
        target = targets[name]
        if target is None:
            yield f"module {name} is {call.target}, which is not there"
            continue
        declared, passed = target.of("param"), call.value.get("params", {})
        yield from (f"module {name} has no parameter {each}" for each in passed.keys() - declared.keys())
        required = {each.name for each in declared.values() if each.value is None}
        yield from (f"module {name} is not given {each}" for each in required - passed.keys())
    for name, output in re.findall(r"\b(\w+)\.outputs\.(\w+)", file.code):
        target = targets.get(name)
        if name not in modules:
            yield f"{name}.outputs: {name} is no module"
        elif target is not None and output not in target.of("output"):
            yield f"module {name} has no output {output}"


def _loads(file: bicep.File) -> Iterator[str]:
    yield from (f"{path} is not there" for path in file.loaded if not (file.path.parent / path).is_file())


def _parameters(infra: Path, layer: str, read: dict[Path, bicep.File]) -> Iterator[str]:
    main = read[(infra / layer / "main.bicep").resolve()].of("param")
    given = json.loads((infra / layer / "main.parameters.json").read_text())["parameters"]
    yield from (f"there is no parameter {name}" for name in given.keys() - main.keys())
    yield from (f"{name} is missing" for name, each in main.items() if each.value is None and name not in given)
    for name, each in given.items():
        # Unset is left out by azd, so that every default stands once, in Bicep.
        if not re.fullmatch(r"\$\{\w+\}", str(each["value"])):
            yield f"{name} is no variable"
    yield from _from_later_layers(infra, layer, set(re.findall(r"\$\{(\w+)\}", json.dumps(given))), read)


def _from_later_layers(infra: Path, layer: str, asked: set[str], read: dict[Path, bicep.File]) -> Iterator[str]:
    """azd takes a variable that is another layer's output for a dependency, and refuses a circle."""
    for later in LAYERS[LAYERS.index(layer) + 1 :]:
        outputs = read[(infra / later / "main.bicep").resolve()].of("output")
        yield from (f"{name} comes from the later layer {later}" for name in asked & outputs.keys())
