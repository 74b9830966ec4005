"""Plain HTTP functions."""

import asyncio
import base64
import json
import os
import threading
from pathlib import Path

import azure.functions as func

pages = func.Blueprint()


def _json(value: object, status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), status_code=status, mimetype="application/json")


@pages.route(route="shops/{id:int}", methods=["GET"])
def shop(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"shop": req.route_params["id"]})


@pages.route(route="shops/{name}", methods=["GET"])
def shop_by_name(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"name": req.route_params["name"]})


@pages.route(route="shops/best", methods=["GET"])
def best_shop(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"best": True})


@pages.route(route="greet/{name?}")
async def greet(req: func.HttpRequest) -> str:
    return f"{os.environ['GREETING']} {req.route_params.get('name', 'stranger')}"


@pages.route(route="files/{*rest}")
async def files(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"rest": req.route_params.get("rest")})


@pages.route(route="echo", methods=["POST", "PUT"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "query": dict(req.params),
            "header": req.headers.get("X-Colour"),
            "body": req.get_body().decode("latin-1"),
            "json": req.get_json() if "json" in req.headers.get("content-type", "") else None,
            "function": context.function_name,
            "invocation": context.invocation_id,
            "thread": threading.current_thread().name,
        }
    )


@pages.route(route="decorated")
def decorated(req: func.HttpRequest) -> func.HttpResponse:
    answer = func.HttpResponse(b"\x00\xff", status_code=418, mimetype="image/x-pot", headers={"X-Tea": "green"})
    answer.headers.add("Set-Cookie", "a=1; Path=/")
    answer.headers.add("Set-Cookie", "b=2; HttpOnly")
    return answer


@pages.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise LookupError("the till is empty")


@pages.route(route="broken-async")
async def broken_async(req: func.HttpRequest) -> func.HttpResponse:
    raise LookupError("the till is empty, too")


@pages.route(route="dictionary")
def dictionary(req: func.HttpRequest):
    return {"this is": "no answer"}


@pages.route(route="whoami")
def whoami(req: func.HttpRequest) -> func.HttpResponse:
    principal = req.headers.get("X-MS-CLIENT-PRINCIPAL")
    if principal is None:
        return _json({"token headers": [n for n in req.headers if n.startswith("x-ms-")]}, 401)
    answer = json.loads(base64.b64decode(principal))
    return _json(
        answer | {"id": req.headers["x-ms-client-principal-id"], "name": req.headers["x-ms-client-principal-name"]}
    )


@pages.route(route="patient", methods=["POST"])
async def patient(req: func.HttpRequest) -> str:
    """Says in one file that it runs, and answers when the other is there."""
    folder = Path(req.params["folder"])
    (folder / "runs").touch()
    while not (folder / "go").exists():
        await asyncio.sleep(0.01)
    return "done"


@pages.route(route="keyed", auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> str:
    print("a line that must not reach the host's standard output")
    return "opened"
