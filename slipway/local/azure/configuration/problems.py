"""App Configuration's refusals: problem+json (https://learn.microsoft.com/azure/azure-app-configuration/rest-api)."""

from typing import Any

from aiohttp import web


def problem(status: int, type: str, title: str, detail: str) -> web.Response:
    body: dict[str, Any] = {"type": f"https://azconfig.io/errors/{type}", "title": title, "status": status}
    return web.json_response(body | {"detail": detail}, status=status, content_type="application/problem+json")
