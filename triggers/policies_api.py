"""`GET /api/policies`: the organisation's rules that pipelines cannot weaken."""

import asyncio
from dataclasses import asdict
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from triggers.http import answer, api
from triggers.identity import READERS

bp = df.Blueprint()


@bp.route(route="api/policies", methods=["GET"])
@api(*READERS, place="any place", answers={200: "PoliciesShown"})
async def get_policies(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """The rules in force and who is exempt from them; where they cannot be read, why."""
    return answer(await asyncio.to_thread(_shown))


def _shown() -> dict[str, Any]:
    from slipway.adapters.policies import policies_in_force
    from slipway.promotion.policies import Policies, PoliciesInvalid
    from slipway.promotion.policies.policy import over

    findings: list[dict[str, Any]] = []
    try:
        read = policies_in_force() or Policies()
    except PoliciesInvalid as invalid:
        read, findings = Policies(), [asdict(finding) for finding in invalid.findings]
    at = now()
    rules = [
        {name: value for name, value in asdict(each).items() if name not in ("wanted", "written")}
        | {"requires": each.written, "in_force": not (each.until and over(each.until, at))}
        for each in read.policies
    ]
    exempt = [asdict(each) | {"counts": not over(each.until, at)} for each in read.exemptions]
    return {"digest": read.digest, "policies": rules, "exceptions": exempt, "findings": findings}
