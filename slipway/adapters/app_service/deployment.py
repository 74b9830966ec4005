"""OneDeploy to the idle slot: `PUT …/slots/{slot}/extensions/onedeploy`, then `deploymentStatus`.

The handle is plain JSON. `{"kind": "intended"}` means that nothing is known to have been started: the next
poll looks for it, and starts it when it is not there. `{"kind": "deployment"}` follows one by its id.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.app_service.arm import POLL_S, Reply
from slipway.adapters.app_service.rules import RoutingRules
from slipway.adapters.app_service.site import Place, Sites, azure_time
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.promotion.outcomes import Answer, failed, iso, moment, passed, running

_CLOCKS_DIFFER_BY = timedelta(seconds=5)
_LOST_AFTER = timedelta(seconds=90)
_TAG = "slipway:"
_SOON_S = 1.0
_KUDU_STATUS = {3: "Failed", 4: "Succeeded"}  # of `deployments`; lower ones are under way


class Deployments:
    """Deployments of one package to one slot."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._rules = RoutingRules(sites)

    def start(
        self,
        place: Place,
        package_url: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version: str,
        version_path: str,
    ) -> Answer:
        intended = {
            "kind": "intended",
            "package_url": package_url,
            "operation": operation,
            "intent_at": iso(intent_at),
        }
        try:
            side = self._sites.idle_side(place)
            if resuming and (adopted := self._started_before(place, operation, intent_at)):
                return running({**intended, **adopted}, _SOON_S, "a deployment that is under way is followed")
            self._rules.remove(place)  # no user may meet what is not verified
            if version and side.state == "Running" and self._sites.version_of(side, version_path) == version:
                return passed(f"{version} is already deployed to {place.name}/{place.slot}", already=True)
            if side.state != "Running":
                self._sites.start_idle(place)  # a stopped slot would take the package but never start it
            reply = self._sites.arm(place).put(
                f"{place.idle}/extensions/onedeploy",
                {
                    "properties": {
                        "packageUri": package_url,
                        "type": "zip",
                        "clean": True,
                        "restart": True,
                        "deploymentTag": _TAG + operation,
                    }
                },
            )
        except AzureProblem as problem:
            return problem.fault.answer(intended, 2.0)
        started = {
            "kind": "deployment",
            "id": _id_in(reply),
            "ours": True,
            "started_at": iso(clock.now()),
        }
        return running({**intended, **started, "poll_url": reply.poll_url}, reply.after_s)

    def poll(self, place: Place, handle: dict[str, Any], version: str, version_path: str) -> Answer:
        if handle["kind"] == "intended":
            return self._start_again(place, handle, version, version_path)
        try:
            handle = {**handle, "id": handle.get("id") or self._find_id(place, handle)}
            return self._judge(place, handle, self._look(place, handle))
        except AzureProblem as problem:
            return problem.fault.answer(handle, POLL_S)

    def _start_again(self, place: Place, handle: dict[str, Any], version: str, version_path: str) -> Answer:
        intent_at = moment(handle["intent_at"])
        return self.start(place, handle["package_url"], handle["operation"], intent_at, True, version, version_path)

    def _judge(self, place: Place, handle: dict[str, Any], seen: "_Seen") -> Answer:
        where = f"{place.name}/{place.slot}"
        if not seen.status and clock.now() - moment(handle["started_at"]) > _LOST_AFTER:
            return running({**handle, "kind": "intended"}, _SOON_S, f"Azure knows no deployment to {where}")
        if not seen.succeeded and not seen.failed:
            return running(handle, seen.after_s, seen.status)
        if not handle["ours"]:
            return running({**handle, "kind": "intended"}, 0.0, "another's deployment is over; now ours")
        if seen.failed:
            return failed("DEPLOYMENT_FAILED", f"the deployment to {where} failed: {seen.words}", seen.log)
        state = self._sites.idle_side(place).state
        if state != "Running":
            self._sites.start_idle(place)
            return running(handle, _SOON_S, f"deployed, but {where} was {state or 'in no known state'}; started")
        return passed(f"deployed to {where}", deployment=handle["id"])

    def _look(self, place: Place, handle: dict[str, Any]) -> "_Seen":
        arm = self._sites.arm(place)
        if handle["id"]:
            try:
                return _by_deployment_status(arm.get(f"{place.idle}/deploymentStatus/{handle['id']}"))
            except AzureProblem as problem:
                if problem.fault.kind is not FaultKind.MISSING:
                    raise
            return _by_kudu(arm.get(f"{place.idle}/deployments/{handle['id']}"))
        if (url := handle.get("poll_url")) and arm.may_poll(url):
            return _by_operation(arm.poll(url))
        return _Seen("")

    def _started_before(self, place: Place, operation: str, intent_at: datetime) -> dict[str, Any] | None:
        """The handle of what an earlier try started, or of another's that is under way and must end first."""
        made = self._deployments(place)
        ours = next((each for each in made if _is_ours(each, operation, intent_at)), None)
        found = ours or next((each for each in made if _under_way(each)), None)
        if found is None:
            return None
        started_at = azure_time(found.get("start_time")) or clock.now()
        return {
            "kind": "deployment",
            "id": found["id"],
            "ours": ours is not None,
            "started_at": iso(started_at),
        }

    def _find_id(self, place: Place, handle: dict[str, Any]) -> str:
        made = self._deployments(place)
        intent_at = moment(handle["intent_at"])
        return next((str(each["id"]) for each in made if _is_ours(each, handle["operation"], intent_at)), "")

    def _deployments(self, place: Place) -> list[dict[str, Any]]:
        """The properties of the slot's deployments, newest first, each with its `id`."""
        listed = self._sites.arm(place).get(f"{place.idle}/deployments").body.get("value") or []
        made = [{**(each.get("properties") or {}), "id": str(each.get("id", "")).rpartition("/")[2]} for each in listed]
        return sorted(made, key=lambda each: str(each.get("start_time") or ""), reverse=True)


