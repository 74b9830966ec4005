"""Whether those who said yes are enough: a policy's slots, and who fills which. Pure.

A slot asks for one of some claims, and a person fills one slot, whatever groups that person is in. Who fills which is
not the order in which people came: a matching that fills as many slots as can be filled is looked for anew with each
vote. Somebody who does not make it larger would not do so later either (the sets of people who can be matched are a
matroid), so such a vote is refused at once.
"""

from collections.abc import Sequence
from typing import Protocol

from slipway.promotion.approval_policy import ApprovalPolicy

Slot = tuple[str, ...]


class Holder(Protocol):
    """Somebody with claims."""

    def has(self, claim: str) -> bool: ...


def slots(policy: ApprovalPolicy, escalated: bool = False) -> tuple[Slot, ...]:
    """What must be filled, by one person each: first what `each` names, then the rest of `at_least`. Who joins by an
    escalation may fill any."""
    joined = policy.escalation.approvers if escalated and policy.escalation else ()
    named = [(quota.of,) for quota in policy.each for _ in range(quota.at_least)]
    rest = [policy.claims] * (policy.needed - len(named))
    return tuple(tuple(dict.fromkeys((*slot, *joined))) for slot in (*named, *rest))


def filled(asked: Sequence[Slot], people: Sequence[Holder]) -> dict[int, int]:
    """Which person (its number) fills which slot (its number), so that as many as can be are filled.

    Augmenting paths, one a person: who has no free slot may have another's, if that one finds another.
    """
    by_slot: dict[int, int] = {}

    def placed(person: int, tried: set[int]) -> bool:
        for number, slot in enumerate(asked):
            if number in tried or not any(people[person].has(claim) for claim in slot):
                continue
            tried.add(number)
            if number not in by_slot or placed(by_slot[number], tried):
                by_slot[number] = person
                return True
        return False

    for person in range(len(people)):
        placed(person, set())
    return by_slot


def missing(asked: Sequence[Slot], people: Sequence[Holder]) -> list[Slot]:
    """The slots that nobody fills."""
    found = filled(asked, people)
    return [slot for number, slot in enumerate(asked) if number not in found]


def in_words(open_slots: Sequence[Slot]) -> str:
    """`2 of role:qa, 1 of role:security or group:owners`."""
    counted = {slot: open_slots.count(slot) for slot in open_slots}
    return ", ".join(f"{count} of {' or '.join(slot)}" for slot, count in counted.items())
