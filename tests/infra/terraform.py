"""Reads Terraform as far as the house writes it (tree-sitter): blocks with their arguments, and what they refer to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from tests.infra.bicep import Expression

_PARSER = Parser(Language(tree_sitter_hcl.language()))


@dataclass(frozen=True)
class Block:
    """`kind` is resource, module, variable, locals …; `labels` are the words behind it."""

    kind: str
    labels: tuple[str, ...]
    arguments: dict[str, Any]
    inner: tuple["Block", ...]

    @property
    def name(self) -> str:
        return ".".join(self.labels)


@dataclass
class Folder:
    """All `*.tf` of one folder."""

    path: Path
    blocks: list[Block] = field(default_factory=list)
    code: str = ""  # without comments
    broken: list[str] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, Block]:
        return {each.name: each for each in self.blocks if each.kind == kind}

    @property
    def locals(self) -> dict[str, Any]:
        return {name: value for each in self.blocks if each.kind == "locals" for name, value in each.arguments.items()}


def read(folder: Path) -> Folder:
    found = Folder(folder)
    for path in sorted(folder.glob("*.tf")):
        source = path.read_bytes()
        root = _PARSER.parse(source).root_node
        if root.has_error:
            found.broken.append(path.name)
        for body in root.named_children:
            found.blocks.extend(_block(each) for each in body.named_children if each.type == "block")
        found.code += re.sub(r"(?m)(^|\s)#.*$", "", source.decode())
    return found


def _block(node: Node) -> Block:
    heads = [each for each in node.named_children if each.type in ("identifier", "string_lit")]
    kind, *labels = (_text(each).strip('"') for each in heads)
    bodies = [each for each in node.named_children if each.type == "body"]
    inside = bodies[0].named_children if bodies else []
    arguments = {
        _text(each.named_children[0]): value(each.named_children[1]) for each in inside if each.type == "attribute"
    }
    return Block(kind, tuple(labels), arguments, tuple(_block(each) for each in inside if each.type == "block"))


def value(node: Node) -> Any:
    """A literal as Python has it; an Expression for anything else."""
    only = node.named_children[0] if len(node.named_children) == 1 else None
    if node.type in ("expression", "literal_value", "collection_value") and only is not None:
        return value(only)
    if node.type == "object":
        pairs = [each.named_children for each in node.named_children if each.type == "object_elem"]
        return {_text(pair[0]).strip('"'): value(pair[1]) for pair in pairs}
    if node.type == "tuple":
        return [value(each) for each in node.named_children if each.type == "expression"]
    text = _text(node)
    if node.type == "string_lit":
        return text[1:-1].replace('\\"', '"')
    if node.type == "bool_lit":
        return text == "true"
    if node.type == "numeric_lit":
        return int(text)
    return Expression(text)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def walk(block: Block) -> Iterator[Block]:
    yield block
    for inner in block.inner:
        yield from walk(inner)