def _is_ours(deployment: dict[str, Any], operation: str, intent_at: datetime) -> bool:
    """By our tag; where Azure shows no tag of ours, by its time: the slot is locked for us since the intent."""
    tags = [word for word in str(deployment.get("message") or "").split() if word.startswith(_TAG)]
    if tags:
        return _TAG + operation in tags
    started_at = azure_time(deployment.get("start_time"))
    return started_at is not None and started_at >= intent_at - _CLOCKS_DIFFER_BY


def _under_way(deployment: dict[str, Any]) -> bool:
    return deployment.get("status") not in _KUDU_STATUS and not deployment.get("end_time")


def _id_in(reply: Reply) -> str:
    return str(reply.properties.get("deploymentId") or "")


@dataclass(frozen=True)
class _Seen:
    """What Azure shows of a deployment: its status ("" = it knows none), and why it failed, with the log's tail."""

    status: str
    words: str = ""
    log: str = ""
    after_s: float = POLL_S

    @property
    def succeeded(self) -> bool:
        return self.status.lower() in ("runtimesuccessful", "succeeded")

    @property
    def failed(self) -> bool:
        bad = ("runtimefailed", "buildfailed", "buildaborted", "timedout", "failed", "canceled")
        return self.status.lower() in bad


def _by_deployment_status(reply: Reply) -> _Seen:
    """`CsmDeploymentStatus`; its logs are addresses at other hosts, which get no token of ours."""
    properties = reply.properties
    said = [str(error["message"]) for error in properties.get("errors") or [] if error.get("message")]
    status = str(properties.get("status") or "")
    first_line, _, rest = "\n".join(said).partition("\n")
    logs = [str(log) for log in properties.get("failedInstancesLogs") or []]
    return _Seen(status, first_line or status, rest or "\n".join(logs), reply.after_s)


def _by_kudu(reply: Reply) -> _Seen:
    """A deployment in the list of the site's own deployment engine, whose status is a number."""
    details = str(reply.properties.get("details") or reply.properties.get("message") or "")
    status = _KUDU_STATUS.get(reply.properties.get("status", 0), "UnderWay")
    return _Seen(status, details.partition("\n")[0], details, reply.after_s)


def _by_operation(reply: Reply) -> _Seen:
    """An `Azure-AsyncOperation` body, or what a `Location` answers: 202 while it runs, then the resource."""
    if reply.status == 202:
        return _Seen("UnderWay", after_s=reply.after_s)
    status = str(reply.body.get("status") or reply.properties.get("provisioningState") or "Succeeded")
    error = reply.body.get("error") or {}
    return _Seen(status, str(error.get("message") or status), after_s=reply.after_s)
