"""What CI sends, and what has to become of each letter."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from slipway.promotion.ids import promotion_id
from tests.chaos.shop import Service

BUILD, COPY, POISON, UNWANTED = "build", "copy", "poison", "not for promotion"
SICK = ("-crash", "-sick", "-errors")
WRONG = (("BRANCH_NOT_PROMOTED", {"branch": "topic"}), ("BUILD_NOT_SUCCEEDED", {"result": "failed"}))


@dataclass(frozen=True)
class Letter:
    """One message as CI means it. It is sent under its own `id` until the broker has taken it, so a lost answer
    puts it on the queue twice.

    `kind`: a new build, the copy of an earlier one under another id, poison that must be rejected with `code`,
    or a build that its pipeline does not want, `code` too. `promotion` is the build's, if there is one.
    """

    id: str
    kind: str
    promotion: str = ""
    code: str = ""
    document: dict[str, Any] | None = None
    raw: bytes = b""
    delay_s: float = 0.0

    def body(self) -> bytes:
        """As it goes out: CI finishes a build at the moment at which it says so."""
        return self.raw or json.dumps(self.document).encode()

    def finished(self) -> "Letter":
        """The letter with the moment of its build filled in, which every copy repeats."""
        if self.document is None or "finished_at" in self.document:
            return self
        return replace(self, document={**self.document, "finished_at": datetime.now(UTC).isoformat()})


def letters(
    random: Random, services: Sequence[Service], *, copies: float, poison: float, unwanted: float = 0.05
) -> Iterator[Letter]:
    """Without end: shares of `copies`, `poison` and `unwanted`, the rest builds, some of them sick."""
    builds: list[Letter] = []
    for number in count():
        dice = random.random()
        if dice < copies and builds:
            yield replace(random.choice(builds[-6:]), id=f"letter-{number}", kind=COPY, delay_s=0.0)
        elif dice < copies + poison:
            yield _poison(random, services, number)
        elif dice < copies + poison + unwanted:
            yield _unwanted(random, services, number)
        else:
            builds.append(_build(random, services, number))
            yield builds[-1]


def _build(random: Random, services: Sequence[Service], number: int) -> Letter:
    service = random.choice(services).name
    version = f"2.{number}.0" + (random.choice(SICK) if random.random() < 0.18 else "")
    delay_s = random.uniform(0.2, 3.0) if random.random() < 0.15 else 0.0
    return Letter(
        f"letter-{number}",
        BUILD,
        promotion_id(service, version),
        document=_document(service, version),
        delay_s=delay_s,
    )


def _unwanted(random: Random, services: Sequence[Service], number: int) -> Letter:
    document = _document(random.choice(services).name, f"2.{number}.0")
    code, wrong = random.choice(WRONG)
    return Letter(f"letter-{number}", UNWANTED, code=code, document={**document, **wrong})


def _poison(random: Random, services: Sequence[Service], number: int) -> Letter:
    document = _document(random.choice(services).name, f"2.{number}.0")
    id = f"letter-{number}"
    match random.randrange(5):
        case 0:
            return Letter(id, POISON, code="NOT_JSON", raw=b"\x00\xff no JSON %d" % number)
        case 1:
            return Letter(id, POISON, code="UNKNOWN_SHAPE", raw=json.dumps({"hello": number}).encode())
        case 2:
            return Letter(id, POISON, code="UNKNOWN_SERVICE", document={**document, "service": "nobody"})
        case 3:
            return Letter(id, POISON, code="INVALID_BUILD", document={**document, "version": "a/b"})
        case _:
            late = {**document, "finished_at": "2199-01-01T00:00:00Z"}
            return Letter(id, POISON, code="FINISHED_IN_THE_FUTURE", document=late)


def _document(service: str, version: str) -> dict[str, Any]:
    return {
        "service": service,
        "version": version,
        "commit": "c0ffee1",
        "branch": "main",
        "author": "bob@shop.example",
    }
