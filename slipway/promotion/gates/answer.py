"""What a gate says of a build."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GateAnswer:
    """`facts` are small and plain, for the audit; `digest` is the evidence's, which was `produced_at` then; `kept` is
    what the next release is compared with. `code` and `words` say why, whenever it did not pass."""

    outcome: str
    code: str = ""
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    produced_at: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
