"""Licence expressions in the words of SPDX: `MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)`."""

import re
from collections.abc import Sequence

_LONGEST = 4096
_MOST_BRACKETS = 50
_TOKEN = re.compile(r"\(|\)|[^\s()]+")


def is_denied(expression: str, denied: Sequence[str]) -> bool:
    """Whether nobody can take it without a denied licence: of `OR` one is chosen, of `AND` all hold.

    A denied one that ends with `*` is any that begins so. What is no expression (a licence's name as text) is taken
    whole, and one that is too long or has too many brackets is denied.
    """
    tokens = _TOKEN.findall(expression[:_LONGEST])
    if len(expression) > _LONGEST or tokens.count("(") > _MOST_BRACKETS:
        return True
    try:
        answer, end = _any(tokens, 0, denied)
    except IndexError:
        return _matches(expression, denied)
    return answer if end == len(tokens) else _matches(expression, denied)


def _any(tokens: list[str], at: int, denied: Sequence[str]) -> tuple[bool, int]:
    answer, at = _all(tokens, at, denied)
    while at < len(tokens) and tokens[at].upper() == "OR":
        other, at = _all(tokens, at + 1, denied)
        answer = answer and other
    return answer, at


def _all(tokens: list[str], at: int, denied: Sequence[str]) -> tuple[bool, int]:
    answer, at = _one(tokens, at, denied)
    while at < len(tokens) and tokens[at].upper() == "AND":
        other, at = _one(tokens, at + 1, denied)
        answer = answer or other
    return answer, at


def _one(tokens: list[str], at: int, denied: Sequence[str]) -> tuple[bool, int]:
    if tokens[at] == "(":
        answer, at = _any(tokens, at + 1, denied)
        if tokens[at] != ")":
            raise IndexError
        return answer, at + 1
    name, at = tokens[at], at + 1
    if at < len(tokens) and tokens[at].upper() == "WITH":
        name, at = f"{name} WITH {tokens[at + 1]}", at + 2
    return _matches(name, denied), at


def _matches(name: str, denied: Sequence[str]) -> bool:
    """A licence with an exception is denied as itself, or as what it is without; `GPL-2.0+` is `GPL-2.0-or-later`."""
    plain = name.partition(" WITH ")[0]
    plain = f"{plain[:-1]}-or-later" if plain.endswith("+") else plain
    spoken = {name.lower(), plain.lower()}
    return any(
        any(each.startswith(word[:-1].lower()) for each in spoken) if word.endswith("*") else word.lower() in spoken
        for word in denied
    )
