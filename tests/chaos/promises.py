"""A broken promise, as the ledger names it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Broken:
    """What was promised and does not hold; `promotion` says whose audit tells more."""

    words: str
    promotion: str = ""

    def __str__(self) -> str:
        return f"{self.promotion}: {self.words}" if self.promotion else self.words
