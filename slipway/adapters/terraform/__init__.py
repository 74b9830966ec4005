"""Terraform as a Container Apps job of the team's own image (kind `terraform`): to deploy is to plan, to switch is to
apply exactly the plan that was saved.

The image is told SLIPWAY_STEP (`plan` or `apply`), SLIPWAY_VERSION, and SLIPWAY_PLAN, the name under which it saves a
plan or finds it again. A plan prints its summary last (`plan_log`); an apply of a plan that is stale, or is gone, exits
with 3. Which release is applied is what the job's executions say: Azure keeps the newest hundred.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.jobs import LOG_WITHIN, Jobs
from slipway.adapters.jobs.executions import Execution, Executions, place_of
from slipway.adapters.terraform.plan_log import changes_of, summary_of, text_of, without_secrets
from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Answer, Outcome, broken, failed, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import DELETES_REFUSED, PLAN_CHANGED, PLANNED
from slipway.promotion.port_values import SiteState
from slipway.promotion.stage_parts import not_whole
from slipway.settings import Settings, settings

__all__ = ["Terraform"]

STEP, VERSION, PLAN = "SLIPWAY_STEP", "SLIPWAY_VERSION", "SLIPWAY_PLAN"
TO_PLAN, TO_APPLY = "plan", "apply"
STALE_EXIT = 3
_SUCCEEDED = "Succeeded"
Handle = dict[str, Any]


class Terraform:
    """`SlotPlatform` whose idle side is a saved plan. `log_within` is how long the log of a plan is waited for."""

    def __init__(self, settings_: Settings | None = None, log_within: timedelta = LOG_WITHIN) -> None:
        chosen = settings_ or settings()
        self._jobs = Jobs(chosen, log_within)
        self._executions = Executions(chosen)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """What was applied last, and before that. Raises AzureProblem."""
        return _state(self._applied_to(target))

    def start_deployment(
        self,
        target: Target,
        package_url: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version: str = "",
        version_path: str = "/version",
    ) -> Answer:
        """Have a plan made and saved."""
        plan = _name_of(version, operation)
        return self._begun(target, version, TO_PLAN, plan, operation, resuming)

    def poll_deployment(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed with `changes` and `planned`, the plan's name; failed PLAN_FAILED, DELETES_REFUSED; broken PLAN_UNSEEN
        when it printed no summary, and as a job is."""
        answer = self._followed(target, handle)
        return answer if answer.running else _shown(target, version, str(handle["plan"]), answer)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Have the saved plan applied; on a way back, where nobody has planned, have one made before, by the image that
        has applied the version."""
        try:
            applied = self._applied_to(target)
        except AzureProblem as problem:
            return problem.fault.answer({}, 2.0)
        state, images = _state(applied), [each.image for each in _whole(applied) if each.env[VERSION] == version]
        if state.production_version == version and not state.in_progress and not resuming:
            return passed(f"{target.name} holds {version} already")
        if planned := target.settings.get(PLANNED):
            return self._begun(target, version, TO_APPLY, str(planned), operation, resuming)
        back, name = target.running(images[-1] if images else target.image), _name_of(version, operation)
        return self._begun(back, version, TO_PLAN, name, f"{operation}:plan", resuming, operation)

    def poll_swap(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed when it is applied; broken PLAN_CHANGED when the saved plan is stale; failed APPLY_FAILED."""
        if not handle.get("job"):  # planned, and now to be applied: under the fence, as every write
            back = target.running(str(handle.get("image") or target.image))
            return self._begun(back, version, TO_APPLY, str(handle["plan"]), str(handle["then"]), resuming=False)
        answer = self._followed(target, handle)
        if answer.running:
            return answer
        if handle["step"] == TO_APPLY:
            return _ended(target, version, answer)
        if answer.outcome is not Outcome.PASSED:
            return _failed("PLAN_FAILED", f"{target.name}: {version} could not be planned", answer)
        planned: Handle = {**handle, "kind": "intended", "step": TO_APPLY, "job": {}}
        return running(planned, 0.0, f"{target.name}: {version} is planned, and is applied now")

    def stop_idle(self, target: Target, version: str) -> Answer:
        return passed(f"{target.name}: the plan of {version} is not applied, and runs nowhere")

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        return passed(f"{target.name}: {version} is planned anew")

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        return passed(f"{target.name}: there is no old side that runs", stopped=False)

    def _begun(
        self, target: Target, version: str, step: str, plan: str, operation: str, resuming: bool, then: str = ""
    ) -> Answer:
        section, image = target.settings.get("terraform") or {}, target.image.replace("{version}", version)
        run = JobRun(
            image=image,
            env={STEP: step, VERSION: version, PLAN: plan},
            within_s=float(section.get("within") or 600.0),
            alone=True,
            needs_log=step == TO_PLAN,
        )
        handle = {"step": step, "plan": plan, "then": then, "image": image}
        return _wrapped(handle, self._jobs.start(target.resource, run, operation, resuming))

    def _applied_to(self, target: Target) -> list[Execution]:
        """Raises AzureProblem."""
        return _applied(self._executions.all(place_of(target.resource)))

    def _followed(self, target: Target, handle: Handle) -> Answer:
        return _wrapped(handle, self._jobs.poll(target.resource, handle["job"]))


