"""Access keys: one master key, kept beside the state, which opens every level, and the durable extension's own."""

import hmac
import secrets
from pathlib import Path

from aiohttp import web

from slipway.local.functions.keeper import Keeper


class MasterKey:
    """Made once with a file mode of 600; a restart keeps it."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(40), encoding="ascii")
        self._value = file.read_text(encoding="ascii").strip()

    def opens(self, request: web.Request) -> bool:
        """Whether the request brings the key, as `x-functions-key` or `?code=`."""
        return opens(request, self._value)


class SystemKey:
    """The key of the durable webhooks, made once and kept in the state file."""

    NAME = "durabletask_extension"

    def __init__(self, keeper: Keeper) -> None:
        kept = keeper.kept(f"key {self.NAME}")
        if kept is None:
            kept = secrets.token_urlsafe(40)
            keeper.keep(f"key {self.NAME}", kept)
        self.value = kept

    def opens(self, request: web.Request) -> bool:
        return opens(request, self.value)


def opens(request: web.Request, key: str) -> bool:
    """Whether the request brings this key, as `x-functions-key` or `?code=`."""
    given = request.headers.get("x-functions-key") or request.query.get("code", "")
    return hmac.compare_digest(given.encode(), key.encode())
