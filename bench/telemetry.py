"""Telemetry: the production KQL over a million log rows in the stand-in, and what a user's request costs.

KQL in milliseconds of wall time, its translation remembered as it is from the second tick on; requests by second of
CPU of the generator alone, whatever else the machine does.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time

from bench.figure import Figure, ms
from slipway.adapters.telemetry.logs import queries_of
from slipway.local.azure.logs.minutes import Phase, Service, minutes_of
from slipway.local.azure.logs.queries import Queries, Timespan
from slipway.local.azure.logs.store import TABLE, LogStore
from slipway.local.azure.logs.traffic_model import rows_of
from slipway.promotion.telemetry import Question, Source, Span

RUNS = 5
ROWS = 1_000_000
PER_SECOND = 50
TICK = timedelta(minutes=1)
ENDS = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEGINS = ENDS - timedelta(seconds=ROWS / PER_SECOND)


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        store = LogStore(Path(folder) / "logs.duckdb")
        before = process_time()
        store.fill(_rows())
        took_ms = 1000 * (process_time() - before)
        yield _at_most("a history of 1,000,000 requests, drawn and stored (ms of CPU)", took_ms, 2000)
        queries = Queries(store, lambda kql, workspace, begins, ends: f"SELECT * FROM {TABLE}")
        ticks = _question(minutes=5, canary="2.0.0")
        whole = _question(minutes=int((ENDS - BEGINS) / TICK), canary="")
        for name, question in (("a ramp's last 5 ticks of", ticks), ("a history of", whole)):
            for key, query in queries_of(question).items():
                seen = queries.seen(query.text, Timespan(query.about.begins, query.about.ends))
                took = sorted(ms(partial(queries.table, query.text, seen)) for _ in range(RUNS))
                yield _at_most(f"KQL, {key}: {name} 1,000,000 rows (ms)", took[RUNS // 2], 1000)
        store.close()
        yield _users(Path(folder))


def _rows() -> str:
    live = Phase("checkout", BEGINS, ENDS, "1.0.0", 0.9, ("a", "b"), PER_SECOND)
    canary = replace(live, version="2.0.0", share=0.1, instances=("c", "d"))
    return rows_of(minutes_of([live, canary], Service(), 1, BEGINS, ENDS))


def _question(minutes: int, canary: str) -> Question:
    begins = ENDS - minutes * TICK
    spans = tuple(Span(n + 1, begins + n * TICK, begins + (n + 1) * TICK) for n in range(minutes))
    return Question(Source("w", "checkout"), canary, "1.0.0", spans, warm_up_s=120, since=begins)


def _at_most(name: str, took_ms: float, most_ms: float) -> Figure:
    return Figure(name, took_ms, None, f"<= {most_ms:g} ms", took_ms <= most_ms)


def _users(folder: Path) -> Figure:
    (folder / "release.json").write_text(json.dumps({"service": "checkout", "version": "1.0.0"}))
    command = [sys.executable, "-m", "slipway.local.azure.worker", "--package", str(folder)]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert worker.stdout is not None
        url = f"http://127.0.0.1:{json.loads(worker.stdout.readline())['port']}/"
        short, long = (_generated(url, seconds) for seconds in (0.01, 6.0))
    finally:
        worker.kill()
        worker.wait()
    per_cpu_s = (long[0] - short[0]) / (long[1] - short[1])
    return Figure("users: requests a second of the generator's CPU", per_cpu_s, None, ">= 1000/s", per_cpu_s >= 1000)


def _generated(url: str, seconds: float) -> tuple[int, float]:
    """Requests that were answered, and the process's CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "slipway.local.traffic", "--to", url, "--rate", "1000", "--for", str(seconds)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return told["requests"] - told["unanswered"], cpu_s
