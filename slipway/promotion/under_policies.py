"""That a stage was planned under the organisation's policies, as its frozen plan says it. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known

HOLD, CANCEL = "hold", "cancel"
UNMET = "POLICY_UNMET"


@dataclass(frozen=True)
class UnderPolicies:
    """`digest` is that of all policies when the build was taken in; empty when they could not be read then. `owner` is
    the service's, by whom policies may go."""

    owner: str
    digest: str = ""

    @classmethod
    def load(cls, data: Mapping[str, Any] | None) -> "UnderPolicies | None":
        return cls(**known(cls, data)) if data else None
