"""The SDK reads every timestamp of a history anew in every episode; here a text is read once.

`dateutil` takes a fifth of an episode, and a history's events come again in each. Reading is a pure function of
a text that names a whole date, so a memory of it changes nothing else. In Azure the SDK's own cost stays as it is.
"""

import importlib
from functools import lru_cache

_REMEMBERED = 8192  # texts: those of one day's dates, and of the episodes of the histories that are alive


def remember() -> None:
    """For the process that hosts an app; a second call changes nothing."""
    events = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
    if not hasattr(events.dt_parse, "cache_info"):
        vars(events)["dt_parse"] = lru_cache(_REMEMBERED)(events.dt_parse)
