"""The traps of Durable Functions that only the code shows, looked for in every orchestrator and entity.

What an episode shows is looked for while the workflow runs: `tests/workflow/traps.py`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("orchestrators/*.py"), *ROOT.glob("entities/*.py")])
DIFFERS_WHEN_REPEATED = {"new_uuid", "new_guid", "is_replaying"}
CALLS = {"call_activity", "call_sub_orchestrator"}


def traps(source: str) -> list[str]:
    """The traps in a module's source, in words with their lines."""
    tree = ast.parse(source)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        found += [(getattr(node, "lineno", 0), words) for words in _of_node(node, defined)]
    return [f"line {line}: {words}" for line, words in sorted(found)]


def _of_node(node: ast.AST, defined: set[str]) -> Iterator[str]:
    match node:
        case ast.Try(finalbody=[_, *_]):
            yield "finally: it runs at the end of every episode, when the SDK drops the generator"
        case ast.ExceptHandler():
            yield from _of_handler(node)
        case ast.AsyncFunctionDef():
            yield "async def: an orchestrator fails, an entity silently does nothing"
        case ast.Attribute(attr=attr) if attr in DIFFERS_WHEN_REPEATED:
            yield f"{attr}: not the same when a first episode is repeated"
        case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Name(id=name), *_]) if attr in CALLS and name in defined:
            yield f"{attr} of a function: the SDK takes its Python name, not the registered one"
        case ast.Call(func=ast.Attribute(attr="set_custom_status"), args=[status, *_]):
            if isinstance(status, ast.Constant | ast.List) or (isinstance(status, ast.Dict) and not status.keys):
                yield "a custom status that is empty or no object: it is not sent, so the old one stays"
        case ast.Call(func=ast.Attribute(attr="create_timer"), args=[at, *_]):
            made = {each.func for each in ast.walk(at) if isinstance(each, ast.Call)}
            if any(ast.unparse(func) not in ("timedelta", "min", "max", "moment") for func in made):
                yield "a timer's time that is not the orchestration's own plus something: another zone is hours off"


def _of_handler(handler: ast.ExceptHandler) -> Iterator[str]:
    if handler.type is None or ast.unparse(handler.type) in ("BaseException", "GeneratorExit"):
        yield "an except that catches GeneratorExit: it runs at the end of every episode"
    told = {
        id(each)
        for body in handler.body
        for node in ast.walk(body)
        if isinstance(node, ast.FormattedValue)
        for each in ast.walk(node)
    }
    for body in handler.body:
        for node in ast.walk(body):
            if isinstance(node, ast.Name) and node.id == handler.name and id(node) not in told:
                yield "an exception that is read: of a failed activity it says nothing on Durable Task Scheduler"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_orchestrator_or_entity_holds_a_trap(file: Path) -> None:
    assert traps(file.read_text()) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("try:\n    yield 1\nfinally:\n    done()", "finally"),
        ("try:\n    yield 1\nexcept:\n    pass", "GeneratorExit"),
        ("try:\n    yield 1\nexcept BaseException:\n    raise", "GeneratorExit"),
        ("try:\n    yield 1\nexcept Exception as e:\n    if 'timeout' in str(e): pass", "an exception that is read"),
        ("async def approval(context): ...", "async def"),
        ("token = context.new_uuid()", "not the same"),
        ("def deploy(x): ...\ncontext.call_activity(deploy, 1)", "call_activity of a function"),
        ("context.set_custom_status({})", "empty or no object"),
        ("context.set_custom_status('waiting')", "empty or no object"),
        ("context.create_timer(datetime.fromisoformat(at))", "a timer's time"),
    ],
)
def test_each_trap_is_found(source: str, words: str) -> None:
    (found,) = traps(source)
    assert words in found


def test_what_our_orchestrators_do_instead_is_no_trap() -> None:
    assert (
        traps("try:\n    yield 1\nexcept Exception as e:\n    said = f'could not be run: {e}'\n    raise A(said)") == []
    )
    assert traps("context.create_timer(context.current_utc_datetime + timedelta(minutes=15))") == []
    assert traps("context.set_custom_status({'state': run.state})") == []
    assert len(FILES) > 10
