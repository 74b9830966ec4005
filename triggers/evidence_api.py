"""`POST /api/promotions/{id}/evidence`: evidence that comes after the build, for the gates that wait for it."""

import hashlib
import json
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso
from triggers.deciding import as_response, decide, on_record, rows_for
from triggers.http import NotFound, api, body_of
from triggers.identity import READERS
from triggers.places import places_of_stage, require_at

bp = df.Blueprint()


@bp.route(route="api/promotions/{id}/evidence", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    "submitter",
    demands=("operator", "submitter"),
    place="every environment of the service",
    answers={200: "Words", 202: "Words"},
    body="EvidenceGiven",
    refuses={
        404: ("UNKNOWN_PROMOTION", "UNKNOWN_EVIDENCE"),
        409: ("ALREADY_ABORTED", "ALREADY_ENDED", "COMMAND_REUSED", "EVIDENCE_TOO_LARGE"),
    },
)
async def post_evidence(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Put evidence in the place of what was there under its name. The gates that read it are asked again at once; what
    they had passed on the evidence before does not count any more."""
    from triggers.bodies import EvidenceGiven

    promotion, received_at = req.route_params["id"], now()
    asked = body_of(req, EvidenceGiven)
    rows = await rows_for(promotion, person, "operator", "submitter")
    entry = {"produced_at": iso(received_at), **asked.told}
    digest = hashlib.sha256(json.dumps(asked.told, sort_keys=True).encode()).hexdigest()
    where = f" from {asked.url}" if asked.url else ""
    told = {"evidence": asked.name, "given": f"sha256:{digest}", "url": asked.url}
    told |= {"digest": f"sha256:{asked.sha256.lower()}"} if asked.sha256 else {}
    said = AuditRecord(
        id=f"evidence:{person.oid}:{asked.command}",
        at=received_at,
        actor=person.oid,
        action="evidence.supplied",
        words=f"{person.name} supplies evidence {asked.name}{where}",
        evidence={"name": person.name, **told},
    )
    async with on_record(promotion, said):
        require_at(person, places_of_stage(rows, promotion), "operator", "submitter")
        if rows["intake"]["state"] == "ended":
            raise Refused("ALREADY_ENDED", "the promotion has ended: nothing reads evidence any more")
        names = _read_there(rows)
        if asked.name not in names:
            there = f"its gates read {', '.join(names)}" if names else "it has no gate that reads any"
            raise NotFound("UNKNOWN_EVIDENCE", f"no gate of {promotion} reads evidence {asked.name}; {there}")
        given = {"command": f"{person.oid}:{asked.command}", "name": asked.name, "digest": digest, "entry": entry}
        given |= {"by": person.name, "at": iso(received_at)}
        return as_response(await decide(client, promotion, "supply", given), promotion)


def _read_there(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The names of the evidence that gates of the promotion read."""
    stages = rows.get("promotion", {}).get("frozen_plan", {}).get("stages", ())
    gates = [gate for stage in stages for gate in (*stage.get("gates", ()), *stage.get("switch_gates", ()))]
    return sorted({gate["evidence"] for gate in gates if gate["evidence"]})
