"""Domain errors: a stable code, and the words a person needs to act."""


class SlipwayError(Exception):
    """Anything Slipway refuses or cannot do. `code` is stable, `words` say what happened and what to do."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


class BuildRejected(SlipwayError):
    """A build message that can never be promoted as it is; it goes to `builds-rejected`."""


class NotForPromotion(SlipwayError):
    """A sound message about a build that its pipeline does not promote: failed, or another branch."""


class NotABuild(NotForPromotion):
    """A sound event of a CI `system` that tells of no build that could ever be promoted: a run that only began, a tag
    that nobody promotes. Acknowledged and counted by its system."""

    def __init__(self, system: str, code: str, words: str) -> None:
        super().__init__(code, words)
        self.system = system


class Refused(SlipwayError):
    """What a person asked for is not allowed, or not now. Answered as 409, or 403 when a right is missing."""


class Forbidden(Refused):
    """The person lacks a role or is excluded by policy."""
