"""Takes checkpoints: looks which chains grew, signs how far they have come, appends that to the checkpoints' chain.

It remembers nothing: the last checkpoint says since when to look. The list of blobs tells what grew, so a look costs a
request for each 5,000 chains there are, and two for each that grew. ADR 45 has the arithmetic.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from slipway.adapters import clock
from slipway.adapters.audit_log import ROLE, SUFFIX, container_of
from slipway.adapters.audit_reading import AuditReading, ChainSeen
from slipway.adapters.audit_signer import AuditSigner
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.blobs import create_blob
from slipway.promotion.audit_checkpoint import FOLDER, Checkpoint, Head, next_number, place_of, read_checkpoint
from slipway.promotion.outcomes import iso, moment
from slipway.settings import Settings, settings

DUE = timedelta(hours=1)  # one is taken that often, whether or not anything happened
SKEW = timedelta(minutes=5)  # how far our clock and the storage's may be apart
MOST_HEADS = 10_000  # in one checkpoint
_AT_ONCE = 8


class AuditCheckpoints:
    """`now` is the clock."""

    def __init__(self, settings_: Settings | None = None, now: Callable[[], datetime] = clock.now) -> None:
        self._settings = settings_ or settings()
        self._reading = AuditReading(self._settings)
        self._now = now

    def last(self) -> Checkpoint | None:
        """The newest one. Raises NotACheckpoint when what is stored there is none: nothing is signed upon that."""
        return self._last()[0]

    def take(self) -> Checkpoint | None:
        """Sign how far the chains have come. Returns the newest checkpoint taken; None when none was due.

        Raises SlipwayError SETTING_MISSING, NotACheckpoint, and AzureProblem (of kind CONFLICT when somebody else
        was first). Whatever it raises, the next look finds the same chains and more.
        """
        last, place, position = self._last()
        at = max(self._now(), moment(last.at)) if last else self._now()
        heads = self._grown(last)
        if not heads and last and at - moment(last.at) < DUE:
            return None
        signer = AuditSigner(self._settings)
        taken = last
        for first in range(0, max(len(heads), 1), MOST_HEADS):
            number, prev = next_number(taken)
            since = taken.at if taken else iso(at)
            taken = Checkpoint(number, iso(at), since, prev, signer.public, tuple(heads[first : first + MOST_HEADS]))
            written_to = place_of(taken.at)
            line = taken.line(signer.sign(taken.digest)).encode()
            position = self._append(written_to, position if written_to == place else 0, line)
            place = written_to
        return taken

    def _last(self) -> tuple[Checkpoint | None, str, int]:
        """The newest checkpoint, the chain it lies in, and where the next one would begin there."""
        place = max((seen.name for seen in self._reading.chains(FOLDER)), default="")
        if not place:
            return None, "", 0
        line, size = self._reading.last_line(place)
        return read_checkpoint(line)[0], place, size

    def _grown(self, last: Checkpoint | None) -> list[Head]:
        since = moment(last.at) - SKEW if last else None
        known = {head.chain: head.size for head in last.heads} if last else {}
        grown = [seen for seen in self._reading.chains() if _is_news(seen, since, known)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            heads = list(pool.map(lambda seen: self._reading.head(seen.name), grown))
        return [head for head in heads if head]

    def _append(self, place: str, position: int, line: bytes) -> int:
        """Where the next one begins."""
        from azure.core.exceptions import AzureError, HttpResponseError

        blob = container_of(self._settings).get_blob_client(f"{place}{SUFFIX}")
        try:
            if position == 0:
                create_blob(blob, container_of(self._settings))
            blob.append_block(line, appendpos_condition=position)
        except HttpResponseError as error:
            if error.status_code == 412 and self._reading.last_line(place) == (line[:-1], position + len(line)):
                return position + len(line)  # it is ours, of the answer that never came
            if error.status_code == 412:
                words = "somebody else was first to take a checkpoint"
                raise AzureProblem(AzureFault(FaultKind.CONFLICT, "AppendContended", words)) from error
            raise AzureProblem(explain(error, ROLE)) from error
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error
        return position + len(line)


def _is_news(seen: ChainSeen, since: datetime | None, known: dict[str, int]) -> bool:
    if seen.name.startswith(FOLDER) or known.get(seen.name) == seen.size:
        return False
    return since is None or seen.grew_at >= since
