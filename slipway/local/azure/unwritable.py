"""When the state cannot be written, as on a full disk: every request hears so, and nothing is promised meanwhile."""

import errno
import logging
import sqlite3

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_unwritable(error: BaseException) -> bool:
    """Whether the error means that the disk takes no more; it may take more later."""
    return isinstance(error, sqlite3.OperationalError) or (isinstance(error, OSError) and error.errno in _NO_SPACE)


@web.middleware
async def unwritable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """503, which Azure's clients take for a reason to come again; what the request began is undone."""
    try:
        return await handler(request)
    except (sqlite3.OperationalError, OSError) as error:
        if not is_unwritable(error):
            raise
        words = f"cannot write the state: {error}"
        log.error("%s (%s %s)", words, request.method, request.path)
        body = {"error": {"code": "ServiceUnavailable", "message": f"The stand-in {words}."}}
        return web.json_response(body, status=503, headers={"x-ms-error-code": "ServerBusy"})
