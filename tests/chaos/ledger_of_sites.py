"""The ledger of sites: every effect on Azure once, by the order of one operation, and nothing live unasked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.promotion.ids import promotion_id
from slipway.promotion.outcomes import moment
from tests.chaos.evidence import PRODUCTION, Evidence, Operation, Row
from tests.chaos.promises import Broken
from tests.chaos.shop import FIRST, Service, Stage

IDLE = "staging"


@dataclass(frozen=True)
class Place:
    """A site, with the service and stage that it belongs to."""

    site: str
    service: Service
    stage: Stage

    @property
    def lock(self) -> str:
        return f"@environment@{self.stage.name}--{self.service.name}"

    def promotion(self, version: str) -> str:
        return promotion_id(self.service.name, version)


def places(services: Sequence[Service]) -> list[Place]:
    return [Place(site, service, stage) for service in services for stage in service.stages for site in stage.sites]


def broken_about_sites(evidence: Evidence, services: Sequence[Service]) -> Iterator[Broken]:
    """The stand-in's own journal against our receipts, the audit and the locks."""
    for tag, times in Counter(each.tag for each in evidence.journal if each.kind == "deploy").items():
        if times > 1:
            yield Broken(f"{tag} was deployed {times} times", tag.partition(":")[0])
    receipts = {(partition, key) for partition, key in evidence.rows("receipts")}
    for each in evidence.journal:
        if each.kind == "deploy" and (each.tag.partition(":")[0], each.tag) not in receipts:
            yield Broken(f"a deployment to {each.site} has no receipt: {each.tag!r}")
        if each.status == "InProgress":
            yield Broken(f"Azure never ended {each.kind} of {each.site} ({each.id})")
    for place in places(services):
        yield from _replayed(evidence, place)
        yield from _live(evidence, place)


def _replayed(evidence: Evidence, place: Place) -> Iterator[Broken]:
    """Carry the journal out again. Each swap uses up the one receipt that ordered it; one without is a double."""
    live, idle = FIRST, ""
    orders = _orders(evidence, place)
    for each in evidence.journal:
        if each.site != place.site or not each.took_effect:
            continue
        if each.kind == "deploy":
            idle = each.version
            continue
        live, idle = idle, live
        brought, taken_back = f"{place.promotion(live)} swap", f"{place.promotion(idle)} swap-back"
        if orders[brought]:
            orders[brought] -= 1
            yield from _was_allowed(evidence, place, each, live)
        elif orders[taken_back]:
            orders[taken_back] -= 1
        else:
            words = f"a swap at {each.started} made {live} live on {place.site} in place of {idle}, unasked or twice"
            yield Broken(words, place.promotion(live))
    held = evidence.slots[place.site, PRODUCTION], evidence.slots[place.site, IDLE]
    if held != (live, idle):
        yield Broken(f"{place.site} holds {held}, its journal says {(live, idle)}")


def _orders(evidence: Evidence, place: Place) -> Counter[str]:
    """How many receipts there are for each kind of swap of this site, by promotion."""
    orders: Counter[str] = Counter()
    for promotion, key in evidence.rows("receipts"):
        *_, target, step, _ = key.split(":")
        if target == place.site and step in ("swap", "swap-back"):
            orders[f"{promotion} {step}"] += 1
    return orders


def _was_allowed(evidence: Evidence, place: Place, swap: Operation, version: str) -> Iterator[Broken]:
    """A build goes live only after people's yes where they are asked, and after the stages that it needs."""
    promotion = place.promotion(version)
    before = [each for each in evidence.records(promotion) if moment(each["at"]) <= moment(swap.started)]
    if place.stage.approval and not _said(before, place.stage.name, "stage.approved", promotion):
        yield Broken(f"{version} went live on {place.site} without an approval", promotion)
    for need in place.stage.needs:
        if not _said(before, need, "stage.passed", promotion):
            yield Broken(f"{version} went live on {place.site} before stage {need} had passed", promotion)


def _said(records: Sequence[Row], stage: str, action: str, promotion: str) -> bool:
    return any(each["action"] == action and each["id"].startswith(f"{promotion}:{stage}:") for each in records)


def _live(evidence: Evidence, place: Place) -> Iterator[Broken]:
    """What answers on the site is what the lock says, and what the promotion's end allows."""
    lock = evidence.entities.get(place.lock)
    version = evidence.slots[place.site, PRODUCTION]
    if lock is None:
        if version != FIRST:
            yield Broken(f"{place.site} serves {version}, and there is no lock of it")
        return
    if lock["broken"]:
        return  # nobody knows, and it says so
    said = lock["live"]["version"] if lock["live"] else FIRST
    if said != version:
        yield Broken(f"{place.site} serves {version}, its lock says {said}", place.promotion(said))
    if lock["live"] and not lock["live"]["proven"]:
        yield Broken(f"{said} is live in {place.stage.name} and was never proven", place.promotion(said))
    if version == FIRST:
        return
    promotion = place.promotion(version)
    row = evidence.rows("promotions").get((promotion, f"stage:{place.stage.name}"))
    state = row["doc"]["state"] if row else "nothing"
    if state != "passed":
        yield Broken(f"{version} serves on {place.site}, its stage says {state}", promotion)
