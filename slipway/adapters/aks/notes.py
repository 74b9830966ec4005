"""A note about a side, that a command of ours may come to upgrade it: in a ConfigMap of ours, since the side may have
nothing yet that would carry it. Pure.

It is there before the command is started, and the command upgrades nothing unless it still finds it. Whoever wants the
side as it is marks it as withdrawn. The command removes its own note when it is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.outcomes import iso, moment

UPGRADE = "upgrade"  # the key of the ConfigMap's data
_MAY_COME_FOR = timedelta(seconds=90)  # a pod has a minute to start, and the chart is pulled after the look at the note
_WITHDRAWN = "withdrawn "


@dataclass(frozen=True)
class Note:
    """`text` is what is written there, "" for no note."""

    text: str = ""

    @property
    def is_withdrawn(self) -> bool:
        return self.text.startswith(_WITHDRAWN)

    @property
    def withdrawn(self) -> "Note":
        return self if self.is_withdrawn else Note(_WITHDRAWN + self.text)

    @property
    def operation(self) -> str:
        """Whose command it is, "" for one that may not come any more."""
        return "" if self.is_withdrawn else self.text.partition(" ")[2]

    def may_come(self, at: datetime) -> bool:
        """Whether its command may still be on its way, or at work, at that moment."""
        try:
            return at - moment(self.text.removeprefix(_WITHDRAWN).partition(" ")[0]) < _MAY_COME_FOR
        except ValueError:
            return False


def note_of(config_map: dict[str, Any] | None) -> Note:
    return Note(str(((config_map or {}).get("data") or {}).get(UPGRADE) or ""))


def note_for(operation: str, at: datetime) -> Note:
    return Note(f"{iso(at)} {operation}")
