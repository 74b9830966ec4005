"""Container Apps jobs: a team's own image runs once, and how that ended is known (azure-mgmt-appcontainers).

`Jobs.start(job, run, operation, resuming)` starts an execution of the job with that resource id, `Jobs.poll(job,
handle)` follows it, `Jobs.stop(job, handle)` ends it. All three answer an `Answer` whose handle is plain JSON, so that
an activity can put them into `once`. A start is no write that could be repeated: an execution carries its operation's
id in the variable SLIPWAY_OPERATION, and wherever the outcome of a start is not known the executions are looked
through for it first.

- passed: result `execution`, `exit_code` 0, `duration_s`.
- failed JOB_FAILED: it exited with another code; result as above.
- broken: JOB_NOT_RUN (it never ran: no such image, say), JOB_TIMED_OUT (stopped at its deadline), JOB_STOPPED (by
  somebody else), JOB_LOST, JOB_SECRET_MISSING, JOB_RUNS_SEVERAL, and `AZURE_…` for what Azure refuses for good.

`log` of the answer is the end of what it printed, at most 2,000 characters, empty where that has not come: of one that
passed it is waited for only with `JobRun.needs_log`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.jobs.console import Log, log_of
from slipway.adapters.jobs.executions import Execution, Executions, Job, Place, place_of
from slipway.promotion.job_run import OPERATION, JobRun
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.plain import plain
from slipway.settings import Settings, settings

__all__ = ["Jobs"]

SOON_S = 2.0
LATER_S = 10.0  # once it has run for a minute
SHOWN_WITHIN = timedelta(seconds=60)  # what Azure was asked for is in its lists by then
STOPPED_WITHIN = timedelta(minutes=2)
LOG_WITHIN = timedelta(seconds=90)
EXITED = ("BackoffLimitExceeded",)  # reasons that say as much as an exit code
Handle = dict[str, Any]


class Jobs:
    """`log_within` is how long the log of an execution that ended is waited for."""

    def __init__(self, settings_: Settings | None = None, log_within: timedelta = LOG_WITHIN) -> None:
        self._settings = settings_ or settings()
        self._executions = Executions(self._settings)
        self._log_within = log_within

    def start(self, job: str, run: JobRun, operation: str, resuming: bool) -> Answer:
        """Start an execution; one that an earlier try of the operation may have started is waited for first."""
        now = clock.now()
        # One that runs alone waits for another execution of its job first, which has its time as well (`Migration`).
        until = now + timedelta(seconds=run.within_s * (2 if run.alone else 1))
        handle = {"kind": "intended", "operation": operation, "until": iso(until), "run": plain(run)}
        if resuming:
            handle["sure_at"] = iso(now + SHOWN_WITHIN)
        return self.poll(job, handle)

    def poll(self, job: str, handle: Handle) -> Answer:
        try:
            place = place_of(job)
            if handle["kind"] == "intended":
                return self._begun(place, handle)
            return self._followed(place, handle)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)

    def stop(self, job: str, handle: Handle) -> Answer:
        """Ask for the end of what was started; passed when nothing of it runs, which a look that does not show it says
        only once Azure would. Safe to repeat."""
        try:
            place = place_of(job)
            found = self._found(place, handle)
            if found is None:
                handle = {"unseen_since": iso(clock.now()), **handle}
                if clock.now() < _shown_by(handle):
                    return running(handle, SOON_S, f"{place.name}: whether it was started is not known yet")
            if found is None or found.over:
                return passed(f"{place.name}: nothing of it runs")
            self._executions.stop(place, found.name)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)
        return running(handle, SOON_S, f"{found.name} is being stopped")

    def _found(self, place: Place, handle: Handle) -> Execution | None:
        named = self._executions.one(place, handle["execution"]) if handle["kind"] != "intended" else None
        return named or _ours(self._executions.all(place), handle)

    def _begun(self, place: Place, handle: Handle) -> Answer:
        run = JobRun.load(handle["run"])
        if run.alone or "sure_at" in handle:
            there = self._executions.all(place)
            if (found := _ours(there, handle)) is not None:
                return running(_started(handle, found.name, found.began), SOON_S, f"{found.name} was started before")
            if "sure_at" in handle and clock.now() < moment(handle["sure_at"]):
                return running(handle, SOON_S, f"{place.name}: whether it was started is not known yet")
            if run.alone and (others := [each.name for each in there if not each.over]):
                return running(handle, LATER_S, f"{place.name}: waits for the end of {', '.join(others)}")
        if clock.now() >= moment(handle["until"]):
            return broken("JOB_TIMED_OUT", f"{place.name} could not be started before {handle['until']}")
        job = self._executions.job(place)
        if refused := _refused(place, job, run):
            return refused
        return self._sent(place, handle, _template(job, run, handle["operation"]))

    def _sent(self, place: Place, handle: Handle, template: dict[str, Any]) -> Answer:
        now = clock.now()
        try:
            name = self._executions.start(place, template)
        except AzureProblem as problem:
            fault = problem.fault
            if fault.kind in (FaultKind.UNKNOWN, FaultKind.UNAVAILABLE):  # an error of the server says little, too
                handle = {**handle, "sure_at": iso(now + SHOWN_WITHIN)}
            return fault.answer(handle, SOON_S)
        if not name:  # accepted, and named later
            handle = {**handle, "sure_at": iso(now + SHOWN_WITHIN)}
            return running(handle, SOON_S, f"{place.name} was asked for an execution")
        return running(_started(handle, name), SOON_S, f"{name} was started")

    def _followed(self, place: Place, handle: Handle) -> Answer:
        name, now = handle["execution"], clock.now()
        found = self._executions.one(place, name)
        if found is None:
            return self._unseen(place, handle)
        handle = {key: value for key, value in handle.items() if key != "unseen_since"}
        if found.over:
            return self._ended(place, handle, found)
        if now < moment(handle["until"]):
            runs_for = now - (found.began or now)
            after_s = SOON_S if runs_for < timedelta(minutes=1) else LATER_S
            left_s = (moment(handle["until"]) - now).total_seconds()
            return running(handle, max(min(after_s, left_s), SOON_S), f"{name}: {found.status}")
        if "stopping" not in handle:
            try:
                self._executions.stop(place, name)
            except AzureProblem:
                ended = self._executions.one(place, name)  # between the look and the stop, say
                if ended is None or not ended.over:
                    raise
                return self._ended(place, handle, ended)
            return running({**handle, "stopping": iso(now)}, SOON_S, f"{name} had no end in time, and is stopped")
        if now < moment(handle["stopping"]) + STOPPED_WITHIN:
            return running(handle, SOON_S, f"{name} is being stopped")
        words = f"{name} had not ended by {handle['until']}, and does not stop ({found.status}): it may still run"
        return broken("JOB_TIMED_OUT", words)

    def _unseen(self, place: Place, handle: Handle) -> Answer:
        """Azure does not show what it has started: lost when it has not for a minute, and lists nothing of it."""
        name, now = handle["execution"], clock.now()
        handle = {"unseen_since": iso(now), **handle}
        if now < _shown_by(handle) or _ours(self._executions.all(place), handle):
            return running(handle, SOON_S, f"Azure does not show {name}")
        return broken("JOB_LOST", f"Azure shows no execution {name} of {place.name}")

    def _ended(self, place: Place, handle: Handle, found: Execution) -> Answer:
        run, now = JobRun.load(handle["run"]), clock.now()
        workspace = run.workspace or self._settings.workspace
        log = log_of(self._settings, workspace, found.name, found.began or moment(handle["started_at"]))
        wanted = found.status != "Succeeded" or run.needs_log
        if wanted and not log.tail and not log.problem:
            handle = {"log_until": iso(now + self._log_within), **handle}
            if now < moment(handle["log_until"]):
                return running(handle, SOON_S, f"{found.name}: {found.status}; its log has not come yet")
        return _verdict(found, handle, log, now)


def _verdict(found: Execution, handle: Handle, log: Log, now: datetime) -> Answer:
    took_s = round(((found.ended or now) - (found.began or moment(handle["started_at"]))).total_seconds(), 1)
    told: dict[str, Any] = {"execution": found.name, "duration_s": took_s}
    why = "; ".join(filter(None, (found.reason, found.message)))
    unseen = "" if log.tail else f"; its log cannot be read: {log.problem}" if log.problem else "; its log has not come"
    if found.status == "Succeeded":
        done = passed(f"{found.name} ended well after {took_s:g} s", exit_code=0, **told)
        return replace(done, log=log.tail)
    if "stopping" in handle:
        words = f"{found.name} had not ended by {handle['until']}, and was stopped{unseen}"
        return broken("JOB_TIMED_OUT", words, log.tail)
    if found.status == "Stopped":
        return broken("JOB_STOPPED", f"{found.name} was stopped by somebody else{unseen}", log.tail)
    if found.exit_code:
        words = f"{found.name} exited with {found.exit_code} after {took_s:g} s{unseen}"
        return failed("JOB_FAILED", words, log.tail, exit_code=found.exit_code, **told)
    if found.reason in EXITED:
        return failed("JOB_FAILED", f"{found.name} failed after {took_s:g} s: {why}{unseen}", log.tail, **told)
    words = f"{found.name} failed, and Azure names no exit code{f': {why}' if why else ''}{unseen}"
    return broken("JOB_NOT_RUN", words, log.tail)


def _started(handle: Handle, execution: str, began: datetime | None = None) -> Handle:
    """Its time counts from its own beginning: what it waited for has taken none of it."""
    kept, at = {key: handle[key] for key in ("operation", "run")}, began or clock.now()
    until = at + timedelta(seconds=JobRun.load(handle["run"]).within_s)
    return {**kept, "kind": "execution", "execution": execution, "started_at": iso(at), "until": iso(until)}


def _shown_by(handle: Handle) -> datetime:
    """When Azure shows what was started, if anything was."""
    since = (handle[key] for key in ("started_at", "unseen_since") if key in handle)
    return moment(handle["sure_at"]) if "sure_at" in handle else max(map(moment, since)) + SHOWN_WITHIN


def _ours(executions: Sequence[Execution], handle: Handle) -> Execution | None:
    return next((each for each in executions if each.operation == handle["operation"]), None)


def _refused(place: Place, job: Job, run: JobRun) -> Answer | None:
    """Why it is not started at all."""
    if missing := sorted(set(run.secrets.values()) - job.secrets):
        return broken("JOB_SECRET_MISSING", f"the job {place.name} has no secret {', '.join(missing)}")
    if job.at_once > 1:
        words = f"the job {place.name} runs {job.at_once} replicas for each execution: set parallelism to 1"
        return broken("JOB_RUNS_SEVERAL", words)
    if not job.template.get("containers"):
        return broken("JOB_NOT_RUN", f"the job {place.name} has no container to run")
    return None


def _template(job: Job, run: JobRun, operation: str) -> dict[str, Any]:
    """An override replaces containers whole, so the job's own first one is sent along with what is changed in it."""
    first, *beside = job.template["containers"]
    ours: dict[str, dict[str, Any]] = {name: {"name": name, "value": value} for name, value in run.env.items()}
    ours |= {name: {"name": name, "secretRef": secret} for name, secret in run.secrets.items()}
    ours[OPERATION] = {"name": OPERATION, "value": operation}
    kept = [each for each in first.get("env") or () if each.get("name") not in ours]
    changed = _allowed(first)
    changed |= {"image": run.image} if run.image else {}
    changed |= {"args": list(run.args)} if run.args else {}
    changed["env"] = [*kept, *ours.values()]
    template: dict[str, Any] = {"containers": [changed, *map(_allowed, beside)]}
    if inits := job.template.get("initContainers"):
        template["initContainers"] = [_allowed(each) for each in inits]
    return template


def _allowed(container: dict[str, Any]) -> dict[str, Any]:
    """What an execution's template may say of a container: it takes no probes and no volumes."""
    return {
        key: container[key] for key in ("name", "image", "command", "args", "env", "resources") if container.get(key)
    }
