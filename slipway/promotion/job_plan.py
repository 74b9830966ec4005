"""Jobs of a stage: the tests of a verification, and the migration of its database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.groups import package_at
from slipway.promotion.job_run import JobRun
from slipway.promotion.stored import known

# What Slipway's identity needs on every job that it runs. Azure names the actions on one execution in two ways.
JOB_ACTIONS = (
    "Microsoft.App/jobs/read",
    "Microsoft.App/jobs/start/action",
    "Microsoft.App/jobs/executions/read",
    "Microsoft.App/jobs/execution/read",
    "Microsoft.App/jobs/executions/stop/action",
    "Microsoft.App/jobs/stop/execution/action",
)


@dataclass(frozen=True)
class JobPlan:
    """A Container Apps job, by its resource id, and what it is to run; see `JobRun`. `image` has its placeholders."""

    job: str
    image: str = ""
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    within_s: float = 600.0
    workspace: str = ""

    @property
    def name(self) -> str:
        return self.job.rpartition("/")[2]

    def image_of(self, service: str, version: str) -> str:
        """The image that it runs for that version; empty where it runs its own."""
        return package_at(self.image, service, version) if self.image else ""

    def run(self, service: str, version: str, args: tuple[str, ...], env: Mapping[str, str], **more: Any) -> JobRun:
        """One run of it for that version, with more variables."""
        told = {**self.env, **env, "SLIPWAY_SERVICE": service, "SLIPWAY_VERSION": version}
        return JobRun(
            self.image_of(service, version), args, told, self.secrets, self.within_s, workspace=self.workspace, **more
        )


@dataclass(frozen=True)
class JobTest:
    """Tests that pass when their container exits with 0: of each target, or `once` for the stage."""

    name: str
    runs: JobPlan
    args: tuple[str, ...] = ()
    once: bool = False

    @property
    def within_s(self) -> float:
        """By then an operation that runs it has an outcome: it is stopped before, and its log waited for."""
        return self.runs.within_s + SETTLES_S

    @classmethod
    def load(cls, data: dict[str, Any]) -> "JobTest":
        runs, args = JobPlan(**known(JobPlan, data["runs"])), tuple(data.get("args", ()))
        return cls(**{**known(cls, data), "runs": runs, "args": args})


@dataclass(frozen=True)
class Migration:
    """The team's own image that changes the database of the stage: `expand` are its arguments before a deployment,
    `contract` those once the release before is gone; empty where there is nothing to contract."""

    runs: JobPlan
    expand: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()

    @property
    def within_s(self) -> float:
        """By then an operation that runs one of them has an outcome: it may wait twice its time, for another that
        is at it, before its own begins."""
        return 3 * self.runs.within_s + SETTLES_S

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Migration | None":
        if not data:
            return None
        runs = JobPlan(**known(JobPlan, data["runs"]))
        return cls(runs, tuple(data.get("expand", ())), tuple(data.get("contract", ())))


SETTLES_S = 300.0  # beyond a job's own time: two minutes to stop it, as long for its log
