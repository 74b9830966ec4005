"""Access keys: one master key, kept beside the state, which opens every level."""

import hmac
import secrets
from pathlib import Path

from aiohttp import web


class MasterKey:
    """Made once with a file mode of 600; a restart keeps it."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(40), encoding="ascii")
        self._value = file.read_text(encoding="ascii").strip()

    def opens(self, request: web.Request) -> bool:
        """Whether the request brings the key, as `x-functions-key` or `?code=`."""
        given = request.headers.get("x-functions-key") or request.query.get("code", "")
        return hmac.compare_digest(given.encode(), self._value.encode())
