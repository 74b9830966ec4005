"""What a coverage report measured."""

from dataclasses import dataclass

from slipway.promotion.gates.reading import Unreadable


@dataclass(frozen=True)
class Measured:
    """Shares of what is covered, from 0 to 1; None where the tool looked at none."""

    lines: float | None
    branches: float | None

    @property
    def shares(self) -> tuple[tuple[str, float | None], ...]:
        """By the names that a pipeline has for them."""
        return (("line", self.lines), ("branch", self.branches))


def share_of(covered: int, valid: int, what: str) -> float | None:
    """None of nothing. Raises Unreadable for more covered than there are."""
    if covered > valid:
        raise Unreadable(f"{covered:,} {what} are covered of {valid:,}")
    return covered / valid if valid else None
