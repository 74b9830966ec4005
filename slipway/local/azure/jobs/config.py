"""A job of the stand-in's file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class JobConfig(BaseModel):
    """A Container Apps job. `secrets` are its own, by name. Its log is in the workspace `log_delay_s` after its end, or
    never (`logs: false`). One that `answers_later` does not name an execution when it is started."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=32)]
    image: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    parallelism: int = Field(default=1, ge=1)
    replica_timeout_s: float = Field(default=1800, gt=0)
    logs: bool = True
    log_delay_s: float = Field(default=0, ge=0)
    answers_later: bool = False
