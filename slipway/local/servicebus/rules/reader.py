"""A place in a filter's words, for those who parse them."""

from slipway.local.servicebus.rules.errors import RuleError
from slipway.local.servicebus.rules.tokens import Kind, Token, tokens

LONGEST_TEXT = 1024
"""Azure's limit on a filter and on an action."""
_DEEPEST = 40


class Reader:
    """Reads words one by one."""

    def __init__(self, text: str) -> None:
        """Raises RuleError if the text is too long or has something in it that is no word."""
        if len(text) > LONGEST_TEXT:
            raise RuleError(f"an expression has at most {LONGEST_TEXT} characters, this one {len(text)}")
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these signs or keywords."""
        return self.next.kind in (Kind.SIGN, Kind.KEYWORD) and self.next.text in texts

    def accept(self, *texts: str) -> str | None:
        """Take the next word if it is one of these."""
        return self.take().text if self.sees(*texts) else None

    def expect(self, text: str) -> None:
        if not self.sees(text):
            raise self.wrong(f"{text} is missing")
        self.take()

    def deeper(self) -> None:
        """One bracket, NOT or sign further in; the stack is not endless."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.wrong(f"nested deeper than {_DEEPEST}")

    def shallower(self) -> None:
        self._depth -= 1

    def wrong(self, why: str) -> RuleError:
        token = self.next
        where = "at the end" if token.kind is Kind.END else f"before {token.text!r} at character {token.at + 1}"
        return RuleError(f"{why} {where}")
