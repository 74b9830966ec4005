"""Exit codes of the `slipway` command, and the one exception that carries one."""

from enum import IntEnum
from typing import Any

PROBLEMS = "https://slipway.dev/problems/"


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


class Failure(Exception):
    """The command cannot do what was asked: a stable code, words that say what to do, and the exit code.

    `document` is the problem document (RFC 9457) as the server sent it; without one it is made here.
    """

    def __init__(self, code: str, words: str, exit_code: ExitCode, document: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words
        self.exit_code = exit_code
        self.document = document or {
            "type": PROBLEMS + code,
            "title": code.replace("_", " ").lower(),
            "code": code,
            "detail": words,
        }
