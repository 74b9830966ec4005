"""What a load testing resource of the stand-in holds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TestId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{2,50}$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CriterionConfig(_Strict):
    """Not met when the `aggregate` of the `metric` is above `value` (ms; of errors a percentage)."""

    metric: Literal["response_time_ms", "error"] = "response_time_ms"
    aggregate: Literal["avg", "p50", "p90", "p95", "p99", "percentage"] = "p95"
    value: float


class LoadTestConfig(_Strict):
    """A test. Its requests go to the host that the environment variable `variable` names, `rate_per_s` of them for
    `takes_s`; shown is a run of `lasts_s`, over which they are spread. `mishap`: it is never provisioned, its engine
    fails, or somebody cancels it. Its results are there only when they were asked for `results_after` times."""

    id: TestId
    path: str = Field(default="/", pattern=r"^/")
    variable: str = "TARGET_HOST"
    rate_per_s: float = Field(default=40, gt=0, le=200)
    takes_s: float = Field(default=4, gt=0, le=60)
    lasts_s: float = Field(default=240, ge=1)
    users: int = Field(default=50, ge=1)
    engines: int = Field(default=1, ge=1)
    criteria: tuple[CriterionConfig, ...] = ()
    mishap: Literal["never-provisioned", "engine-fails", "cancelled"] | None = None
    results_after: int = Field(default=0, ge=0)


class LoadTestingConfig(_Strict):
    name: ResourceName
    tests: tuple[LoadTestConfig, ...] = ()
