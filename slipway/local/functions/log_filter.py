"""Keeps what clients send out of the log."""

import logging


class WithoutRequests(logging.Filter):
    """A request that cannot be parsed is logged by aiohttp with the text that it could not parse, which may hold
    a token. What is left says that it happened."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and type(error).__module__.startswith("aiohttp.http"):
            record.msg, record.args, record.exc_info, record.exc_text = type(error).__name__, (), None, None
        return True
