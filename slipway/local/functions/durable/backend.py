"""What Azure's two durable backends do differently where an app can notice it.

Durable Task Scheduler (`dts`) is what is deployed by default, Azure Storage (`storage`) the extension's own default.
Sources: issue 562 of azure-functions-durable-python (failures without words), `maximumShortTimerDuration` in the
extension's trigger JSON (the SDK then splits timers itself), and the Scheduler's documented limits.
"""

from dataclasses import dataclass


class OverLimit(ValueError):
    """An id or a payload that the backend does not take; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One of the two below. `payload_bytes` counts JSON text as UTF-8; None: as large as it likes to be."""

    name: str
    failure_words: bool  # whether Reason and Details of a failed activity reach the orchestrator
    timer_limits: tuple[str, str] | None  # the longest timer, and the pieces of a longer one, as .NET TimeSpans
    id_length: int
    ascii_ids: bool
    payload_bytes: int | None

    def check_id(self, instance_id: str) -> None:
        """For instances, and for entities as `@name@key`. Raises OverLimit."""
        if len(instance_id) > self.id_length:
            raise OverLimit(f"Instance ID lengths must not exceed {self.id_length} characters.")
        if self.ascii_ids and not (instance_id.isascii() and instance_id.isprintable()):
            raise OverLimit("Instance IDs must consist of printable ASCII characters.")

    def check_payload(self, what: str, text: str | None) -> None:
        """`what` names it in the words of the refusal. Raises OverLimit."""
        if self.payload_bytes is None or text is None or len(text) * 4 <= self.payload_bytes:
            return  # no UTF-8 character is longer than 4 bytes: most texts need no counting
        size = len(text.encode())
        if size > self.payload_bytes:
            limit = self.payload_bytes // 1024
            raise OverLimit(f"The {what} has {size // 1024} KB; Durable Task Scheduler takes at most {limit} KB.")


DTS = Backend("dts", False, None, 100, True, 1024 * 1024)
STORAGE = Backend("storage", True, ("6.00:00:00", "3.00:00:00"), 256, False, None)
BACKENDS = {backend.name: backend for backend in (DTS, STORAGE)}
