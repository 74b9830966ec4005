"""Traffic weights of a container app: `configuration.ingress.traffic`, whole percent that add up to 100.

A write replaces the list. Weights of revisions that take no part in a change, and labels, stay as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Entry = dict[str, Any]


@dataclass(frozen=True)
class Weights:
    """`entries` in REST's form, each with the name of its revision. `follows_latest`: Azure has one for whichever
    revision is the latest, so that nobody can be kept out of it; here it is that of the `latest` by now."""

    entries: tuple[Entry, ...]
    follows_latest: bool = False
    latest: str = ""

    @classmethod
    def of(cls, entries: Sequence[Entry], latest: str = "") -> "Weights":
        follows = any(entry.get("latestRevision") for entry in entries)
        return cls(tuple(_named(entry, latest) for entry in entries), follows, latest)

    def percent(self, revision: str) -> int:
        return sum(entry.get("weight") or 0 for entry in self.entries if entry.get("revisionName") == revision)

    def is_listed(self, revision: str) -> bool:
        """Whether it has an entry, be it one without a weight."""
        return any(entry.get("revisionName") == revision for entry in self.entries)

    def is_labelled(self, revision: str) -> bool:
        return any(entry.get("label") for entry in self.entries if entry.get("revisionName") == revision)

    def live(self, but: str = "") -> str:
        """The revision with the largest weight, the first of equals. When none has any, the one that was left in
        the list without: it gave its part away last (`divided`). "" when there is none."""
        candidates = [each for each in self.entries if each.get("revisionName") not in (None, but)]
        weighted = [str(each["revisionName"]) for each in candidates if each.get("weight")]
        left = [str(each["revisionName"]) for each in candidates if not each.get("weight") and not each.get("label")]
        return max(weighted, key=self.percent, default=left[0] if left else "")

    def others(self, *ours: str) -> tuple[str, ...]:
        """Revisions with a weight that are none of `ours`."""
        names = dict.fromkeys(str(entry.get("revisionName")) for entry in self.entries)
        return tuple(name for name in names if name not in ours and self.percent(name))

    def divided(self, revision: str, percent: int, live: str) -> "Weights":
        """`percent` for the revision, and what the two have had together besides for `live`, which stays in the list
        even without a weight. What it gives follows no latest revision. Raises ValueError when they have not
        so much, or nobody is there for the rest."""
        both = self.percent(revision) + (self.percent(live) if live != revision else 0)
        if percent > both:
            raise ValueError(f"{revision} and the live one have {both} % together, which is less than {percent} %")
        if not live and percent < both:
            raise ValueError(f"no other revision is there to take the rest of {revision}'s traffic")
        changed = self._with(revision, percent)
        return changed._with(live, both - percent, stays=True) if live else changed

    def _with(self, revision: str, percent: int, stays: bool = False) -> "Weights":
        """Its weight in the first of its entries; those without weight and label go, its own unless it `stays`."""
        kept, put = [], False
        for entry in self.entries:
            if entry.get("revisionName") == revision:
                entry, put = {**entry, "weight": 0 if put else percent}, True
            if entry.get("weight") or entry.get("label"):
                kept.append(entry)
        if (percent or stays) and revision not in [entry.get("revisionName") for entry in kept]:
            kept.append({"revisionName": revision, "weight": percent})
        return Weights(tuple(kept))


def _named(entry: Entry, latest: str) -> Entry:
    if not entry.get("latestRevision"):
        return entry
    said = {key: value for key, value in entry.items() if key != "latestRevision"}
    return {**said, "revisionName": latest}


def percent_of(share: float) -> int:
    """A share (0..1) in whole percent, rounded down, but at least 1 for any share at all. Raises ValueError beyond
    0..1."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share of a whole")
    down = math.floor(round(share * 100, 9))
    return max(down, 1) if share else 0
