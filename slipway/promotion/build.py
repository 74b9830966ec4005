"""A build: an immutable artifact that CI finished."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway.promotion.ids import promotion_id
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plain import plain
from slipway.promotion.stored import known


@dataclass(frozen=True)
class Build:
    """What CI says of a finished build, whatever its vendor's shape was.

    `finished_at` orders builds (versions are never compared); `digest` is `sha256:…` of the artifact
    when CI knows it; `author` is CI's name for the person behind the commit. `commit`, `branch` and `author` are empty
    where `source` does not say them, as a registry does not. `run` counts how often a person has had
    the build promoted: from the second on `finished_at` is when that was said. Of a group, `members` names each
    service's version, and `digest` is that of these names. `schema` says on which versions of the database its code
    runs (`database_schema`); empty where it does not say. `hotfix` is why it may enter through a freeze that excepts
    hotfixes; empty where it is none.
    """

    service: str
    version: str
    commit: str
    branch: str
    author: str
    finished_at: datetime
    result: str = "succeeded"
    digest: str = ""
    source: str = "slipway"
    evidence: dict[str, Any] = field(default_factory=dict)
    run: int = 1
    members: dict[str, str] = field(default_factory=dict)
    schema: dict[str, int] = field(default_factory=dict)
    hotfix: str = ""

    @property
    def promotion(self) -> str:
        """The id of this build's promotion."""
        return promotion_id(self.service, self.version, self.run)

    def is_same(self, digest: str, commit: str) -> bool:
        """Whether a message with this digest and commit speaks of the same build: equal digests, or equal commits
        when one of the two knows no digest. A registry knows no commit: what cannot be compared is no difference."""
        if self.digest and digest:
            return self.digest == digest
        return self.commit == commit or not (self.commit and commit)

    def dump(self) -> dict[str, Any]:
        dumped = {**plain(self), "finished_at": iso(self.finished_at)}
        return {key: value for key, value in dumped.items() if value or key not in ("schema", "hotfix")}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Build":
        return cls(**{**known(cls, data), "finished_at": moment(data["finished_at"])})
