"""Deployment stacks (kind `bicep`): a release is a compiled template; to deploy is to foresee, to switch is to apply.

A stack says by its tags which release it holds and which one before that, so that reading Azure tells all there is to
know. One that Azure could not apply whole shows its version as one that is not whole: it is no release to leave alone,
and the way back applies over it.
"""

from datetime import datetime, timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.bicep.changes import short
from slipway.adapters.bicep.planning import Planning, looking
from slipway.adapters.bicep.stacks import (
    OPERATION,
    PREVIOUS,
    PREVIOUS_TEMPLATE,
    TEMPLATE,
    VERSION,
    Place,
    Stack,
    Stacks,
    mark_of,
    place_of,
)
from slipway.adapters.bicep.template import NotFetched, Template, fetched
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import (
    ARTIFACT,
    DELETE,
    DELETES_REFUSED,
    PLAN_CHANGED,
    PLANNED,
    PlannedChanges,
)
from slipway.promotion.port_values import SiteState
from slipway.promotion.stage_parts import not_whole
from slipway.settings import Settings, settings

__all__ = ["Bicep"]

SOON_S = 2.0
BUSY_S = 5.0
SHOWN_WITHIN = timedelta(seconds=60)  # what was written is what Azure shows by then
Handle = dict[str, Any]


class Bicep:
    """`SlotPlatform` whose idle side is a plan. `settings["stack"]` of a target is the pipeline's section."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()
        self._stacks = Stacks(self._settings)
        self._planning = Planning(self._stacks)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """What the stack's tags say: the release that it holds, and as idle version the one before. Raises
        AzureProblem."""
        stack = self._stacks.stack(place_of(target))
        version, previous = (stack.version, stack.previous) if stack else ("", "")
        if stack and version and not stack.busy and not stack.whole:
            version = not_whole(version)
        return SiteState.without_address(version, previous, in_progress=stack is not None and stack.busy)

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
        """Begin to find out what the template would change."""
        return self.poll_deployment(target, looking(operation, package=package_url), version)

    def poll_deployment(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed with `changes` (words for people) and `planned` (the fingerprint that the switch is held to); failed
        TEMPLATE_UNUSABLE, TEMPLATE_INVALID, DELETES_REFUSED; broken WHAT_IF_FAILED."""
        try:
            found = self._foreseen(target, handle, str(handle["package"]))
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)
        except NotFetched as problem:
            return problem.answer(handle)
        if isinstance(found, Answer):
            return found
        if refused := _refused(target, found):
            return refused
        words = f"{version} would change {place_of(target).name}: {found.words}"
        return passed(words, changes=found.text, planned=found.fingerprint)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Apply the version's template; passed at once when the stack holds it whole."""
        return self.poll_swap(target, {"kind": "intended", "operation": operation}, version)

    def poll_swap(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed when the stack holds it whole. What was planned is looked at once more before anything is written:
        broken PLAN_CHANGED when it is not the same any more. What nobody has planned, a way back, is written only as
        it was applied before, else broken NOTHING_TO_RETURN_TO. Failed STACK_FAILED in Azure's words; broken
        STACK_TAKEN when somebody else wrote over it."""
        try:
            place = place_of(target)
            match handle["kind"]:
                case "looking":
                    return self._looked_again(target, handle, version)
                case "applied":
                    return self._followed(place, handle, version)
            return self._applied(target, place, handle, version)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)
        except NotFetched as problem:
            return problem.answer(handle)

    def stop_idle(self, target: Target, version: str) -> Answer:
        return passed(f"{target.name}: nothing of {version} runs beside the live one")

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Passed when the version's template can still be had, and is what was applied."""
        try:
            place = place_of(target)
            found = self._applied_before(target, place, self._stacks.stack(place), version)
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)
        except NotFetched as problem:
            return problem.answer({})
        return found if isinstance(found, Answer) else passed(f"{target.name}: the template of {version} is there")

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        return passed(f"{target.name}: there is no old side that runs", stopped=False)

    def _foreseen(self, target: Target, handle: Handle, addresses: str) -> Answer | PlannedChanges:
        template = fetched(self._settings, addresses, _section(target).get("parameters") or {})
        return self._planning.go_on(place_of(target), handle, template, _properties(target, template))

    def _looked_again(self, target: Target, handle: Handle, version: str) -> Answer:
        found = self._foreseen(target, handle, _addresses(target, version))
        if isinstance(found, Answer):
            return found
        if found.fingerprint != target.settings.get(PLANNED):
            return _changed(target, version, f"now: {found.words}", found.text)
        return running({"kind": "intended", "operation": handle["operation"], "looked": found.of}, 0.0)

    def _applied(self, target: Target, place: Place, handle: Handle, version: str) -> Answer:
        operation, stack = str(handle["operation"]), self._stacks.stack(place)
        if stack and stack.is_of(operation):
            return self._followed(place, {**handle, "kind": "applied"}, version)
        if stack and stack.busy:
            return running(handle, BUSY_S, f"the stack {place.name} is {stack.state}")
        if stack and stack.whole and stack.version == version:
            return passed(f"{place.name} holds {version} already")
        planned, looked = target.settings.get(PLANNED), handle.get("looked")
        if planned and not looked:
            return running(looking(operation), 0.0, "looks once more at what would change")
        template = self._template(target, version) if planned else self._applied_before(target, place, stack, version)
        if isinstance(template, Answer):
            return template
        if planned and template.digest != looked:
            return _changed(target, version, "its template was replaced just now")
        properties = _properties(target, template, writes=True) | {"description": f"{version}, applied by Slipway"}
        self._stacks.write(place, properties, _tags(stack, version, operation, template.source))
        written = {"kind": "applied", "operation": operation, "before": stack.operation if stack else ""}
        return running(written, BUSY_S, f"{version} is applied to {place.name}")

    def _followed(self, place: Place, handle: Handle, version: str) -> Answer:
        stack = self._stacks.stack(place)
        if stack is None or not stack.is_of(str(handle["operation"])):
            return _not_ours(place, stack, handle)
        handle = {key: value for key, value in handle.items() if key != "unseen_since"}
        if stack.busy:
            return running({**handle, "kind": "applied"}, BUSY_S, f"the stack {place.name} is {stack.state}")
        if stack.whole:
            return passed(f"{place.name} holds {version}")
        named = f" ({', '.join(short(each) for each in stack.failed[:5])})" if stack.failed else ""
        return failed(
            "STACK_FAILED", f"{version} was not applied whole to {place.name}{named}: {stack.error or stack.state}"
        )

    def _applied_before(self, target: Target, place: Place, stack: Stack | None, version: str) -> Answer | Template:
        """What the stack once held as that version. Whatever else lies at its address now, nobody has decided on.
        Raises NotFetched where that may pass."""
        if not (applied := stack.template_of(version) if stack else ""):
            return broken("NOTHING_TO_RETURN_TO", f"{place.name} does not say which template {version} was")
        try:
            template = self._template(target, version)
        except NotFetched as problem:
            if problem.may_pass:
                raise
            return broken("NOTHING_TO_RETURN_TO", f"the template of {version} is gone: {problem.words}")
        if template.source != applied:
            words = f"the template of {version} was replaced since {place.name} held it"
            return broken("NOTHING_TO_RETURN_TO", f"{words}: put the old one back at its address")
        return template

    def _template(self, target: Target, version: str) -> Template:
        return fetched(self._settings, _addresses(target, version), _section(target).get("parameters") or {})


