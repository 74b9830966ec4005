"""`$cbs`: where clients show their tokens. On a laptop every token will do."""

from slipway.local.servicebus.request import Request
from slipway.local.servicebus.types import Int

ADDRESS = "$cbs"


def answer(data: bytes) -> bytes:
    """Answer a put-token request. Here, unlike on $management, the names have hyphens."""
    request = Request.parse(data)
    if request.operation == "put-token":
        return request.respond({"status-code": Int(202), "status-description": "Accepted"})
    return request.respond({"status-code": Int(501), "status-description": f"no operation {request.operation!r}"})
