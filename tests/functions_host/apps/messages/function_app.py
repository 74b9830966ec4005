"""Service Bus functions: what they see goes to the queue `seen`, from where a test reads it."""

import asyncio
import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def _describe(msg: func.ServiceBusMessage) -> str:
    return json.dumps(
        {
            "body": msg.get_body().decode(),
            "message_id": msg.message_id,
            "delivery_count": msg.delivery_count,
            "content_type": msg.content_type,
            "correlation_id": msg.correlation_id,
            "subject": msg.subject,
            "properties": msg.application_properties,
            "user_properties": msg.user_properties,
            "enqueued": msg.enqueued_time_utc.isoformat(),
        }
    )


@app.service_bus_queue_trigger(arg_name="msg", queue_name="orders", connection="BUS")
@app.service_bus_queue_output(arg_name="seen", queue_name="%SEEN_QUEUE%", connection="BUS")
def order(msg: func.ServiceBusMessage, seen: func.Out[str]) -> None:
    seen.set(_describe(msg))


@app.service_bus_topic_trigger(arg_name="msg", topic_name="news", subscription_name="reader", connection="BUS")
@app.service_bus_queue_output(arg_name="seen", queue_name="%SEEN_QUEUE%", connection="BUS")
async def news(msg: func.ServiceBusMessage, seen: func.Out[bytes]) -> None:
    seen.set(_describe(msg).encode())


@app.service_bus_queue_trigger(arg_name="msg", queue_name="flaky", connection="BUS")
@app.service_bus_queue_output(arg_name="seen", queue_name="%SEEN_QUEUE%", connection="BUS")
async def flaky(msg: func.ServiceBusMessage, seen: func.Out[str]) -> None:
    """Fails until its second delivery."""
    if msg.delivery_count < 2:
        raise RuntimeError("not in the mood")
    seen.set(_describe(msg))


@app.service_bus_queue_trigger(arg_name="msg", queue_name="hopeless", connection="BUS")
def hopeless(msg: func.ServiceBusMessage) -> None:
    raise RuntimeError("never")


@app.service_bus_queue_trigger(arg_name="msg", queue_name="slow", connection="BUS")
@app.service_bus_queue_output(arg_name="$return", queue_name="%SEEN_QUEUE%", connection="BUS")
async def slow(msg: func.ServiceBusMessage) -> str:
    """Notes its delivery in a file and returns when the test opens the gate named in the message."""
    folder = Path(os.environ["GATE_FOLDER"])
    with (folder / "deliveries").open("a") as log:
        log.write(f"{msg.get_body().decode()} {msg.delivery_count}\n")
    while not (folder / str(msg.subject)).exists():
        await asyncio.sleep(0.01)
    return _describe(msg)


def _note(msg: func.ServiceBusMessage, event: str) -> None:
    with (Path(os.environ["GATE_FOLDER"]) / f"session-{msg.session_id}").open("a") as log:
        log.write(f"{event} {msg.get_body().decode()} {msg.delivery_count}\n")


@app.service_bus_queue_trigger(arg_name="msg", queue_name="talks", connection="BUS", is_sessions_enabled=True)
@app.service_bus_queue_output(arg_name="seen", queue_name="%SEEN_QUEUE%", connection="BUS")
async def talk(msg: func.ServiceBusMessage, seen: func.Out[str]) -> None:
    """Notes when each message begins and ends; may wait for a gate, and may fail the first time."""
    _note(msg, "begin")
    while msg.subject and not (Path(os.environ["GATE_FOLDER"]) / msg.subject).exists():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.005)
    if msg.get_body() == b"fails once" and msg.delivery_count == 1:
        _note(msg, "fail")
        raise RuntimeError("not in the mood")
    _note(msg, "end")
    seen.set(_describe(msg))


@app.service_bus_topic_trigger(
    arg_name="msg", topic_name="news", subscription_name="talks", connection="BUS", is_sessions_enabled=True
)
@app.service_bus_queue_output(arg_name="seen", queue_name="%SEEN_QUEUE%", connection="BUS")
def heard(msg: func.ServiceBusMessage, seen: func.Out[str]) -> None:
    seen.set(f'{{"message_id": "{msg.message_id}", "heard in": "{msg.session_id}"}}')


@app.route(route="publish/{topic}", methods=["POST"])
@app.service_bus_topic_output(arg_name="out", topic_name="news", connection="BUS")
def publish(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(req.get_body().decode())
    return "published"
