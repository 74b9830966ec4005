"""What a gate answers: its outcome, the numbers against the limits, and what the next release is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.stored import known

MOST_WORDS = 500
MOST_TEXT = 120  # of one fact, or of one name that evidence brings into our words


@dataclass(frozen=True)
class GateAnswer:
    """`outcome` is one of `Outcome`; `code` and `words` say why, `words` also when it passed. `facts` are plain and
    below 2 KB, for the audit. `digest` and `produced_at` are those of the evidence; the judges leave both to whoever
    fetched it. `kept` is what the next release is compared with: whoever stores it folds a large one away
    (`slipway.adapters.evidence.kept`).
    """

    outcome: str
    code: str = ""
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    produced_at: str = ""
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.outcome == Outcome.PASSED

    @property
    def answer(self) -> Answer:
        """As an activity says it: without what is kept elsewhere."""
        told = {"digest": self.digest, "produced_at": self.produced_at, "facts": self.facts}
        result = {name: value for name, value in told.items() if value}
        return Answer(Outcome(self.outcome), self.code, self.words, result=result)

    def dump(self) -> dict[str, Any]:
        """Plain JSON for a durable boundary; empty fields stay out."""
        return {key: value for key, value in plain(self).items() if value or key == "outcome"}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "GateAnswer":
        return cls(**known(cls, data))


@dataclass(frozen=True)
class Breach:
    """One limit that is not kept."""

    code: str
    words: str


def judged(
    breaches: Sequence[Breach], words: str, facts: Mapping[str, Any], kept: Mapping[str, Any] | None = None
) -> GateAnswer:
    """Failed when a limit is not kept, with the code of the first and the words of all; else passed with `words`."""
    facts, kept = dict(facts), dict(kept or {})
    if not breaches:
        return GateAnswer(Outcome.PASSED, words=cut(words, MOST_WORDS), facts=facts, kept=kept)
    told = cut("; ".join(breach.words for breach in breaches), MOST_WORDS)
    return GateAnswer(Outcome.FAILED, breaches[0].code, told, facts, kept=kept)


def broken(code: str, words: str) -> GateAnswer:
    """The evidence, not the release, is at fault."""
    return GateAnswer(Outcome.BROKEN, code, cut(words, MOST_WORDS))


def of_another_build(words: str) -> GateAnswer:
    """The evidence names a build that is not this one."""
    return GateAnswer(Outcome.FAILED, "EVIDENCE_OF_ANOTHER_BUILD", cut(words, MOST_WORDS))


def cut(text: str, most: int = MOST_TEXT) -> str:
    """One line of at most so many characters, all of them printable: evidence is written by others."""
    line = "".join(each if each.isprintable() else " " for each in text[: most + 1])
    return line if len(line) <= most else line[: most - 1] + "…"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 finding`, `2 findings`, with separators of thousands."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], of: int) -> str:
    """The first few of so many, in brackets; nothing where none is named."""
    return f" ({', '.join(names)}{', …' if of > len(names) else ''})" if names else ""
