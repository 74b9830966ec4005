"""What flags were before a release changed them (table `releaseflags`): `FlagsBefore` on rows.

Partition = the stage of the release, key = the flag. `before` is None where there was no flag; `after` is what the
release wrote last outside of its ramp.
"""

import json
from typing import Any

from slipway.adapters.flags.release import key_of
from slipway.adapters.rows import Rows
from slipway.settings import Settings

Entry = dict[str, Any]


class FlagsInRows:
    """Raises AzureProblem."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._rows = Rows("releaseflags", settings_)

    def read(self, release: str, name: str, label: str) -> Entry | None:
        row = self._rows.get(release, key_of(name, label))
        return row.doc if row else None

    def keep(self, release: str, name: str, label: str, before: Entry | None) -> None:
        self._put(release, {"name": name, "label": label, "before": before, "after": None})

    def wrote(self, release: str, name: str, label: str, after: Entry) -> None:
        there = self.read(release, name, label)
        if there is not None:
            self._put(release, {**there, "after": after})

    def _put(self, release: str, entry: Entry) -> None:
        doc = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        self._rows.upsert(release, key_of(entry["name"], entry["label"]), {"doc": doc}, merge=False)
