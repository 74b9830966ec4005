"""What happened when: the run's time line, which is printed when a promise is broken."""

import threading
import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """`at_s` counts from the start of the run; `kind` is one word of a few, such as kill, fault, disk."""

    at_s: float
    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.at_s:8.2f} s  {self.kind:8} {self.words}"


class Chronicle:
    """Written by every thread of the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._events: list[Event] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._open: list[tuple[str, float]] = []
        self._recovered: list[tuple[str, float]] = []

    def now_s(self) -> float:
        return time.monotonic() - self._began

    def note(self, kind: str, words: str, counted_as: str = "") -> None:
        """Take down an event; `counted_as` names its line in the table at the end."""
        with self._lock:
            self._events.append(Event(self.now_s(), kind, words))
            if counted_as:
                self._counts[kind, counted_as] += 1

    def killed(self, part: str, words: str) -> None:
        """Take down a kill, which is recovered from when `well` is told next."""
        self.note("kill", words, part)
        with self._lock:
            self._open.append((part, self.now_s()))

    def well(self, since_s: float, *parts: str) -> None:
        """The system is well; seen by a look that began at `since_s`. Ends the recovery from kills of `parts`
        before that."""
        with self._lock:
            over = [each for each in self._open if each[0] in parts and each[1] < since_s]
            self._open = [each for each in self._open if each not in over]
            self._recovered += [(part, self.now_s() - at_s) for part, at_s in over]

    def count(self, kind: str) -> int:
        """How many events of that kind were counted."""
        with self._lock:
            return sum(number for (each, _), number in self._counts.items() if each == kind)

    def counts(self, kind: str) -> dict[str, int]:
        with self._lock:
            return {name: number for (each, name), number in sorted(self._counts.items()) if each == kind}

    def recovery_s(self, part: str | None = None) -> list[float]:
        """Seconds from each kill to the system's next good answer."""
        with self._lock:
            return sorted(seconds for name, seconds in self._recovered if part in (None, name))

    def lines(self) -> list[str]:
        with self._lock:
            return [str(event) for event in sorted(self._events, key=lambda event: event.at_s)]
