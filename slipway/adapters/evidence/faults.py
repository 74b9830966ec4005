"""What goes wrong on the way to a piece of evidence."""

from slipway.promotion.errors import SlipwayError


class NotAllowed(SlipwayError):
    """An address that we do not go to, or that does not let us in."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_NOT_ALLOWED", words)


class Unreachable(SlipwayError):
    """It may be there, and may come: try again, no sooner than after `after_s`."""

    def __init__(self, words: str, after_s: float = 0.0) -> None:
        super().__init__("EVIDENCE_UNREACHABLE", words)
        self.after_s = after_s


class Missing(SlipwayError):
    """It is not where the build says."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_MISSING", words)


class Altered(SlipwayError):
    """Not what the build's message says that it is, by its hash."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_ALTERED", words)
