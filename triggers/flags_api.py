"""`GET /api/flags…`, `POST` and `DELETE /api/flags/{flag}/off`: feature flags and their kill switch."""

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.alerts import waiter_at
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.clock import now
from slipway.adapters.pipelines import PipelineFolder
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused, SlipwayError
from slipway.settings import settings
from triggers.deciding import audited, nudge, on_record
from triggers.http import NotFound, answer, api, body_of, query_of
from triggers.identity import READERS

bp = df.Blueprint()

Known = Mapping[tuple[str, str], Sequence[str]]
Asked = TypeVar("Asked")
PAUSES_S = (0.2, 0.4, 0.8)  # between tries at a store that is away for a moment: who hits the kill switch waits for it
INSISTS_S = 2.0
_MAY_PASS = {FaultKind.THROTTLED, FaultKind.CONFLICT, FaultKind.UNAVAILABLE, FaultKind.UNKNOWN}


@bp.route(route="api/flags", methods=["GET"])
@api(*READERS, answers={200: "Flags"})
async def get_flags(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Every feature flag of the store: who has it, who answers for it, until when it is needed."""
    return answer({"flags": await asyncio.to_thread(_all)})


@bp.route(route="api/flags/stale", methods=["GET"])
@api(*READERS, answers={200: "Flags"})
async def get_stale_flags(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """The flags that nobody needs any more, or that nobody answers for, each with its reasons."""
    return answer({"flags": [each for each in await asyncio.to_thread(_all) if each["stale"]]})


@bp.route(route="api/flags/{flag}/off", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    answers={200: "FlagSwitched"},
    body="FlagOff",
    refuses={404: ("UNKNOWN_FLAG",), 409: ("FLAG_AMBIGUOUS", "FLAG_CONTENDED", "FLAG_LOCKED")},
)
async def post_flag_off(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """The kill switch: off for everybody, testers too, at once; no release gives it to anybody until it is lifted. A
    ramp of it ends. The flag first, then the record: users do not wait for that."""
    from slipway.promotion.flags.plan import place_of
    from triggers.bodies import FlagOff

    asked, name, began = body_of(req, FlagOff), req.route_params["flag"], time.monotonic()
    label = await _insisting(lambda: _label(name, asked.label))
    id, by = f"flag:off:{uuid.uuid4().hex}", f"{person.name}: {asked.reason}"
    written = await _insisting(lambda: _switched("off", name, label, by, id))
    took_ms = round(1000 * (time.monotonic() - began))
    with suppress(AzureProblem):  # a ramp looks by itself, too
        waiter = await asyncio.to_thread(waiter_at, place_of(label, name))
        await nudge(client, [waiter] if waiter else [])
    words = f"{person.name} switches {written['where']} off for everybody: {asked.reason}"
    evidence = {"name": name, "label": label, "reason": asked.reason, "took_ms": took_ms}
    await audited(chain_of(name), AuditRecord(id, now(), person.oid, "flag.off", words, evidence))
    return answer({"words": words, "took_ms": took_ms, "flag": written["shown"]})


@bp.route(route="api/flags/{flag}/off", methods=["DELETE"])
@api(
    "operator",
    answers={200: "FlagSwitched"},
    query="FlagQuery",
    refuses={404: ("UNKNOWN_FLAG",), 409: ("FLAG_AMBIGUOUS", "FLAG_NOT_OFF", "FLAG_CONTENDED", "FLAG_LOCKED")},
)
async def delete_flag_off(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """A person's word that keeps a flag off holds no longer. It stays off until a release ramps it."""
    from triggers.bodies import FlagQuery

    name, began = req.route_params["flag"], time.monotonic()
    label = await asyncio.to_thread(_label, name, query_of(req, FlagQuery).label)
    id = f"flag:lift:{uuid.uuid4().hex}"
    words = f"{person.name} lets releases ramp {name} again"
    await asyncio.to_thread(_check_off, name, label)
    async with on_record(
        chain_of(name), AuditRecord(id, now(), person.oid, "flag.lift", words, {"name": name, "label": label})
    ):
        written = await asyncio.to_thread(_switched, "lift", name, label, "", id)
    took_ms = round(1000 * (time.monotonic() - began))
    return answer({"words": words, "took_ms": took_ms, "flag": written["shown"]})


def chain_of(name: str) -> str:
    """The audit chain of a flag; a name that no blob can have gets a hash in its place."""
    if re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
        return f"flag-{name}"
    return f"flag-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _all() -> list[dict[str, Any]]:
    from slipway.adapters.flags.store import Flags
    from slipway.promotion.flags.views import flag

    known, at = _of_pipelines(), now()
    return [flag(each, known, at) for each in Flags().all()]


def _label(name: str, label: str | None) -> str:
    """The label that is meant: the one that was said, or the only one that there is. Raises NotFound, Refused."""
    from slipway.adapters.flags.store import Flags

    if label is not None:
        if Flags().read(name, label) is None:
            raise NotFound("UNKNOWN_FLAG", f"there is no flag {name} ({label or 'without a label'})")
        return label
    found = [each.label for each in Flags().all() if each.name == name]
    if not found:
        raise NotFound("UNKNOWN_FLAG", f"there is no flag {name}")
    if len(found) > 1:
        labels = ", ".join(each or "no label" for each in found)
        raise Refused("FLAG_AMBIGUOUS", f"{name} is there with {labels}: say which")
    return found[0]


async def _insisting(ask: Callable[[], Asked]) -> Asked:
    """Its answer; asked again a few times while it fails in a way that may pass within a second or two."""
    began = time.monotonic()
    for pause_s in PAUSES_S:
        try:
            return await asyncio.to_thread(ask)
        except AzureProblem as problem:
            if problem.fault.kind not in _MAY_PASS or time.monotonic() - began + pause_s > INSISTS_S:
                raise
        await asyncio.sleep(pause_s)
    return await asyncio.to_thread(ask)


def _check_off(name: str, label: str) -> None:
    """Raises Refused FLAG_NOT_OFF."""
    from slipway.adapters.flags.store import Flags

    found = Flags().read(name, label)
    if found is None or not found.off_words:
        raise Refused("FLAG_NOT_OFF", f"nobody's word keeps the flag {name} off")


def _switched(what: str, name: str, label: str, by: str, operation: str) -> dict[str, Any]:
    from slipway.adapters.flags.store import LOCKED
    from slipway.adapters.flags.switch import Switch
    from slipway.promotion.flags.views import flag

    try:
        found = Switch().off(name, label, by, operation) if what == "off" else Switch().lift(name, label, operation)
    except AzureProblem as problem:
        if problem.fault.code != LOCKED:
            raise
        raise Refused("FLAG_LOCKED", problem.words) from problem
    except SlipwayError as error:
        if error.code == "FLAG_GONE":
            raise NotFound("UNKNOWN_FLAG", error.words) from error
        if error.code in ("FLAG_NOT_OFF", "FLAG_CONTENDED"):
            raise Refused(error.code, error.words) from error
        raise
    return {"where": found.where, "shown": flag(found, _of_pipelines(), now())}


def _of_pipelines() -> dict[tuple[str, str], list[str]]:
    """The services whose pipelines ramp a flag or switch it, by its name and label."""
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    found: dict[tuple[str, str], list[str]] = {}
    for each in PipelineFolder(settings().pipelines).all().values():
        plan = compile_plan(read_pipeline(each.text, each.file), each.digest)
        for stage in plan.stages:
            flags = [(each.name, each.label) for each in stage.flags]
            if stage.canary and stage.canary.flag:
                flags.append((stage.canary.flag.name, stage.canary.flag.label))
            for place in flags:
                found.setdefault(place, []).append(plan.service)
    return {place: list(dict.fromkeys(services)) for place, services in found.items()}
