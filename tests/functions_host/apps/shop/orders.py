"""Durable functions and the HTTP functions in front of them."""

import json
import time
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

orders = df.Blueprint()


@orders.route(route="orders/{id}", methods=["POST"])
@orders.durable_client_input(client_name="client")
async def place(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.start_new("order", req.route_params["id"], req.get_json())
    return client.create_check_status_response(req, req.route_params["id"])


@orders.route(route="orders/{id}", methods=["GET"])
@orders.durable_client_input(client_name="client")
async def look(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context
) -> func.HttpResponse:
    status = await client.get_status(req.route_params["id"])
    return func.HttpResponse(json.dumps(status.to_json()), mimetype="application/json")


@orders.route(route="orders/{id}/decision", methods=["POST"])
@orders.durable_client_input(client_name="client")
async def decide(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.raise_event(req.route_params["id"], "decision", req.get_json())
    return func.HttpResponse(status_code=202)


@orders.route(route="tills/{id}", methods=["POST"])
@orders.durable_client_input(client_name="client")
async def pay(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.signal_entity(df.EntityId("till", req.route_params["id"]), "add", req.get_json())
    return func.HttpResponse(status_code=202)


@orders.route(route="tills/{id}", methods=["GET"])
@orders.durable_client_input(client_name="client")
async def count(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    state = await client.read_entity_state(df.EntityId("till", req.route_params["id"]))
    return func.HttpResponse(json.dumps(state.entity_state), mimetype="application/json")


@orders.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext):
    """Packs, waits for a yes or a no, then sends; the failing of an activity is told in words."""
    wanted = context.get_input()
    packed = yield context.call_activity("pack", wanted)
    context.set_custom_status({"waiting": "decision"})
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    decision = context.wait_for_external_event("decision")
    first = yield context.task_any([decision, timer])
    if first is timer:
        return "too late"
    timer.cancel()
    answer = json.loads(decision.result)  # the SDK's client encodes an event twice
    if answer != "yes":
        return {"packed": packed, "answer": answer}
    total = yield context.call_entity(df.EntityId("till", "orders"), "add", 1)
    try:
        sent = yield context.call_activity("ship parcel", wanted)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing narrower
        return {"packed": packed, "failed": str(error).splitlines()[0]}
    return {"packed": packed, "sent": sent, "total": total}


@orders.activity_trigger(input_name="wanted")
def pack(wanted: dict) -> list:
    if "folder" in wanted:
        with (Path(wanted["folder"]) / "log").open("a") as log:
            log.write("packed\n")
    return [wanted["item"]] * wanted.get("count", 1)


@orders.activity_trigger(input_name="wanted", activity="ship parcel")
def ship(wanted: dict, context: func.Context) -> str:
    if wanted["item"] == "lead":
        raise ValueError("too heavy")
    if "folder" in wanted:
        folder = Path(wanted["folder"])
        with (folder / "log").open("a") as log:
            log.write("shipping\n")
        while not (folder / "road is free").exists():
            time.sleep(0.01)
    return f"{wanted['item']} by {context.function_name}"


@orders.entity_trigger(context_name="context")
def till(context: df.DurableEntityContext):
    total = context.get_state(lambda: 0)
    if context.operation_name == "add":
        total += context.get_input()
        context.set_state(total)
    context.set_result(total)
