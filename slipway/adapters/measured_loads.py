"""What load tests measured (table `loads`), for the comparison with the releases that come after.

Partition = service in its environment, key = stage, target, test and version. A measurement is written when it was
made and says nothing by itself: whoever compares asks for those of releases that the ledger knows as proven.
"""

from slipway.adapters.read_model import write_newer
from slipway.adapters.rows import Rows
from slipway.promotion import loads
from slipway.promotion.ids import environment_key


def keep_load(environment: str, service: str, stage: str, target: str, kept: loads.Kept, rev: int) -> None:
    """Keep a measurement, unless one of this `rev`, or of a newer one, is there. Raises AzureProblem."""
    write_newer("loads", environment_key(environment, service), _key(stage, target, kept), rev, kept.dump())


def load_kept(environment: str, service: str, stage: str, target: str, test: str, version: str) -> loads.Kept | None:
    """What that version measured in that test, or None. Raises AzureProblem."""
    row = Rows("loads").get(environment_key(environment, service), _key_of(stage, target, test, version))
    return loads.load_kept(row.doc) if row else None


def _key(stage: str, target: str, kept: loads.Kept) -> str:
    return _key_of(stage, target, kept.test.name, kept.version)


def _key_of(stage: str, target: str, test: str, version: str) -> str:
    """Names hold no `:`, and `+` becomes `~` as in the ids of promotions."""
    return f"{stage}:{target}:{test}:{version.replace('+', '~')}"
