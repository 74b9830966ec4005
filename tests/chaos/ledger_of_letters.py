"""The ledger of letters: every message ends once, and nothing ends that nobody sent."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.evidence import Evidence
from tests.chaos.letters import BUILD, COPY, POISON, UNWANTED, Letter
from tests.chaos.promises import Broken

ENDS = ("passed", "failed", "cancelled", "broken", "not enough evidence")


@dataclass(frozen=True)
class Balance:
    """Messages that the broker put on the queue `builds`, and what became of them."""

    came_in: int
    promotions: int
    rejected: int
    not_for_promotion: int
    duplicates: int

    @property
    def accounted(self) -> int:
        return self.promotions + self.rejected + self.not_for_promotion + self.duplicates

    def __str__(self) -> str:
        return (
            f"{self.came_in} messages in = {self.promotions} promotions + {self.rejected} rejected + "
            f"{self.not_for_promotion} not for promotion + {self.duplicates} duplicates"
        )


@dataclass(frozen=True)
class Sent:
    """The letters by id, with how often each was tried at most and taken at least."""

    letters: Mapping[str, Letter]
    tried: Mapping[str, int]
    taken: Mapping[str, int]

    def of(self, kind: str) -> list[Letter]:
        return [letter for letter in self.letters.values() if letter.kind == kind]


def balance(evidence: Evidence, sent: Sent) -> Balance:
    """Each figure from where it is kept. Duplicates are what the queue got beyond the first of each build, poison
    or unwanted letter: CI's copies, and a letter that was sent again because the answer to it was lost."""
    came_in = evidence.received("builds")
    firsts = len(sent.of(BUILD)) + len(sent.of(POISON)) + len(sent.of(UNWANTED))
    return Balance(
        came_in,
        sum(key == "intake" for _, key in evidence.rows("promotions")),
        len({row["id"] for row in evidence.rejected}),
        len(evidence.rows("notpromoted")),
        came_in - firsts,
    )


def broken_about_letters(evidence: Evidence, sent: Sent) -> Iterator[Broken]:
    """Every letter against what became of it."""
    sums = balance(evidence, sent)
    if sums.came_in != sums.accounted:
        yield Broken(f"the ledger does not balance: {sums}")
    at_least, at_most = sum(sent.taken.values()), sum(sent.tried.values())
    if not at_least <= sums.came_in <= at_most:
        yield Broken(f"{sums.came_in} messages came in; CI knows of {at_least} and tried {at_most}")
    yield from _builds(evidence, sent)
    yield from _rejects(evidence, sent)
    yield from _unwanted(evidence, sent)


def _builds(evidence: Evidence, sent: Sent) -> Iterator[Broken]:
    promotions = {partition for partition, key in evidence.rows("promotions") if key == "intake"}
    meant = {letter.promotion for letter in sent.of(BUILD)}
    for promotion in sorted(promotions - meant):
        yield Broken("was promoted and never sent", promotion)
    for promotion in sorted(meant - promotions):
        yield Broken("was sent and never taken in", promotion)
    for promotion in sorted(meant & promotions):
        yield from _ended(evidence, promotion)
    for letter in sent.of(COPY):
        if letter.promotion not in meant:
            yield Broken(f"{letter.id} is a copy of a build that was never sent", letter.promotion)


def _ended(evidence: Evidence, promotion: str) -> Iterator[Broken]:
    intake = evidence.rows("promotions")[promotion, "intake"]
    if intake["state"] != "ended":
        yield Broken(f"its intake row says {intake['state']}", promotion)
    row = evidence.rows("promotions").get((promotion, "promotion"))
    if row is None:
        yield Broken("has no row in the read model", promotion)
        return
    doc = row["doc"]
    if doc["state"] not in ENDS:
        yield Broken(f"its row says {doc['state']}", promotion)
    if not doc["words"] or (doc["state"] != "passed" and not doc["code"]):
        yield Broken(f"ended {doc['state']} without a reason: {doc['code']!r}, {doc['words']!r}", promotion)


def _rejects(evidence: Evidence, sent: Sent) -> Iterator[Broken]:
    codes: dict[str, set[str]] = {}
    for row in evidence.rejected:
        codes.setdefault(row["message_id"], set()).add(row["code"])
    for letter in sent.of(POISON):
        if codes.pop(letter.id, set()) != {letter.code}:
            yield Broken(f"{letter.id} is poison and was not rejected as {letter.code}")
    for id, found in codes.items():
        yield Broken(f"{id} was rejected ({', '.join(sorted(found))}), which nobody expects")
    ids = Counter(record["id"] for chain in evidence.audit for record in _rejections(evidence, chain))
    for id in {row["id"] for row in evidence.rejected} - set(ids):
        yield Broken(f"the reject {id} is in no audit chain")
    for id, times in ids.items():
        if times > 1:
            yield Broken(f"the reject {id} is in the audit {times} times")


def _rejections(evidence: Evidence, chain: str) -> list[dict[str, str]]:
    return evidence.records(chain) if chain.startswith("rejected-") else []


def _unwanted(evidence: Evidence, sent: Sent) -> Iterator[Broken]:
    kept = {(partition, row["version"]): row["code"] for (partition, _), row in evidence.rows("notpromoted").items()}
    for letter in sent.of(UNWANTED):
        assert letter.document is not None
        key = f"service:{letter.document['service']}", letter.document["version"]
        if kept.pop(key, "") != letter.code:
            yield Broken(f"{letter.id} is not for promotion and is not kept as {letter.code}")
    for key in kept:
        yield Broken(f"{key} is kept as not for promotion, which nobody expects")
