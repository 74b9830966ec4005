"""One change of an environment, and what is on record of it."""

from dataclasses import dataclass, field


@dataclass
class Change:
    """A build's stage in an environment. Moments are ISO 8601, empty for what did not happen."""

    promotion: str
    stage: str
    environment: str
    service: str = ""
    version: str = ""
    digest: str = ""
    commit: str = ""
    author: str = ""
    began_at: str = ""
    live_at: str = ""
    ended_at: str = ""
    ended: str = ""
    back_at: str = ""
    back_by: str = ""
    approvals: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    reached: bool = False
    last_at: str = ""

    @property
    def missing(self) -> list[str]:
        """What a reader would look for and not find."""
        told = {
            "no digest of the build": self.digest,
            "no commit": self.commit,
            "no author": self.author,
            "no approval by a person": self.approvals,
            "no gate's evidence": self.gates,
            "no end so far": self.ended,
        }
        return [words for words, there in told.items() if not there]
