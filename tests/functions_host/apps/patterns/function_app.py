"""The patterns that the Durable Functions documentation teaches, each as a small shop would have it."""

import json
from datetime import datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ticks: list[bool] = []


@app.route(route="start/{orchestrator}/{instance?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    given = json.loads(req.get_body() or b"null")
    instance = await client.start_new(req.route_params["orchestrator"], req.route_params.get("instance"), given)
    return client.create_check_status_response(req, instance)


# chaining: each step works on what the one before has made


@app.orchestration_trigger(context_name="context")
def bake(context: df.DurableOrchestrationContext):
    dough = yield context.call_activity("step", ["knead", context.get_input()])
    loaf = yield context.call_activity("step", ["bake", dough])
    return (yield context.call_activity("step", ["slice", loaf]))


@app.activity_trigger(input_name="order")
def step(order: list) -> str:
    verb, thing = order
    return f"{verb}({thing})"


# fan-out, fan-in: many at once, one sum


@app.orchestration_trigger(context_name="context")
def stocktaking(context: df.DurableOrchestrationContext):
    shelves = yield context.call_activity("shelves", context.get_input())
    counts = yield context.task_all([context.call_activity("count", shelf) for shelf in shelves])
    return sum(counts)


@app.activity_trigger(input_name="number")
def shelves(number: int) -> list:
    return [f"shelf {n}" for n in range(number)]


@app.activity_trigger(input_name="shelf")
def count(shelf: str) -> int:
    return int(shelf.split()[1]) * 2


# human interaction: an answer in time, or escalation


@app.orchestration_trigger(context_name="context")
def refund(context: df.DurableOrchestrationContext):
    yield context.call_activity("step", ["ask", "the manager"])
    context.set_custom_status({"asks": "manager"})
    deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=72))
    answer = context.wait_for_external_event("answer")
    if (yield context.task_any([answer, deadline])) is deadline:
        return (yield context.call_activity("step", ["escalate", "to the owner"]))
    deadline.cancel()
    return {"approved": answer.result}


# monitor: look again and again, until it is there or the time is over


@app.orchestration_trigger(context_name="context")
def delivery(context: df.DurableOrchestrationContext):
    wanted = context.get_input()
    expires = datetime.fromisoformat(wanted["until"])
    looks = 0
    while context.current_utc_datetime < expires:
        looks += 1
        if (yield context.call_activity("arrived", [looks, wanted["after_looks"]])):
            return {"arrived": True, "looks": looks}
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=wanted["every_minutes"]))
    return {"arrived": False, "looks": looks}


@app.activity_trigger(input_name="looks")
def arrived(looks: list) -> bool:
    return looks[0] >= looks[1]


# an entity that counts, called and signalled


@app.entity_trigger(context_name="context")
def visitors(context: df.DurableEntityContext):
    seen = context.get_state(lambda: 0)
    match context.operation_name:
        case "add":
            seen += context.get_input()
        case "reset":
            seen = 0
    context.set_state(seen)
    context.set_result(seen)


@app.orchestration_trigger(context_name="context")
def opening_day(context: df.DurableOrchestrationContext):
    door = df.EntityId("visitors", "door")
    yield context.call_entity(door, "reset")
    for guests in context.get_input():
        context.signal_entity(door, "add", guests)
    return (yield context.call_entity(door, "get"))


# an event that nobody waits for yet, and one that nobody waits for any more


@app.orchestration_trigger(context_name="context")
def doorbell(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    rung = yield context.wait_for_external_event("ring")
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    return rung


# a timer


@app.timer_trigger(arg_name="tick", schedule="%CLEANING%")
def clean(tick: func.TimerRequest) -> None:
    ticks.append(tick.past_due)


@app.route(route="ticks", methods=["GET"])
def cleaned(req: func.HttpRequest) -> str:
    return json.dumps(ticks)
