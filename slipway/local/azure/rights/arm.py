"""Which action of Resource Manager a request takes, on which scope, and its refusal in Azure's words."""

from collections.abc import Iterator

from aiohttp import web

from slipway.local.azure.arm import ArmError
from slipway.local.azure.rights import places
from slipway.local.azure.rights.given import Demand

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "POST": "action", "DELETE": "delete"}
# Azure's documents name the actions on one execution of a job in two ways; a role is to have both.
ALSO = {
    ("GET", "microsoft.app", "jobs", "executions"): "Microsoft.App/jobs/execution/read",
    ("POST", "microsoft.app", "jobs", "executions", "stop"): "Microsoft.App/jobs/stop/execution/action",
}
JOINS = "Microsoft.App/managedEnvironments/join/action"


def demands(request: web.Request, group: str) -> Iterator[Demand]:
    """`group`: the id of the stand-in's own resource group. None of what lies below no provider, and none of following
    an operation: whoever began it has its address."""
    before, provider, path = request.path.rstrip("/").partition("/providers/")
    namespace, *parts = path.split("/")
    if not provider or not parts or parts[0].lower() == "locations":
        return
    verb = VERBS.get(request.method, "write")
    types, is_below = parts[::2], len(parts) % 2 == 1  # a list, or an action, ends with a type
    actions = ["/".join((namespace, *types, verb))]
    if not is_below or verb == "action":
        also = ALSO.get((request.method, *(each.lower() for each in (namespace, *types))))
        actions += [also] if also else []
    resource = "/".join((before + "/providers", namespace, *(parts[:-1] if is_below else parts)))
    yield Demand(before if is_below and len(parts) == 1 else resource, tuple(actions))
    if verb == "write" and [each.lower() for each in (namespace, *types)] == ["microsoft.app", "containerapps"]:
        yield Demand(places.environment(group), (JOINS,), because=(actions[0], resource))


def refused(demand: Demand, lacking: tuple[str, ...], client: str) -> web.Response:
    """In Azure's words: people look for them."""
    who = f"The client '{client}' with object id '{client}'"
    if demand.because is not None:
        action, scope = demand.because
        named = ",".join(lacking)
        message = (
            f"{who} has permission to perform action '{action}' on scope '{scope}'; however, it does not have "
            f"permission to perform action(s) '{named}' on the linked scope(s) '{demand.scope}' (respectively) or the "
            "linked scope(s) are invalid."
        )
        return ArmError(403, "LinkedAuthorizationFailed", message).response
    message = (
        f"{who} does not have authorization to perform action '{lacking[0]}' over scope '{demand.scope}' or the scope "
        "is invalid. If access was recently granted, please refresh your credentials."
    )
    return ArmError(403, "AuthorizationFailed", message).response
