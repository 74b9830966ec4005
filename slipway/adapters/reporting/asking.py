"""One request to a code host, and what its refusal means: come again, or never.

Redirects are not followed: Azure DevOps sends whoever it does not know to a page for people, and our token goes to
the host that the settings name, and to no other.
"""

import time
from collections.abc import Mapping
from typing import Any

from slipway.adapters.azure_errors import retry_after_s
from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings

TIMEOUT_S = (10.0, 20.0)
LONGEST_WORDS = 300


class ReportFailed(SlipwayError):
    """A host was not told. `for_good`: it will not be, unless a person does something. `status` is 0 without an
    answer."""

    def __init__(self, words: str, status: int = 0, for_good: bool = False, after_s: float = 0.0) -> None:
        super().__init__("REPORT_REFUSED" if for_good else "REPORT_UNAVAILABLE", words)
        self.status, self.for_good, self.after_s = status, for_good, after_s


class NothingToTell(SlipwayError):
    """A host could not be told, and never will be; nobody can do anything about it, and nothing is wrong."""


def ask(settings_: Settings, where: str, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Any:
    """The JSON that answers. Raises ReportFailed, naming `where`."""
    import requests

    try:
        answer = requests.request(
            method,
            url,
            headers=dict(headers),
            json=body,
            timeout=TIMEOUT_S,
            verify=settings_.verify,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise ReportFailed(f"{where} does not answer: {type(error).__name__}") from error
    if answer.status_code not in (200, 201):
        raise _refusal(where, answer)
    try:
        return answer.json()
    except ValueError as error:
        raise ReportFailed(f"{where} answers, but not with JSON", answer.status_code) from error


def _refusal(where: str, answer: Any) -> ReportFailed:
    status, headers = answer.status_code, answer.headers
    said = " ".join(_message(answer).split())[:LONGEST_WORDS]
    if status in (203, 301, 302, 303, 307, 308):  # so it answers whom it does not know
        return ReportFailed(f"{where} does not accept our token (it answers {status})", 401, for_good=True)
    after_s = retry_after_s(headers)
    if status in (403, 429) and (after_s or headers.get("x-ratelimit-remaining") == "0"):
        after_s = after_s or max(0.0, _number(headers.get("x-ratelimit-reset")) - time.time())
        return ReportFailed(f"{where} asks us to slow down ({said})", status, after_s=after_s)
    may_pass = status in (408, 425, 429) or status >= 500
    words = f"{where} is not available ({status}: {said})" if may_pass else f"{where} refuses ({status}: {said})"
    return ReportFailed(words, status, for_good=not may_pass, after_s=after_s)


def _message(answer: Any) -> str:
    try:
        document = answer.json()
    except ValueError:
        return str(answer.text)
    return str(document.get("message") or document) if isinstance(document, dict) else str(document)


def _number(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0
