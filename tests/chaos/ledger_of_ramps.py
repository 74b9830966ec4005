"""The ledger of ramps: no release had more of the traffic than judge and people let it have, and none has a part of it
now."""

from collections.abc import Iterator, Sequence

from slipway.promotion.outcomes import moment
from tests.chaos.evidence import Evidence, Served
from tests.chaos.ledger_of_sites import Place, places
from tests.chaos.promises import Broken
from tests.chaos.shop import Service

ROUNDING = 0.005
GIVEN = ("ramp.begins", "ramp.advanced-by-hand")


def broken_about_ramps(evidence: Evidence, services: Sequence[Service]) -> Iterator[Broken]:
    """The front ends' own history against the judge's receipts and the audit."""
    for place in places(services):
        history = evidence.servings.get(place.site, [])
        for served in history:
            yield from _was_let(evidence, place, served)
        lock = evidence.entities.get(place.lock)
        if history and not (lock and lock["broken"]) and len(history[-1].beside) > 0:
            words = f"{place.site} is at rest, and its traffic is divided: {history[-1]}"
            yield Broken(words, place.promotion(history[-1].beside[0][0]))


def _was_let(evidence: Evidence, place: Place, served: Served) -> Iterator[Broken]:
    for version, share in served.beside:
        promotion = place.promotion(version)
        most = max((share for at, share in _let(evidence, promotion) if at <= served.since), default=0.0)
        if share > most + ROUNDING:
            words = f"{version} had {share:.1%} of {place.site} at {served.since}, and was let have {most:.1%}"
            yield Broken(words, promotion)


def _let(evidence: Evidence, promotion: str) -> Iterator[tuple[str, float]]:
    """Every share that the judge or a person let it have, and when, in UTC."""
    for record in evidence.records(promotion):
        if record["action"] in GIVEN:
            yield _utc(record["at"]), record["evidence"]["share"]
    for (partition, key), row in evidence.rows("receipts").items():
        if partition == promotion and ":ramp:" in key and ":judge:" in key and "answer" in row["doc"]:
            verdict = row["doc"]["answer"]["result"].get("verdict", {})
            if verdict.get("action") in ("advance", "wait"):
                yield _utc(row["intent_at"]), verdict["weight"]


def _utc(text: str) -> str:
    return moment(text).isoformat(timespec="microseconds")
