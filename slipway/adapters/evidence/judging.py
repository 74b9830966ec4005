"""A gate's answer about a build's evidence, from the message that names it to what is kept for the next."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.evidence.fetching import fetched
from slipway.adapters.evidence.kept import folded, unfolded
from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import MOST_WORDS, GateAnswer, broken, cut
from slipway.promotion.gates.evidence import check_age, evidence_of
from slipway.promotion.gates.kinds import judge
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import Outcome, iso
from slipway.settings import Settings, settings

# What nobody has brought, or not in time, speaks neither against the release nor against the check.
_NOT_ENOUGH = ("EVIDENCE_MISSING", "EVIDENCE_STALE")


def judged_evidence(
    gate: GatePlan,
    build: Build,
    previous: dict[str, Any] | None,
    now: datetime,
    *,
    settings_: Settings | None = None,
) -> GateAnswer:
    """The answer, with digest and time of the evidence, and a `kept` that may travel.

    Raises what may pass by itself: Unreachable, and AzureProblem of the container or of our identity.
    """
    chosen = settings_ or settings()
    try:
        evidence = evidence_of(build, gate)
        check_age(gate, evidence.produced_at, now)
        with fetched(evidence, chosen) as found:
            answer = judge(gate, found.read, build, unfolded(previous, chosen), now)
            told = replace(answer, digest=found.digest, produced_at=iso(evidence.produced_at))
    except SlipwayError as error:
        if isinstance(error, Unreachable) or error.code.startswith("AZURE_"):
            raise
        return _closed(error)
    return replace(told, kept=folded(told.kept, chosen))


def _closed(error: SlipwayError) -> GateAnswer:
    if error.code in _NOT_ENOUGH:
        return GateAnswer(Outcome.NOT_ENOUGH_EVIDENCE, error.code, cut(error.words, MOST_WORDS))
    return broken(error.code, error.words)
