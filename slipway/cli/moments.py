"""Moments in words that came from the server."""

import re
from datetime import UTC, datetime

from slipway.cli.times import clock

_ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)(?!\w)")


def spoken(words: str, now: datetime | None = None) -> str:
    """`words` with every ISO moment as `clock` writes it; without `now` the machine's time decides about the date."""
    at = now or datetime.now(UTC)
    return _ISO.sub(lambda found: _clock(found[0], at), words)


def _clock(written: str, now: datetime) -> str:
    try:
        return clock(datetime.fromisoformat(written), now)
    except ValueError:  # such as a 31st of February
        return written
