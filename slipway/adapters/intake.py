"""The intake row: what decides that a build is promoted once, however often its message comes."""

from datetime import datetime

from slipway.adapters.rows import Rows
from slipway.promotion.build import Build
from slipway.promotion.errors import BuildRejected
from slipway.promotion.outcomes import iso


def take_in(build: Build, at: datetime) -> str:
    """Insert the row, or find the one that is there. Returns its state: `new`, `running` or `ended`.

    Only a `new` row may be started; a redelivery after a crash between insert and start finds `new`.
    Raises BuildRejected (VERSION_REUSED) when the row speaks of another artifact.
    """
    rows = Rows("promotions")
    values = {"state": "new", "identity": build.identity, "service": build.service, "received_at": iso(at)}
    if rows.insert(build.promotion, "intake", values):
        return "new"
    row = rows.get(build.promotion, "intake")
    if row is None:
        return take_in(build, at)
    if row.values["identity"] != build.identity:
        raise BuildRejected(
            "VERSION_REUSED",
            f"{build.service} {build.version} is known as {row.values['identity']}, this message says "
            f"{build.identity}; give the new artifact a new version",
        )
    return str(row.values["state"])


def known_identity(promotion: str) -> str | None:
    """The identity under which a promotion was taken in, or None."""
    row = Rows("promotions").get(promotion, "intake")
    return str(row.values["identity"]) if row else None


def mark_aborted(promotion: str) -> None:
    """From now on every activity of this promotion that would change something answers `cancelled`."""
    Rows("promotions").upsert(promotion, "intake", {"aborted": True}, merge=True)
