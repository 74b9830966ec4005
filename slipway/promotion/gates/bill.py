"""A bill of materials, in the words that its formats share."""

from dataclasses import dataclass, field

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.reading import TooLarge

MOST = 500_000  # components, and vulnerabilities
ORDER = ("critical", "high", "medium", "low", "info", "none", "unknown")
_CVSS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
# What VEX calls a vulnerability that does not touch this product (CycloneDX's words).
NOT_AFFECTED = ("not_affected", "false_positive", "resolved", "resolved_with_pedigree")


@dataclass(frozen=True)
class Component:
    """`licences` are expressions in the words of SPDX, all of which hold."""

    name: str
    version: str
    licences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vulnerability:
    """`severity` is the worst that anybody gave it, in the words of `ORDER`."""

    id: str
    severity: str


@dataclass
class Bill:
    """`name`, `version` and `digests` (`sha256:…`) are of what the bill is of. `vulnerabilities` is None where nobody
    has looked for any; those that its maker found to be none here are counted in `not_affected`."""

    format: str
    name: str = ""
    version: str = ""
    digests: tuple[str, ...] = ()
    components: list[Component] = field(default_factory=list)
    vulnerabilities: list[Vulnerability] | None = None
    not_affected: int = 0

    def add(self, component: Component) -> None:
        """Raises TooLarge."""
        if len(self.components) >= MOST:
            raise TooLarge(f"more than {MOST:,} components")
        self.components.append(component)

    def add_vulnerability(self, id: str, severities: list[str], state: str) -> None:
        """Raises TooLarge."""
        if self.vulnerabilities is None:
            self.vulnerabilities = []
        if len(self.vulnerabilities) + self.not_affected >= MOST:
            raise TooLarge(f"more than {MOST:,} vulnerabilities")
        if state.lower() in NOT_AFFECTED:
            self.not_affected += 1
        else:
            self.vulnerabilities.append(Vulnerability(cut(id, 60), worst(severities)))


def worst(severities: list[str]) -> str:
    """Of what several have said; a word that nobody knows is `unknown`."""
    known = [each for each in (severity.lower() for severity in severities) if each in ORDER]
    return min(known, key=ORDER.index, default="unknown")


def severity_of(severity: str, score: float | None, method: str) -> str:
    """Of one rating: its word, else what CVSS calls its score."""
    if severity or score is None or not (method.lower().startswith("cvss") or not method):
        return severity
    return next((word for least, word in _CVSS if score >= least), "none")