def _wrapped(handle: Handle, answer: Answer) -> Answer:
    """With the job's own handle inside: `kind` says whether it may still write. What it printed people may see only
    without secrets, however it ended."""
    if not answer.running:
        return replace(answer, log=without_secrets(answer.log))
    inner = answer.handle
    return Answer(
        answer.state,
        answer.code,
        answer.words,
        after_s=answer.after_s,
        handle={**handle, "kind": inner.get("kind", "intended"), "job": inner},
    )


def _shown(target: Target, version: str, plan: str, answer: Answer) -> Answer:
    if answer.outcome is not Outcome.PASSED:
        return _failed("PLAN_FAILED", f"{target.name}: {version} could not be planned", answer)
    summary = summary_of(answer.log)
    if summary is None:
        words = f"{target.name}: the plan printed no summary, or its log has not come: nobody could decide on it"
        return broken("PLAN_UNSEEN", words, answer.log)
    words, text = changes_of(summary).words.removesuffix(", 0 unchanged"), text_of(summary, answer.log)
    if summary["destroy"] and (target.settings.get("terraform") or {}).get("deletes") != "allow":
        refused = f"{target.name}: {words}; its pipeline lets nothing be destroyed (`deletes: refuse`)"
        return failed(DELETES_REFUSED, refused, text)
    return passed(f"{version} would change {target.name}: {words}", changes=text, planned=plan)


def _ended(target: Target, version: str, answer: Answer) -> Answer:
    if answer.outcome is Outcome.PASSED:
        return passed(f"{target.name} holds {version}")
    if answer.result.get("exit_code") == STALE_EXIT:
        words = f"{target.name}: the saved plan is stale: something has changed since"
        return broken(PLAN_CHANGED, f"{words}. Nothing was changed", answer.log)
    return _failed("APPLY_FAILED", f"{version} was not applied whole to {target.name}", answer)


def _failed(code: str, words: str, answer: Answer) -> Answer:
    """The release's fault where its image says so; what never ran, or had no end, says nothing about it."""
    if answer.outcome is Outcome.FAILED:
        return failed(code, f"{words}: {answer.words}", answer.log)
    return answer


def _state(applied: Sequence[Execution]) -> SiteState:
    last = applied[-1] if applied else None
    version = last.env[VERSION] if last else ""
    previous = next((each.env[VERSION] for each in reversed(_whole(applied)) if each.env[VERSION] != version), "")
    if last and last.status != _SUCCEEDED:
        version = not_whole(version)
    return SiteState.without_address(version, previous, in_progress=last is not None and not last.over)


def _whole(applied: Sequence[Execution]) -> list[Execution]:
    return [each for each in applied if each.status == _SUCCEEDED]


def _applied(executions: Sequence[Execution]) -> list[Execution]:
    """Those that applied, or may have, the oldest first. One that only found its plan stale has changed nothing; of
    one that named no exit code nobody can say so."""
    ours = [each for each in executions if each.env.get(STEP) == TO_APPLY and each.env.get(VERSION) and each.operation]
    changed = [each for each in ours if each.exit_code != STALE_EXIT]
    return sorted(changed, key=lambda each: each.began.timestamp() if each.began else float("inf"))


def _name_of(version: str, operation: str) -> str:
    """Where a plan is saved: a name for each operation, the same for each of its tries."""
    return f"{version}-{hashlib.sha256(operation.encode()).hexdigest()[:12]}"
