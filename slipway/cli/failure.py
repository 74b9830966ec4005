"""Exit codes of the `slipway` command, and the one exception that carries one."""

from datetime import datetime
from enum import IntEnum
from typing import Any

TYPE = "urn:slipway:problem:"  # as the API has it


class ExitCode(IntEnum):
    """What a script learns from the command's end."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    NOT_REACHABLE = 5
    NOT_PASSED = 6
    LINT = 7


EXIT_CODES = """Exit codes: 0 ok · 1 refused or failed by the server · 2 wrong usage · 3 not signed in, or a \
role is missing · 4 not found · 5 the server cannot be reached · 6 the promotion that was waited for did not \
pass · 7 a pipeline has errors."""


STATUS = {
    ExitCode.REFUSED: 409,
    ExitCode.USAGE: 400,
    ExitCode.NOT_SIGNED_IN: 401,
    ExitCode.NOT_FOUND: 404,
    ExitCode.NOT_REACHABLE: 503,
}


class Failure(Exception):
    """The command cannot do what was asked: a stable code, words that say what to do, and the exit code.

    `document` is the problem document (RFC 9457) as the server sent it. Without one it is made here, in the
    API's shape; its `status` is then what a server would have answered, the nearest to the exit code unless given.
    `at` is the server's time, where it has answered.
    """

    def __init__(
        self,
        code: str,
        words: str,
        exit_code: ExitCode,
        document: dict[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words
        self.exit_code = exit_code
        self.at: datetime | None = None
        self.document = document or {
            "type": TYPE + code.lower().replace("_", "-"),
            "title": code.replace("_", " ").capitalize(),
            "status": status or STATUS.get(exit_code, 500),
            "code": code,
            "detail": words,
        }
