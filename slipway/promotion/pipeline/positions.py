"""YAML read with positions: plain data, and for every value and key where in the text it stands.

Composes the node tree once (PyYAML, with YAML 1.2's core scalars, so that `no`, `on` and `2026-11-25` stay
text) and walks it. Whatever is wrong with the text ends as a finding.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from slipway.promotion.pipeline.findings import Finding, nearest, quoted

LONGEST_TEXT = 40_000
MOST_FINDINGS = 100
MOST_VALUES = 20_000  # aliases can make a short text long
DEEPEST = 20

Path = tuple[str | int, ...]
Likeness = tuple[str, Iterable[str]]


class Document:
    """A text's `data` with the position of each path in it, and the `findings` so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.findings: list[Finding] = []
        self.reported: set[Path] = set()
        self._values: dict[Path, yaml.Mark] = {}
        self._keys: dict[Path, yaml.Mark] = {}
        self._budget = MOST_VALUES

    def report(
        self, code: str, words: str, at: Path, suggestion: str = "", like: Likeness = ("", ()), key: bool = False
    ) -> None:
        """Add a finding at the value of the longest known part of the path `at`, or at its `key`.

        Suggests `suggestion`, or what is nearest to the first of `like` among the second.
        """
        if len(self.findings) >= MOST_FINDINGS:
            return
        path = self.known(at)
        mark = self._keys.get(path) if key else None
        self._report_mark(code, words, mark or self._values.get(path), suggestion or nearest(*like))
        self.reported.add(path)

    def known(self, path: Path) -> Path:
        """`path` without the parts that name nothing in the text: a missing key, a branch of a union."""
        found: Path = ()
        for part in path:
            if (*found, part) in self._values:
                found = (*found, part)
        return found

    def line(self, path: Path) -> int:
        """The line (from 1) on which the value at `path` begins."""
        return self._values[path].line + 1

    def walk(self, node: yaml.Node, path: Path = ()) -> Any:
        """The plain data below `node`; notes positions and reports on the way. Raises _Unreadable."""
        self._budget -= 1
        if self._budget < 0:
            raise _Unreadable("TOO_LARGE", f"holds more than {MOST_VALUES} values", node.start_mark)
        if len(path) > DEEPEST:
            raise _Unreadable("TOO_DEEP", f"is nested deeper than {DEEPEST} levels", node.start_mark)
        self._values[path] = node.start_mark
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.walk(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._report_mark("INVALID_KEY", "a key must be a word", key.start_mark)
            elif not _encodable(key.value):
                self._report_mark("INVALID_KEY", "the key holds half of a surrogate pair", key.start_mark)
            elif key.value in data:
                words = f"{quoted(key.value)} is given twice in one mapping"
                self._report_mark("DUPLICATE_KEY", words, key.start_mark)
            else:
                self._keys[(*path, key.value)] = key.start_mark
                data[key.value] = self.walk(value, (*path, key.value))
        return data

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        read = _SCALARS.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
        if read is None:
            self.report("UNREADABLE_VALUE", f"the tag {quoted(tag)} is not read here; write the value plainly", path)
            return None
        try:
            value = read(node.value)
        except (ValueError, LookupError):
            self.report("UNREADABLE_VALUE", f"{quoted(node.value)} does not fit its tag {quoted(tag)}", path)
            return None
        if value is None:
            self.report("EMPTY_VALUE", "is empty: give it a value, {} for the defaults, or leave it out", path)
        elif isinstance(value, str) and not _encodable(value):
            self.report("UNREADABLE_VALUE", "holds half of a surrogate pair", path)
            return None
        return value

    def _report_mark(self, code: str, words: str, mark: yaml.Mark | None, suggestion: str = "") -> None:
        if len(self.findings) >= MOST_FINDINGS:
            return
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.findings.append(Finding(self.file, line, column, code, words, suggestion))


def read_document(text: str, file: str, called: str = "a pipeline", begins: str = "service:") -> Document:
    """The data of `text` with positions; what cannot be read is in its `findings`. It is `called` so in them, and
    usually `begins` so. Raises nothing."""
    document = Document(file)
    if len(text) > LONGEST_TEXT:
        words = f"has {len(text)} characters; {called} has at most {LONGEST_TEXT}"
        document.report("TOO_LARGE", words, ())
        return document
    try:
        node = _compose(text)
        document.data = document.walk(node) if node else None
    except _Unreadable as unreadable:
        document._report_mark(unreadable.code, unreadable.words, unreadable.mark)
        return document
    if not isinstance(document.data, dict):
        document.report("NOT_A_MAPPING", f"{called} is a mapping that begins with `{begins}`", ())
    return document


class _Unreadable(Exception):
    """The text cannot be read any further."""

    def __init__(self, code: str, words: str, mark: yaml.Mark | None = None) -> None:
        super().__init__(code, words)
        self.code, self.words, self.mark = code, words, mark


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2's core schema does (https://yaml.org/spec/1.2.2/#103-core-schema)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _spelling, _first in (
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}\Z", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_spelling), _first)

_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: {"true": True, "false": False}[text.lower()],
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
}


def _compose(text: str) -> yaml.Node | None:
    """The root node, or None for an empty text. Raises _Unreadable."""
    try:
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise _Unreadable("YAML_SYNTAX", words, error.problem_mark or error.context_mark) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = yaml.Mark("", 0, before.count("\n"), len(before) - before.rfind("\n") - 1, None, 0)
        words = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        raise _Unreadable("YAML_SYNTAX", words, mark) from error
    except RecursionError as error:
        raise _Unreadable("TOO_DEEP", f"is nested deeper than {DEEPEST} levels") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as the escape "\UFFFFFFFF"
        raise _Unreadable("YAML_SYNTAX", f"cannot be read: {error}") from error
    return node


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
