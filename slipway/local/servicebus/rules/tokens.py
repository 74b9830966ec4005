"""The words of a filter or an action."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from slipway.local.servicebus.rules.errors import RuleError

KEYWORDS = frozenset(
    ("AND", "OR", "NOT", "IN", "LIKE", "ESCAPE", "IS", "NULL", "EXISTS", "TRUE", "FALSE", "SET", "REMOVE")
)


class Kind(Enum):
    KEYWORD = auto()
    NAME = auto()
    DELIMITED = auto()
    TEXT = auto()
    WHOLE = auto()
    REAL = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what it means: a name without its brackets, a keyword in upper case."""

    kind: Kind
    text: str
    at: int


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<REAL>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    | (?P<WHOLE>\d+)
    | (?P<TEXT>'(?:[^']|'')*')
    | (?P<BRACKETS>\[(?:[^\]]|\]\])+\])
    | (?P<QUOTES>"(?:[^"]|"")+")
    | (?P<WORD>[^\W\d_]\w*)
    | (?P<SIGN><>|!=|<=|>=|[=<>+\-*/%(),.;])
    )""",
    re.VERBOSE,
)


def tokens(text: str) -> Iterator[Token]:
    """All words and an END. Raises RuleError at what is none."""
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise RuleError(f"what begins at character {start + 1} is not understood: {text[start : start + 20]!r}")
        at = match.end()
        yield _token(match)
    yield Token(Kind.END, "the end", len(text))


def _token(match: re.Match[str]) -> Token:
    group = match.lastgroup or ""
    text, at = match[group], match.start(group)
    match group:
        case "TEXT":
            return Token(Kind.TEXT, text[1:-1].replace("''", "'"), at)
        case "BRACKETS":
            return Token(Kind.DELIMITED, text[1:-1].replace("]]", "]"), at)
        case "QUOTES":
            return Token(Kind.DELIMITED, text[1:-1].replace('""', '"'), at)
        case "WORD" if text.upper() in KEYWORDS:
            return Token(Kind.KEYWORD, text.upper(), at)
        case "WORD":
            return Token(Kind.NAME, text, at)
    return Token(Kind[group], text, at)
