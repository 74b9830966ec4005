"""What the engine and the host around it expect of each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class ActivityFailed(Exception):
    """An activity function raised: `type_name` and `message` of its exception, `stack` its traceback."""

    def __init__(self, type_name: str, message: str, stack: str = "") -> None:
        super().__init__(f"{type_name}: {message}")
        self.type_name = type_name
        self.message = message
        self.stack = stack


class Functions(Protocol):
    """The functions of an app as the engine calls them; names are matched case-insensitively.

    `orchestrate` and `run_entity` are called on the engine's own threads, several at a time; one that has always been
    quick is called on the event loop.
    """

    def kind(self, name: str) -> str | None:
        """ "orchestrator", "activity", "entity", or None for anything else."""
        ...

    def orchestrate(self, name: str, body: str) -> str:
        """Replays an orchestrator: JSON text of its trigger in, JSON text of its state out.

        Raises what the SDK raises; the text of a failed orchestrator ends in `$OutOfProcData$:` + state.
        """
        ...

    def run_entity(self, name: str, body: str) -> str:
        """Runs a batch of operations: JSON text in, JSON text out."""
        ...

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        """Runs an activity on its JSON text; returns the JSON text of its result.

        Raises ActivityFailed when the function raised.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how large. The sizes are the Durable extension's."""

    threads: int = 4  # for orchestrators and entities together: they are bound by the CPU
    activities: int = 20  # running at the same time, as the next two
    orchestrations: int = 10
    entities: int = 10
    entity_batch: int = 5000  # operations in one call of an entity function
    custom_status_kb: int = 16  # of JSON in UTF-16
    actions: int = 100_000  # of one generation of an orchestration
    cached_histories: int = 1000  # of live instances, kept in memory between episodes
    override_running: bool = False  # a start takes the place of a running instance, too


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """A request to the durable HTTP API.

    `path` is what follows the API's root, percent-decoded, such as `instances/abc/raiseEvent/nudge`;
    `root` is that root's absolute address, for the addresses in answers.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    root: str = ""


@dataclass(frozen=True, slots=True)
class RpcResponse:
    """The answer: `body` is JSON, or empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
