"""`POST /api/promotions/{id}/stages/{stage}/override`: two people let a build skip gates, in an emergency."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso
from slipway.promotion.overrides import HOTFIX
from slipway.promotion.plan import StagePlan, load_stage
from triggers.deciding import as_response, decide, on_record, rows_for
from triggers.http import NotFound, api, body_of
from triggers.identity import READERS
from triggers.places import places_of_stage, require_at

bp = df.Blueprint()

LONGEST = timedelta(hours=24)

_UNKNOWN = ("UNKNOWN_PROMOTION", "UNKNOWN_STAGE")
_ENDED = ("ALREADY_ABORTED", "ALREADY_ENDED", "COMMAND_REUSED", "STAGE_OVER")


@bp.route(route="api/promotions/{id}/stages/{stage}/override", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    demands="operator",
    place="the stage's environment and the service",
    answers={200: "OverrideCounted", 202: "Words"},
    body="OverrideWanted",
    refuses={404: (*_UNKNOWN, "UNKNOWN_GATE"), 409: _ENDED},
)
async def post_override(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Ask to let the build skip these gates of the stage until then. It counts once another person has confirmed it,
    and takes the place of what was asked for before."""
    from triggers.bodies import OverrideWanted

    promotion, stage, at = req.route_params["id"], req.route_params["stage"], now()
    asked = body_of(req, OverrideWanted)
    rows = await rows_for(promotion, person, "operator")
    until, gates = iso(at + timedelta(seconds=asked.lasts_s)), list(dict.fromkeys(asked.gates))
    told = {"stage": stage, "gates": gates, "until": until, "reason": asked.reason}
    words = f"{person.name} asks to let it skip {', '.join(gates)} of stage {stage}: {asked.reason}"
    id = f"override:{person.oid}:{asked.command}"
    said = AuditRecord(id, at, person.oid, "override.asked", words, {"name": person.name, **told})
    async with on_record(promotion, said):
        require_at(person, places_of_stage(rows, promotion, stage), "operator")
        there = [gate.name for gate in _plan_of(rows, promotion, stage).all_gates]
        if unknown := [gate for gate in gates if gate not in there]:
            known = f"it has {', '.join(there)}" if there else "it has none"
            raise NotFound("UNKNOWN_GATE", f"stage {stage} has no gate {', '.join(unknown)}; {known}")
        given = {"command": f"{person.oid}:{asked.command}", "id": asked.command, "by": _who(person), "at": iso(at)}
        return as_response(await decide(client, promotion, "override", {**given, **told}), promotion)


@bp.route(route="api/promotions/{id}/stages/{stage}/override/confirm", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    demands="approver",
    place="the stage's environment and the service",
    answers={200: "OverrideCounted", 202: "Words"},
    body="OverrideConfirmed",
    refuses={
        403: ("SAME_PERSON", "IS_AUTHOR", "AUTHOR_UNKNOWN"),
        404: _UNKNOWN,
        409: (*_ENDED, "NO_OVERRIDE", "ALREADY_CONFIRMED", "OVERRIDE_EXPIRED"),
    },
)
async def post_override_confirmed(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Agree to an override that another person asks for; not the author of the build. The gates are skipped at once.

    With `id: hotfix`, to what the stage lets a hotfix skip; not by whoever submitted it."""
    from slipway.adapters.people import person_of_author
    from triggers.bodies import OverrideConfirmed

    promotion, stage, at = req.route_params["id"], req.route_params["stage"], now()
    asked = body_of(req, OverrideConfirmed)
    rows = await rows_for(promotion, person, "approver")
    words = f"{person.name} confirms the override of stage {stage}"
    evidence = {"stage": stage, "name": person.name, "override": asked.id}
    id = f"override-confirmed:{person.oid}:{asked.command}"
    said = AuditRecord(id, at, person.oid, "override.confirmed", words, evidence)
    async with on_record(promotion, said):
        require_at(person, places_of_stage(rows, promotion, stage), "approver")
        plan = _plan_of(rows, promotion, stage)
        author_oid = await asyncio.to_thread(person_of_author, rows["promotion"]["author"])
        given = {"command": f"{person.oid}:{asked.command}", "id": asked.id, "stage": stage, "by": _who(person)}
        given |= {"at": iso(at), "author_oid": author_oid}
        if asked.id == HOTFIX:
            given |= {"asked": _of_hotfix(rows, plan, at, author_oid)}
        return as_response(await decide(client, promotion, "confirm_override", given), promotion)


def _of_hotfix(
    rows: dict[str, dict[str, Any]], plan: StagePlan, at: datetime, author_oid: str | None
) -> dict[str, Any]:
    """What the stage lets this build skip as a hotfix, asked for by whoever submitted it, or wrote it. Raises Refused
    where it is none, or nothing may be skipped."""
    row = rows["promotion"]
    if not (row["build"].get("hotfix") and plan.hotfix_skips):
        raise Refused("NO_OVERRIDE", f"stage {plan.name} has nothing that this build may skip as a hotfix")
    submitter = row["submitted_by"]
    by = {"oid": submitter or author_oid or "", "name": "its submitter" if submitter else row["author"]}
    told = {"id": HOTFIX, "gates": list(plan.hotfix_skips), "reason": f"hotfix, {row['build']['hotfix']}"}
    return {**told, "by": by, "at": row["received_at"], "until": iso(at + LONGEST)}


def _plan_of(rows: dict[str, dict[str, Any]], promotion: str, stage: str) -> StagePlan:
    """The stage as its promotion has it. Raises NotFound, or Refused where the promotion has ended."""
    if rows["intake"]["state"] == "ended":
        raise Refused("ALREADY_ENDED", "the promotion has ended: no gate is asked any more")
    plans = [load_stage(each) for each in rows.get("promotion", {}).get("frozen_plan", {}).get("stages", ())]
    plan = next((each for each in plans if each.name == stage), None)
    if plan is None:
        there = ", ".join(each.name for each in plans) or "none yet"
        raise NotFound("UNKNOWN_STAGE", f"{promotion} has no stage {stage}; it has {there}")
    return plan


def _who(person: Person) -> dict[str, str]:
    return {"oid": person.oid, "name": person.name}