def _not_ours(place: Place, stack: Stack | None, handle: Handle) -> Answer:
    """Azure may show a write late. What a third one wrote it shows at once."""
    if stack is None or stack.operation == handle.get("before", ""):
        handle = {"unseen_since": iso(clock.now()), **handle}
        if clock.now() < moment(handle["unseen_since"]) + SHOWN_WITHIN:
            return running(handle, BUSY_S, f"Azure does not show yet what was written to {place.name}")
        if stack is None:
            return broken("STACK_TAKEN", f"the stack {place.name} is gone: somebody else has deleted it meanwhile")
    return broken("STACK_TAKEN", f"somebody else has written to the stack {place.name} meanwhile")


def _changed(target: Target, version: str, how: str, log: str = "") -> Answer:
    words = f"{place_of(target).name}: what {version} would change is not what was planned any more"
    return broken(PLAN_CHANGED, f"{words}; {how}. Nothing was changed", log)


def _section(target: Target) -> dict[str, Any]:
    return target.settings.get("stack") or {}


def _addresses(target: Target, version: str) -> str:
    """Where that version's template lies, and its parameters."""
    return str(target.settings.get(ARTIFACT) or "").replace("{version}", version)


def _may_delete(target: Target) -> bool:
    return _section(target).get("deletes") == "allow"


def _properties(target: Target, template: Template, writes: bool = False) -> dict[str, Any]:
    """A stack's properties in REST's form. Where nothing may be deleted a write could not do it, whatever a what-if of
    the same stack has shown before."""
    section = _section(target)
    unmanaged = section.get("unmanaged") or "detach"
    if writes and not _may_delete(target):
        unmanaged = "detach"
    return {
        "template": template.template,
        "parameters": template.parameters,
        "actionOnUnmanage": {"resources": unmanaged, "resourceGroups": "detach", "managementGroups": "detach"},
        "denySettings": {"mode": section.get("deny") or "none", "applyToChildScopes": False},
    }


def _tags(stack: Stack | None, version: str, operation: str, source: str) -> dict[str, str]:
    """The stack's own tags and ours. What it held before counts as the way back when it held that whole."""
    tags = {**stack.tags} if stack else {}
    if stack and stack.version != version and stack.whole:
        tags |= {PREVIOUS: stack.version, PREVIOUS_TEMPLATE: stack.template_of(stack.version)}
    if tags.get(PREVIOUS, version) == version:
        for tag in (PREVIOUS, PREVIOUS_TEMPLATE):
            tags.pop(tag, None)
    return tags | {VERSION: version, TEMPLATE: source, OPERATION: mark_of(operation)}


def _refused(target: Target, found: PlannedChanges) -> Answer | None:
    if not found.counts[DELETE] or _may_delete(target):
        return None
    words = f"{place_of(target).name}: {found.words}; its pipeline lets nothing be deleted (`deletes: refuse`)"
    return failed(DELETES_REFUSED, words, found.text)
