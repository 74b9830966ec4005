"""How a check or step ended, and what an activity answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from slipway.promotion.stored import known

RUNNING = "running"


class Outcome(StrEnum):
    """Only `passed` opens a gate; only `failed` speaks against the release."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"
    CANCELLED = "cancelled"
    BROKEN = "broken"


@dataclass(frozen=True)
class Answer:
    """What an activity says: it is still running (ask again after `after_s`), or how it ended.

    `state` is `running` or an `Outcome`; `handle` is what the next call needs to go on; `result`
    holds evidence in plain JSON, `at` is when an operation ended; `code`, `words` and `log` (a tail) say
    why, whenever it did not pass.
    """

    state: str
    code: str = ""
    words: str = ""
    log: str = ""
    after_s: float = 0.0
    at: str = ""
    handle: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def outcome(self) -> Outcome:
        """How it ended. Raises ValueError while it runs."""
        return Outcome(self.state)

    def dump(self) -> dict[str, Any]:
        """Plain JSON for a durable boundary; empty fields stay out."""
        return {key: value for key, value in vars(self).items() if value or key == "state"}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Answer":
        return cls(**known(cls, data))


def running(handle: dict[str, Any], after_s: float, words: str = "") -> Answer:
    """Not over: call again with `handle` after `after_s` seconds."""
    return Answer(RUNNING, handle=handle, after_s=after_s, words=words)


def passed(words: str = "", **result: Any) -> Answer:
    return Answer(Outcome.PASSED, words=words, result=result)


def failed(code: str, words: str, log: str = "", **result: Any) -> Answer:
    """The release itself is at fault."""
    return Answer(Outcome.FAILED, code=code, words=words, log=log[-2000:], result=result)


def broken(code: str, words: str, log: str = "") -> Answer:
    """The check or the platform is at fault, not the release."""
    return Answer(Outcome.BROKEN, code=code, words=words, log=log[-2000:])


def not_enough_evidence(code: str, words: str, **result: Any) -> Answer:
    return Answer(Outcome.NOT_ENOUGH_EVIDENCE, code=code, words=words, result=result)


def cancelled(words: str = "the promotion was aborted") -> Answer:
    return Answer(Outcome.CANCELLED, code="ABORTED", words=words)


def worst(answers: list[Answer]) -> Answer:
    """The answer that decides for several run side by side: a failure before a cancellation before blindness."""
    order = [Outcome.FAILED, Outcome.CANCELLED, Outcome.BROKEN, Outcome.NOT_ENOUGH_EVIDENCE, Outcome.PASSED]
    return min(answers, key=lambda answer: order.index(answer.outcome), default=passed())


def iso(moment: datetime) -> str:
    """A moment as it travels: UTC, ISO 8601 with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The reverse of `iso`."""
    return datetime.fromisoformat(text)
