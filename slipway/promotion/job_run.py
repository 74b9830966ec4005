"""One run of a team's own container image as a Container Apps job: tests, a migration, a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.stored import known

OPERATION = "SLIPWAY_OPERATION"  # the variable by which an execution is known again


@dataclass(frozen=True)
class JobRun:
    """What an execution runs instead of what the job itself says; what is left out stays as the job has it.

    `env` is set beside the job's own variables, `secrets` are those that take their value from a secret of the job, by
    its name there: no value of a secret travels with a run. It must end `within_s`, or it is stopped. One that runs
    `alone` waits for other executions of its job. Of one that `needs_log` the log is waited for also when it passed.
    `workspace` is the Log Analytics workspace (its id) that has its log; that of Slipway when left out.
    """

    image: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    within_s: float = 600.0
    alone: bool = False
    needs_log: bool = False
    workspace: str = ""

    @classmethod
    def load(cls, data: dict[str, Any]) -> "JobRun":
        return cls(**{**known(cls, data), "args": tuple(data.get("args", ()))})
