"""What the host's parts keep beyond the end of the process."""

from typing import Protocol


class Keeper(Protocol):
    """Keeps a text under a name, in the state file."""

    def kept(self, name: str) -> str | None:
        """None when nothing was kept."""
        ...

    def keep(self, name: str, text: str) -> None: ...
