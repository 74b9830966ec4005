"""What a stack would change: Azure validates the template, works out a what-if of the stack, and shows it.

None of it changes anything, so each step is begun anew where its outcome is not known. The handle is `{"kind":
"looking", "step": …, "operation": …}`, with `poll_url` while Azure's answer is to be followed.
"""

from typing import Any

from slipway.adapters.app_service.arm import Reply
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.bicep.changes import planned_changes
from slipway.adapters.bicep.stacks import Place, Stacks, is_over
from slipway.adapters.bicep.template import Template
from slipway.promotion.outcomes import Answer, broken, failed, running
from slipway.promotion.planned_changes import PlannedChanges

VALIDATE, WHAT_IF, WAIT, SHOW = "validate", "what-if", "wait", "show"
SOON_S = 2.0
Handle = dict[str, Any]


class Planning:
    """Raises AzureProblem."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def go_on(
        self, place: Place, handle: Handle, template: Template, properties: dict[str, Any]
    ) -> Answer | PlannedChanges:
        """One step further: what would change, or an answer: running, failed TEMPLATE_INVALID, broken
        WHAT_IF_FAILED."""
        operation = str(handle["operation"])
        match handle["step"]:
            case "validate":
                try:
                    reply = self._reply(place, handle, lambda: self._stacks.validate(place, properties))
                except AzureProblem as problem:
                    return _invalid(place, problem)
                if reply.status == 202:
                    return _follows(handle, reply, "Azure validates the template")
                return running(_at(handle, WHAT_IF), 0.0)
            case "what-if":
                try:
                    self._stacks.begin_what_if(place, properties, operation)
                except AzureProblem as problem:
                    return _invalid(place, problem)
                return running(_at(handle, WAIT), SOON_S, "Azure works out what would change")
            case "wait":
                state, words = self._stacks.what_if(place, operation)
                if not state:
                    return running(_at(handle, WHAT_IF), SOON_S, "Azure does not show the what-if")
                if not is_over(state):
                    return running(handle, SOON_S, "Azure works out what would change")
                if state != "succeeded":
                    return broken(
                        "WHAT_IF_FAILED", f"Azure cannot say what {place.name} would change: {words or state}"
                    )
                return running(_at(handle, SHOW), 0.0)
        reply = self._reply(place, handle, lambda: self._stacks.show_what_if(place, operation))
        if reply.status == 202:
            return _follows(handle, reply, "Azure shows what would change")
        changes = reply.properties.get("changes")
        if not isinstance(changes, dict) or not isinstance(changes.get("resourceChanges"), list):
            # Not a plan without changes: people would decide on what nobody has seen.
            words = f"the what-if of {place.name} came without changes in a form that can be read"
            raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "Unreadable", words))
        return planned_changes(changes, template)

    def _reply(self, place: Place, handle: Handle, begin: Any) -> Reply:
        """Azure's answer to the step: the one that is followed, or a first one where there is none (any more)."""
        if not handle.get("poll_url"):
            return begin()  # type: ignore[no-any-return]
        try:
            return self._stacks.follow(place, str(handle["poll_url"]))
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return begin()  # type: ignore[no-any-return]
            raise


def looking(operation: str, **more: Any) -> Handle:
    """The handle of a plan that is to be made."""
    return {"kind": "looking", "step": VALIDATE, "operation": operation, **more}


def _at(handle: Handle, step: str) -> Handle:
    return {**{key: value for key, value in handle.items() if key != "poll_url"}, "step": step}


def _follows(handle: Handle, reply: Reply, words: str) -> Answer:
    return running({**handle, "poll_url": reply.poll_url}, reply.after_s, words)


def _invalid(place: Place, problem: AzureProblem) -> Answer:
    """The template is at fault, where Azure says so; anything else is as anywhere."""
    if problem.fault.kind is not FaultKind.INVALID or problem.fault.code == "InvalidTarget":
        raise problem
    return failed("TEMPLATE_INVALID", f"Azure does not take the template for {place.name}: {problem.fault.words}")
