"""LIKE: `%` stands for any text, `_` for one character, and an escape character takes either as it is."""

from slipway.local.servicebus.rules.errors import FilterError

ANY, ONE = object(), object()
Pattern = tuple[object, ...]
"""Characters, ANY and ONE."""


def pattern(text: str, escape: str | None) -> Pattern:
    """Read a pattern. Raises FilterError if the escape character is not one, or the last one escapes nothing."""
    if escape is not None and len(escape) != 1:
        raise FilterError(f"ESCAPE takes one character, not {escape!r}")
    parts: list[object] = []
    characters = iter(text)
    for character in characters:
        if character == escape:
            escaped = next(characters, None)
            if escaped is None:
                raise FilterError(f"the pattern {text!r} ends with its escape character")
            parts.append(escaped)
        else:
            parts.append({"%": ANY, "_": ONE}.get(character, character))
    return tuple(parts)


def matches(text: str, parts: Pattern) -> bool:
    """Whether the whole text fits, in time proportional to text times pattern at worst."""
    at = part = 0
    last_any, taken = -1, 0
    while at < len(text):
        if part < len(parts) and parts[part] is ANY:
            last_any, taken = part, at
            part += 1
        elif part < len(parts) and (parts[part] is ONE or parts[part] == text[at]):
            at, part = at + 1, part + 1
        elif last_any >= 0:  # let the last % take one character more
            taken += 1
            at, part = taken, last_any + 1
        else:
            return False
    return all(each is ANY for each in parts[part:])
