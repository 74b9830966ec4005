"""Reads Bicep as far as the house writes it (tree-sitter): what a file declares, calls and refers to."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_DECLARATIONS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "output_declaration": "output",
    "module_declaration": "module",
    "resource_declaration": "resource",
}


@dataclass(frozen=True)
class Expression:
    """What is no literal: its text."""

    text: str


@dataclass(frozen=True)
class Declared:
    """A param (`value` is its default, None without one), var, output, module or resource with its body."""

    name: str
    kind: str
    value: Any
    target: str = ""  # of a module its path, of a resource its type with the api-version
    existing: bool = False
    line: int = 0
    text: str = ""


@dataclass
class File:
    path: Path
    declared: list[Declared] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    loaded: list[str] = field(default_factory=list)  # paths of loadTextContent and loadJsonContent
    loop_names: set[str] = field(default_factory=set)
    loops_over: list[str] = field(default_factory=list)  # the expressions
    broken_at: list[int] = field(default_factory=list)
    code: str = ""  # without comments

    def of(self, kind: str) -> dict[str, Declared]:
        return {each.name: each for each in self.declared if each.kind == kind}


def read(path: Path) -> File:
    """The file; lines that cannot be understood are in `broken_at`."""
    # The grammar knows no extensions yet; the line says nothing that is checked here.
    source = re.sub(r"(?m)^extension .*$", "", path.read_text(encoding="utf-8")).encode()
    root = _PARSER.parse(source).root_node
    file = File(path, code=_without_comments(source, root))
    for node in _walk(root):
        if node.type == "ERROR" or node.is_missing:
            file.broken_at.append(node.start_point.row + 1)
        elif node.type in _DECLARATIONS:
            file.declared.append(_declared(node))
        elif node.type == "for_statement":
            head = itertools.takewhile(lambda each: each.type != "in", node.children)
            file.loops_over.append(_text(node.children[[each.type for each in node.children].index("in") + 1]))
            kinds = ("identifier", "loop_variable", "loop_enumerator")
            names = (each for part in head for each in _walk(part) if each.type in kinds)
            file.loop_names.update(_text(each) for each in names)
        elif node.type == "call_expression":
            _note_call(file, node)
        elif node.type in ("identifier", "compatible_identifier") and _is_reference(node):
            file.references.add(_text(node))
    return file


def _declared(node: Node) -> Declared:
    kind = _DECLARATIONS[node.type]
    name, *rest = node.named_children
    line = node.start_point.row + 1
    if kind in ("module", "resource"):
        target = _string(rest[0])
        existing = any(_text(each) == "existing" for each in node.children)
        return Declared(_text(name), kind, value(_body(rest[-1])), target, existing, line, _text(node))
    values = [each for each in rest if each.type not in ("type", "comment")]
    return Declared(_text(name), kind, value(values[-1]) if values else None, line=line, text=_text(node))


def _body(node: Node) -> Node:
    """The object of a module or resource, inside its `for` and `if`."""
    while node.type != "object":
        node = next(
            each for each in reversed(node.named_children) if each.type in ("object", "if_statement", "for_statement")
        )
    return node


def value(node: Node) -> Any:
    """A literal as Python has it; an Expression for anything that only Azure can work out."""
    if node.type == "object":
        pairs = [each.named_children for each in node.named_children if each.type == "object_property"]
        return {_key(pair[0]): value(pair[-1]) for pair in pairs}
    if node.type == "array":
        return [value(each) for each in node.named_children if each.type != "comment"]
    if node.type == "string" and not any(each.type == "interpolation" for each in node.named_children):
        return _string(node)
    if node.type in ("boolean", "number"):
        return {"true": True, "false": False}.get(_text(node)) if node.type == "boolean" else int(_text(node))
    return None if node.type == "null" else Expression(_text(node))


def _note_call(file: File, node: Node) -> None:
    function = node.named_children[0]
    file.functions.add(_text(function))
    if _text(function) in ("loadTextContent", "loadJsonContent"):
        strings = [each for each in _walk(node) if each.type == "string"]
        file.loaded.append(_string(strings[0]))


def _is_reference(node: Node) -> bool:
    parent = node.parent
    if parent is None or (parent.type in _DECLARATIONS and parent.named_children[0] == node):
        return False
    if parent.type == "object_property" and parent.named_children[0] == node:
        return False
    if parent.type == "call_expression" and parent.named_children[0] == node:
        return False
    return parent.type not in ("for_loop_parameters", "type", "decorator", "decorators", "target_scope_assignment")


def _key(node: Node) -> str:
    return _string(node) if node.type == "string" else _text(node)


def _string(node: Node) -> str:
    return _text(node)[1:-1].replace("\\'", "'")


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from _walk(child)


def _without_comments(source: bytes, root: Node) -> str:
    blanked = bytearray(source)
    for node in _walk(root):
        if node.type == "comment":
            blanked[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return blanked.decode()
