"""What the deployed app reads of its environment goes through slipway/settings.py, which infra is compared with."""

import ast
import runpy
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = "slipway/settings.py"
WORKED_OUT = "(worked out)"
# The platform's own names, and whoever sets them; no setting of Slipway's is among them.
OF_THE_PLATFORM = {
    "slipway/adapters/clock.py": {"FUNCTIONS_NOW"},  # a host in virtual time; Azure's sets no such thing
    "slipway/adapters/credentials.py": {"IDENTITY_ENDPOINT"},  # App Service
    # App Service; and switches of the exporter's own that are off unless somebody has set them.
    "slipway/adapters/insights/connection.py": {"WEBSITE_INSTANCE_ID", WORKED_OUT},
}


def deployed() -> list[str]:
    """The Python files of the package."""
    package = runpy.run_path(str(ROOT / "infra" / "package.py"))
    return [name for name in package["sources"](ROOT) if name.endswith(".py")]


def reads(tree: ast.Module) -> Iterator[str]:
    """Names that the code asks the environment for; WORKED_OUT for one that is no literal, or for all of it."""
    known: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ") as used), args=[name, *_]):
                known.add(used)
                yield _literal(name)
            case ast.Subscript(value=ast.Attribute(attr="environ") as used, slice=name):
                known.add(used)
                yield _literal(name)
            case ast.Compare(
                left=name, ops=[ast.In() | ast.NotIn()], comparators=[ast.Attribute(attr="environ") as used]
            ):
                known.add(used)
                yield _literal(name)
            case ast.Call(func=ast.Attribute(attr="getenv") | ast.Name(id="getenv"), args=[name, *_]):
                yield _literal(name)
            case ast.ImportFrom(module="os", names=names) if {"environ", "environb"} & {each.name for each in names}:
                yield WORKED_OUT
            case ast.Attribute(attr="environ" | "environb") if node not in known:
                # Breadth first: whoever uses it in a way that is known came before it.
                yield WORKED_OUT


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else WORKED_OUT


def test_only_settings_are_read_from_the_environment_and_a_few_names_of_the_platform() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    files = deployed()
    assert SETTINGS in files and len(files) > 100
    for name in files:
        for variable in reads(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            found[name].add(variable)
    assert found.pop(SETTINGS) == {WORKED_OUT}
    assert found == OF_THE_PLATFORM
    assert not [name for names in OF_THE_PLATFORM.values() for name in names if name.startswith("SLIPWAY_")]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ('import os\nx = os.environ.get("SLIPWAY_BRAND_NEW")', ["SLIPWAY_BRAND_NEW"]),
        ('import os\nx = os.environ["SLIPWAY_BRAND_NEW"]', ["SLIPWAY_BRAND_NEW"]),
        ('import os\nx = "SLIPWAY_BRAND_NEW" in os.environ', ["SLIPWAY_BRAND_NEW"]),
        ('import os\nx = os.getenv("SLIPWAY_BRAND_NEW", "")', ["SLIPWAY_BRAND_NEW"]),
        ('from os import getenv\nx = getenv("SLIPWAY_BRAND_NEW")', ["SLIPWAY_BRAND_NEW"]),
        ("import os\nx = os.environ.get(name)", [WORKED_OUT]),
        ("import os\nx = dict(os.environ)", [WORKED_OUT]),
        ("from os import environ\nx = environ", [WORKED_OUT]),
        ("import os\nx = os.path.sep", []),
    ],
)
def test_every_way_of_reading_it_is_seen(code: str, names: list[str]) -> None:
    assert list(reads(ast.parse(code))) == names
