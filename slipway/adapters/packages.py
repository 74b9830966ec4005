"""Which package of Slipway works on these tables: the newest version of orchestrations that was begun here.

A row in the table `watched`. An older package leaves the orchestrations of a newer one as they are; by this row it
knows that they wait, and for what.
"""

from slipway.adapters.once import once_per_process
from slipway.adapters.rows import Rows
from slipway.adapters.watched import TABLE
from slipway.promotion.orchestration_version import began_before, numbers
from slipway.promotion.port_values import Row

PARTITION, KEY = "packages", "newest"


def newest_package(own: str) -> str:
    """The newest version that has worked here; `own` is noted when none is newer. Raises AzureProblem."""
    rows = Rows(TABLE)
    while True:
        row = rows.get(PARTITION, KEY)
        if row is None:
            if rows.insert(PARTITION, KEY, {"version": own}):
                return own
            continue
        newest = str(row.values["version"])
        if not began_before(newest, own) or rows.replace(Row(PARTITION, KEY, {"version": own}, row.etag), row.etag):
            return max(newest, own, key=numbers)


@once_per_process
def note_package(own: str) -> None:
    """Before anything of this package's version begins. Raises AzureProblem."""
    newest_package(own)


def is_behind(own: str) -> bool:
    """Whether a newer package than this one has worked here. Raises AzureProblem."""
    return began_before(own, newest_package(own))
