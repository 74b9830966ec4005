"""Secrets are replaced in whatever an activity answers.

Durable keeps answers in its history, and a release under test may send back what it was sent, in any answer and at
any time: as its version, say. Known are the values that this process has ever read.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from slipway.promotion.outcomes import Answer

HIDDEN = "(secret)"
SHORTEST_HIDDEN = 4  # a shorter one is no secret, and would turn up in any sentence


class Hiding:
    """Replaces every one of some secret values in a text."""

    def __init__(self, values: Iterable[str]) -> None:
        # The longest first: one may be the beginning of another.
        self._values = sorted((value for value in values if len(value) >= SHORTEST_HIDDEN), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text

    def within(self, data: Any) -> Any:
        """The same JSON with its texts (not its keys, which are ours) searched."""
        if isinstance(data, dict):
            return {key: self.within(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self.within(value) for value in data]
        return self(data) if isinstance(data, str) else data

    def of(self, answer: Answer) -> Answer:
        """The answer, searched wherever it has words."""
        return replace(
            answer,
            words=self(answer.words),
            log=self(answer.log),
            handle=self.within(answer.handle),
            result=self.within(answer.result),
        )
