"""The kinds of gates that read evidence of a build: who judges, and which settings in which units."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, BinaryIO

from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import GateAnswer, broken, of_another_build
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.gates.reading import Asked, Judge, OfAnotherBuild

SARIF_LEVELS = ("error", "warning", "note", "none")
SEVERITIES = ("critical", "high", "medium", "low", "info", "none", "unknown")


@dataclass(frozen=True)
class Setting:
    """A limit of a kind. `unit` is one of

    - `count`: an int from 0; `share`: a float from 0 to 1; `switch`: a bool; `text`; `texts`: a list of texts
    - `counts`: a dict of `names` to counts, or one count for all of them together
    - `ignores`: a list of `{id, reason, until}`, `until` an ISO 8601 date
    - `identity`: `{identity, issuer}`, of whom a Sigstore certificate must be
    """

    name: str
    unit: str
    words: str
    names: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class GateKind:
    """The module of its name has `judge`, and is imported when a gate of the kind is judged: its parsers are slow to
    import. A gate without any of `one_of` could never fail: lint refuses it."""

    name: str
    called: str
    settings: tuple[Setting, ...]
    one_of: tuple[str, ...] = ()

    def judge(self) -> Judge:
        found: Callable[..., GateAnswer] = import_module(f"slipway.promotion.gates.{self.name}").judge
        return found


_MAX, _COUNT, _SWITCH = "counts", "count", "switch"

KINDS: dict[str, GateKind] = {
    kind.name: kind
    for kind in (
        GateKind(
            "tests",
            "results of tests (JUnit XML)",
            (
                Setting("failed", _COUNT, "so many may have failed or ended with an error; 0 where it is not given"),
                Setting("skipped", _COUNT, "so many may have been skipped; any number where it is not given"),
                Setting("at_least", _COUNT, "so many must have run; 1 where it is not given"),
            ),
        ),
        GateKind(
            "coverage",
            "coverage (Cobertura XML or lcov)",
            (
                Setting("line", "share", "of the lines this share must be covered"),
                Setting("branch", "share", "of the branches this share must be covered"),
                Setting("not_lower", _SWITCH, "neither may be lower than that of the live release"),
            ),
            one_of=("line", "branch", "not_lower"),
        ),
        GateKind(
            "sarif",
            "findings of code scanners (SARIF 2.1.0)",
            (
                Setting("max", _MAX, "so many findings a level may there be", SARIF_LEVELS),
                Setting("new", _MAX, "so many findings may there be that the live release did not have", SARIF_LEVELS),
                Setting("tools", "texts", "each of these tools must have run, by the name that it gives itself"),
            ),
            one_of=("max", "new"),
        ),
        GateKind(
            "sbom",
            "components and their vulnerabilities (CycloneDX or SPDX)",
            (
                Setting("max", _MAX, "so many vulnerabilities a severity may there be", SEVERITIES),
                Setting("ignore", "ignores", "vulnerabilities that do not count, each with a reason and until when"),
                Setting("denied_licences", "texts", "no component may be under one of these, as SPDX names them"),
                Setting("at_least", _COUNT, "so many components must be listed; 1 where it is not given"),
            ),
            one_of=("max", "denied_licences"),
        ),
        GateKind(
            "provenance",
            "who built it, from what (in-toto statement in a DSSE envelope, or a Sigstore bundle)",
            (
                Setting("keys", "texts", "public keys (PEM), one of which must have signed"),
                Setting("sigstore", "identity", "of whom the certificate of a Sigstore bundle must be"),
                Setting("builders", "texts", "ids of builders, one of which must have built it", required=True),
                Setting("source", "text", "the repository that it must come from", required=True),
                Setting("predicates", "texts", "types of statement that are taken; SLSA v0.2 and v1 where not given"),
            ),
            one_of=("keys", "sigstore"),
        ),
    )
}


def judge(gate: GatePlan, read: BinaryIO, build: Build, previous: dict[str, Any] | None, now: datetime) -> GateAnswer:
    """What the gate answers of evidence that is read from `read` (seekable, decompressed, within the size limit).

    `previous` is the `kept` of the live release, None where there is none. Never raises for what the evidence holds.
    """
    try:
        return KINDS[gate.kind].judge()(Asked(gate, build, previous, now), read)
    except OfAnotherBuild as error:
        return of_another_build(error.words)
    except SlipwayError as error:
        return broken(error.code, f"{gate.evidence or gate.kind}: {error.words}")
    except RecursionError:
        return broken("EVIDENCE_UNREADABLE", f"{gate.evidence or gate.kind}: it is nested too deeply")
