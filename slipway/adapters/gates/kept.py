"""What gates keep of a build (table `gates`), for the comparison with the releases that come after.

Partition = service in its environment, key = stage, gate and version. It is written when the gate has passed and says
nothing by itself: whoever compares asks for those of releases that the ledger knows as proven.
"""

from typing import Any

from slipway.adapters.read_model import newest_releases, write_newer
from slipway.adapters.rows import Rows
from slipway.promotion.gates.question import Question
from slipway.promotion.ids import environment_key
from slipway.promotion.ledger import proven_before

LOOKS_BACK = 50  # releases of the ledger
COMPARABLE = 5  # when the last ones went through no such gate


def keep(question: Question, kept: dict[str, Any]) -> None:
    """Keep it, unless what a later asking kept is there. Raises AzureProblem."""
    where = environment_key(question.environment, question.service)
    write_newer("gates", where, _key(question, question.build.version), question.rev, kept)


def of_last_good(question: Question) -> dict[str, Any] | None:
    """What the same gate has kept of the last good release here; None where there is none. Raises AzureProblem."""
    rows, where = Rows("gates"), environment_key(question.environment, question.service)
    releases, _ = newest_releases(question.environment, question.service, LOOKS_BACK)
    for version in proven_before(releases, question.build.version)[:COMPARABLE]:
        row = rows.get(where, _key(question, version))
        if row is not None:
            kept: dict[str, Any] = row.doc
            return kept
    return None


def _key(question: Question, version: str) -> str:
    """Names hold no `:`, and `+` becomes `~` as in the ids of promotions."""
    return f"{question.stage}:{question.gate.name}:{version.replace('+', '~')}"
