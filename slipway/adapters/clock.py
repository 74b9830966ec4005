"""What time it is for the app: the machine's, unless the host keeps another one and names it in FUNCTIONS_NOW.

Whatever is stamped, compared or counted asks here, so that a host in virtual time has one time for all of it.
"""

import os
from datetime import UTC, datetime


def now() -> datetime:
    """The time of this moment, aware, in UTC."""
    named = os.environ.get("FUNCTIONS_NOW")
    return datetime.fromisoformat(named) if named else datetime.now(UTC)
