"""What a run prints at its end: a short table, and for a broken promise the way to it."""

from collections import Counter
from collections.abc import Iterator
from statistics import quantiles

from tests.chaos.run import Result


def table(result: Result) -> Iterator[str]:
    """Kills, faults, people, builds by their end, and how soon the system was well again."""
    chronicle = result.chronicle
    yield f"seed {result.plan.seed}, {result.took_s:.0f} s, quiet {result.quiet_after_s:.0f} s after the last kill"
    yield _line("kills", chronicle.counts("kill"))
    yield _line("at chosen points", chronicle.counts("moment"), short=True)
    yield _line("full disks", chronicle.counts("disk"))
    yield _line("faults", chronicle.counts("fault"))
    yield _line("people", chronicle.counts("people"))
    yield _line("letters", chronicle.counts("letter"))
    yield _line("builds", _ends(result))
    yield f"ledger            {result.balance}"
    for part in (*chronicle.counts("kill"), None):
        seconds = chronicle.recovery_s(part)
        if len(seconds) > 1:
            tenths = quantiles(seconds, n=10, method="inclusive")
            yield f"well again after  {tenths[4]:.1f} s median, {tenths[8]:.1f} s 90 %  ({part or 'all'})"


def way_to(result: Result) -> Iterator[str]:
    """For each broken promise its words; then the time line, and the audits of the promotions that it concerns."""
    yield f"BROKEN PROMISES of seed {result.plan.seed} with {result.plan.kills} kills:"
    for broken in result.broken:
        yield f"  {broken}"
    yield "time line:"
    yield from result.chronicle.lines()
    for promotion in sorted({broken.promotion for broken in result.broken if broken.promotion}):
        yield f"audit of {promotion}:"
        for record in result.evidence.records(promotion):
            yield f"  {record['at']}  {record['id']}  {record['action']}: {record['words']}"


def _line(name: str, counts: dict[str, int], short: bool = False) -> str:
    shown = f"{len(counts)} kinds" if short else ", ".join(f"{key} {number}" for key, number in counts.items())
    return f"{name:17} {sum(counts.values()):4}  ({shown})"


def _ends(result: Result) -> dict[str, int]:
    rows = result.evidence.rows("promotions")
    docs = [row["doc"] for (_, key), row in rows.items() if key == "promotion"]
    ends = Counter(f"{doc['state']} {doc['code']}".strip() for doc in docs)
    return dict(sorted(ends.items(), reverse=True))
