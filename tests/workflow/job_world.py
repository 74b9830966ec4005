"""A world with jobs: tests that pass or not, and a migration that changes a database."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Answer, broken, failed, passed, running
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.world import Order

LOG = "Traceback: no such column"


@dataclass
class JobWorld(RampingWorld):
    """`database` is the version that it is at; `failing` are jobs, or steps of the migration, whose container says no,
    `unstartable` those that never run, with how often. `ran` are the runs so far."""

    database: int = 12
    failing: Counter[str] = field(default_factory=Counter)
    unstartable: Counter[str] = field(default_factory=Counter)
    endless: set[str] = field(default_factory=set)
    ran: list[tuple[str, JobRun, dict[str, Any]]] = field(default_factory=list)

    def _run_job(self, order: Order) -> Answer:
        run = JobRun.load(order["run"])
        name = run.env.get("SLIPWAY_STEP") or order["job"].rpartition("/")[2]
        if name in self.endless:
            return running({"left": 1}, 5.0, "Running")

        def effect() -> Answer:
            self.ran.append((name, run, order))
            if self.unstartable[name]:
                self.unstartable[name] -= 1
                return broken("JOB_NOT_RUN", f"{name}-1 failed, and Azure names no exit code", LOG)
            if self.failing[name]:
                self.failing[name] -= 1
                return failed(order["failed_as"], f"{name}-1 exited with 3 after 2 s", LOG, exit_code=3)
            self.database = int(run.env.get("SLIPWAY_SCHEMA_TO", self.database))
            return passed(f"{name}-1 ended well after 2 s", exit_code=0)

        return self._operation(order, effect)

    def ran_of(self, name: str) -> list[JobRun]:
        return [run for job, run, _ in self.ran if job == name]
