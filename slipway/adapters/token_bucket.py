"""How many requests may be sent, and from when on: a bucket that fills steadily. Pure; moments are seconds."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass
class TokenBucket:
    """`size` requests at once, and `per_s` in the long run. Full at first."""

    size: float
    per_s: float
    _left: float = field(init=False)
    _at_s: float = field(init=False, default=0.0)
    _shut_until_s: dict[str, float] = field(init=False, default_factory=dict)
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._left = self.size

    def take(self, now_s: float, most_s: float, of: str = "") -> float:
        """Take one request's place, and how many seconds it waits for it; when that is more than `most_s`, no place is
        taken. `of` names a part of those who share the bucket, which may be shut by itself."""
        with self._lock:
            self._fill(now_s)
            shut_s = max(self._shut_until_s.get("", 0.0), self._shut_until_s.get(of, 0.0)) - now_s
            wait_s = max(0.0, shut_s, (1.0 - self._left) / self.per_s)
            if wait_s <= most_s:
                self._left -= 1.0
            return wait_s

    def shut(self, until_s: float, of: str = "") -> None:
        """Nobody's turn comes before that moment, or nobody's of that part."""
        with self._lock:
            self._shut_until_s[of] = max(until_s, self._shut_until_s.get(of, 0.0))

    def at_most(self, left: float) -> None:
        """Others draw from what it stands for: no more than this is left there."""
        with self._lock:
            self._left = min(self._left, left)

    def _fill(self, now_s: float) -> None:
        if self._at_s:
            self._left = min(self.size, self._left + max(0.0, now_s - self._at_s) * self.per_s)
        self._at_s = now_s
