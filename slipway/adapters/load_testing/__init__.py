"""Azure Load Testing: a run is begun, followed and read; what comes of it is an `Answer`."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.load_testing.results import is_whole, measurement, read_course, statistics
from slipway.adapters.load_testing.runs import CANCELLED, DONE, ONCE, Run, Runs, run_id
from slipway.promotion.load_runs.measured import FAILED as CRITERIA_FAILED
from slipway.promotion.load_runs.measured import Course
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from slipway.settings import Settings, settings

__all__ = ["LoadTesting", "run_id"]

POLL_S = 15.0
POLL_SOON_S, SOON_S = 5.0, 60.0  # in the first minute after it was begun, or is over: a small test is quick
SHOWN_WITHIN_S = 120.0  # after it was begun, was sent without an answer, or was seen last
RESULTS_WITHIN_S = 600.0  # after its end
STOPS_TRIED = 2  # each may take a time-out, and an abort waits
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)  # the SDK hands answers on as they are

Handle = dict[str, Any]


class LoadTesting:
    """The test of `plan`."""

    def __init__(self, plan: LoadRunPlan, settings_: Settings | None = None) -> None:
        self._plan, self._settings = plan, settings_ or settings()
        self._runs = Runs(self._settings, plan)

    def go_on(self, id: str, called: str, variables: Mapping[str, str], handle: Handle, needs_course: bool) -> Answer:
        """Begin the run, unless it is there, and say how it goes: running until Azure has its results.

        Passed, with a `RunMeasurement` as its result, when it has measured something that can be judged; `broken`
        (LOAD_RUN_FAILED, LOAD_RUN_CANCELLED, LOAD_RUN_LATE, LOAD_RESULTS_MISSING) when it has not. `needs_course`: its
        course in time is waited for, too.
        """
        until = clock.now() + timedelta(seconds=self._plan.within_s)
        handle = {"until": iso(until), **handle}
        try:
            return self._next(id, called, variables, handle, needs_course)
        except AzureProblem as problem:
            answer = problem.fault.answer(handle, POLL_S)
            if answer.running and clock.now() >= moment(handle["until"]) + timedelta(seconds=RESULTS_WITHIN_S):
                words = f"the run {id} could not be followed until its time was over: {answer.words}"
                return broken("LOAD_RUN_LATE", words + self.stopped(id, handle))
            return answer if answer.running else replace(answer, words=answer.words + self._left(id, handle))

    def stopped(self, id: str, handle: Handle) -> str:
        """Stop the run where there is one. What is left of it then, in words; empty when nothing is.

        Of one that was begun, or may have been, and does not show, nobody knows whether it goes on.
        """
        fault: AzureFault | None = None
        for _ in range(STOPS_TRIED):
            try:
                run = self._runs.look(id, ONCE)
                if run is None and not _BEGUN & handle.keys():
                    return ""
                if run is None or not run.ended:
                    self._runs.stop(id)
                return ""
            except AzureProblem as problem:
                fault = problem.fault
        return f"; the run {id} of {self._plan.test} may go on: {fault.words}" if fault else ""

    def _left(self, id: str, handle: Handle) -> str:
        """As `stopped`; of a run that was never begun nothing is asked."""
        return self.stopped(id, handle) if _BEGUN & handle.keys() else ""

    def _next(self, id: str, called: str, variables: Mapping[str, str], handle: Handle, needs_course: bool) -> Answer:
        run, late = self._runs.look(id), clock.now() >= moment(handle["until"])
        if run is None:
            return self._begun(id, called, variables, handle, late)
        kept = {key: value for key, value in handle.items() if key not in ("sure_at", "unseen_since")}
        handle = {"begun": iso(clock.now()), **kept}
        if not run.ended:
            if late:
                return broken("LOAD_RUN_LATE", self._late(run, handle))
            return running(handle, _pause(handle), f"the run {id} is {run.status or 'accepted'}")
        if run.body.get("testResult") == CRITERIA_FAILED or run.status == DONE:
            return self._read(run, handle, needs_course)
        if run.status == CANCELLED:
            return broken("LOAD_RUN_CANCELLED", f"somebody stopped the run {id}{_told(run)}")
        return broken("LOAD_RUN_FAILED", f"Azure could not carry the run {id} to its end{_told(run)}")

    def _begun(self, id: str, called: str, variables: Mapping[str, str], handle: Handle, late: bool) -> Answer:
        """It is not there: begun now, unless it was before, or may have been. What was begun may not show at once."""
        now = clock.now()
        if "begun" in handle:
            handle = {"unseen_since": iso(now), **handle}
            if now < moment(handle["unseen_since"]) + timedelta(seconds=SHOWN_WITHIN_S):
                return running(handle, _pause(handle), f"the run {id} does not show")
            words = f"Azure took the run {id}, and does not show it{self.stopped(id, handle)}"
            return broken("LOAD_RUN_LATE", words)
        if "sure_at" in handle and now < moment(handle["sure_at"]):
            return running(handle, _pause(handle), f"whether the run {id} has begun is not known yet")
        if late:
            return broken("LOAD_RUN_LATE", _TOO_LATE + self._left(id, handle))
        try:
            self._runs.begin(id, called, variables)
        except AzureProblem as problem:
            if problem.fault.kind not in (FaultKind.UNKNOWN, FaultKind.UNAVAILABLE):
                raise
            sure_at = iso(now + timedelta(seconds=SHOWN_WITHIN_S))
            return problem.fault.answer({**handle, "sure_at": sure_at}, POLL_S)
        handle = {**handle, "begun": iso(clock.now())}
        return running(handle, _pause(handle), f"the run {id} has begun")

    def _read(self, run: Run, handle: Handle, needs_course: bool) -> Answer:
        """The results of a run that has ended. Those that Azure does not have yet are waited for."""
        handle = {**handle, "ended": handle.get("ended") or iso(clock.now())}
        overdue = clock.now() >= moment(handle["ended"]) + timedelta(seconds=RESULTS_WITHIN_S)
        total = statistics(run)
        if total is None:
            if overdue:
                words = f"the run {run.id} is {run.status}, and Azure has no statistics of it{_told(run)}"
                return broken("LOAD_RESULTS_MISSING", words)
            return running(handle, _pause(handle), f"the run {run.id} is {run.status}; its results are not there yet")
        course = Course()
        try:
            course = read_course(self._settings, self._plan, run)
            waits = "" if is_whole(course, total) else "its metrics are not all there yet"
        except UNREADABLE as error:
            waits = f"its metrics cannot be read ({error!r})"
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.DENIED:
                raise
            waits = problem.fault.words
        if waits and needs_course and not overdue:
            return running(handle, _pause(handle), f"the run {run.id} is {run.status}; {waits}")
        try:
            measured = measurement(run, total, Course() if waits else course)
        except UNREADABLE as error:
            return broken("LOAD_RESULTS_MISSING", f"the statistics of the run {run.id} cannot be read ({error!r})")
        return passed(f"{measured.requests} requests sent by the run {run.id}", **asdict(measured))

    def _late(self, run: Run, handle: Handle) -> str:
        left = self.stopped(run.id, handle)
        words = f"the run {run.id} was {run.status} when its {self._plan.within_s:g} s were over, and was stopped"
        return f"{words}{left}{_told(run)}"


_BEGUN = {"begun", "sure_at"}  # in the handle of a run that is there, or may be
_TOO_LATE = "its time was over before the run could begin"


def _pause(handle: Handle) -> float:
    """How long until it is looked at again."""
    since = handle.get("ended") or handle.get("begun")
    soon = since is None or clock.now() < moment(since) + timedelta(seconds=SOON_S)
    return min(POLL_SOON_S, POLL_S) if soon else POLL_S


def _told(run: Run) -> str:
    return f": {run.why}" if run.why else ""
