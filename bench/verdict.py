"""From the judge's verdict to no user at the release any more, on the whole laptop system.

A release that fails a fifth of its requests ramps; its rollback is timed from the moment at which the verdict's receipt
was kept to the moment from which the routers of both sites have nothing for it.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from tests.end_to_end.system import System, a_message, stage_of, start

RAMPED = Path("tests/end_to_end/ramped.yaml")
VERSION, SITES, USERS_PER_S = "2.1.0-errors", ("checkout-weu", "checkout-neu"), "100"
TICKS_A_SECOND = 10_000_000  # of a row's stamp


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        with start(state, RAMPED) as laptop:
            system = System(laptop)
            urls = [part for site in SITES for part in ("--to", laptop.azure["sites"][site])]
            command = [sys.executable, "-m", "slipway.local.traffic", *urls, "--rate", USERS_PER_S]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as users:
                try:
                    system.send(a_message(VERSION))
                    id = f"checkout--{VERSION}"
                    system.until(id, lambda seen: stage_of(seen, "production")["state"] == "failed", within_s=150)
                finally:
                    users.terminate()
        verdict, gone = _verdict_at(state), _gone_at(state)
    took_ms = (gone - verdict) / timedelta(milliseconds=1)
    name = "a verdict of harm to nothing at the routers of two sites (ms)"
    yield Figure(name, took_ms, None, "< 1000 ms", took_ms < 1000)


def _verdict_at(state: Path) -> datetime:
    """When the receipt of the verdict was kept."""
    with sqlite3.connect(state / "azure" / "state.sqlite") as database:
        receipts = database.execute("SELECT row_key, ticks, properties FROM entities WHERE table_name = 'receipts'")
        stamps = [ticks for key, ticks, text in receipts if ":judge:" in key and "HARM_PROVEN" in text]
    return datetime.fromtimestamp(min(stamps) / TICKS_A_SECOND, UTC)


def _gone_at(state: Path) -> datetime:
    """When the last of the sites had nothing for the release."""
    with sqlite3.connect(state / "azure" / "state.sqlite") as database:
        rows = database.execute("SELECT site, since, shares FROM servings ORDER BY since").fetchall()
    gone = []
    for site in SITES:
        of_site = [(since, json.loads(shares)) for where, since, shares in rows if where == site]
        met = [any(each["version"] == VERSION for each in shares) for _, shares in of_site]
        gone.append(datetime.fromisoformat(of_site[len(met) - met[::-1].index(True)][0]))
    return max(gone)
