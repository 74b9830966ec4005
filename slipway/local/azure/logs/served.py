"""What a front end tells of each request that a release answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Served:
    """`at` is when the request came (UTC), `role` the service, `path` without its query. `success`: below 400, as
    Application Insights has it. `user` is empty for one who is not known, `features` are the flags that were asked for
    them, as `name;variant;on` or `name;variant;on;reason`; `events` are what the application told of them beside it."""

    at: datetime
    role: str
    version: str
    instance: str
    path: str
    status: int
    duration_ms: float
    success: bool
    user: str = ""
    features: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class AccessLog(Protocol):
    def served(self, request: Served) -> None: ...
