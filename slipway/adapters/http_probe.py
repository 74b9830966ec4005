"""Looks at a running release over HTTP: does it answer well, and which version is it?

Every look opens its own connection: a kept one may still end at the release of before a swap.
"""

import time
from collections.abc import Mapping

from slipway.promotion.port_values import ProbeResult
from slipway.settings import Settings, settings

_ENOUGH = 64 * 1024  # bytes of a body that we read
# App Service may draw a request to a slot: this one stays with the release that lives at the address it asks. Others
# do not know the word.
_STAY = {"x-ms-routing-name": "self"}
_TOO_SLOW = "its body came too slowly"


def probe(
    url: str,
    version_url: str,
    expected_version: str,
    timeout_s: float,
    settings_: Settings | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> ProbeResult:
    """One look: `url` must answer 2xx, and `version_url` JSON whose `version` is the expected one.

    Both are asked with `headers`. Redirects are not followed: a login page is no health, and no other host
    may see the headers. Latency is that of `url`, in milliseconds.
    """
    import requests

    chosen = settings_ or settings()
    started = time.perf_counter()
    try:
        status = _get(url, timeout_s, chosen, headers)[0]
    except requests.RequestException as error:
        return ProbeResult(False, 0, None, _since_ms(started), f"{url} does not answer: {_in_short(error)}")
    latency_ms = _since_ms(started)
    if not 200 <= status < 300:
        return ProbeResult(False, status, None, latency_ms, f"{url} answers {status}")
    version = read_version(version_url, timeout_s, chosen, headers=headers)
    if version == expected_version:
        return ProbeResult(True, status, version, latency_ms)
    answers = f"answers version {version}" if version else "does not say its version"
    return ProbeResult(False, status, version, latency_ms, f"{version_url} {answers}, expected {expected_version}")


def status_of(
    url: str, timeout_s: float, settings_: Settings | None = None, *, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """What `url` answers; 0 and words when nothing does. The release that lives at the address is asked."""
    import requests

    try:
        return _get(url, timeout_s, settings_ or settings(), headers)[0], ""
    except requests.RequestException as error:
        return 0, f"{url} does not answer: {_in_short(error)}"


def read_version(
    url: str, timeout_s: float, settings_: Settings | None = None, *, headers: Mapping[str, str] | None = None
) -> str | None:
    """The `version` of the JSON at `url`; None when nothing, or nothing of the kind, answers."""
    import json

    import requests

    try:
        status, body = _get(url, timeout_s, settings_ or settings(), headers)
        said = json.loads(body) if 200 <= status < 300 else None
    except (requests.RequestException, ValueError, RecursionError):
        return None
    version = said.get("version") if isinstance(said, dict) else None
    return str(version) if version else None


def _get(url: str, timeout_s: float, settings_: Settings, headers: Mapping[str, str] | None) -> tuple[int, bytes]:
    """Status and the beginning of the body. Raises requests.RequestException; for a body that drips or stalls it
    is a ReadTimeout that says so."""
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    deadline = time.monotonic() + timeout_s
    with requests.get(
        url,
        params=_STAY,
        timeout=timeout_s,
        verify=settings_.verify,
        allow_redirects=False,
        stream=True,
        headers={**(headers or {}), "Connection": "close", "Accept-Encoding": "identity"},
    ) as response:
        body = b""
        try:
            while len(body) <= _ENOUGH and (piece := response.raw.read1(8192)):  # what has come, however little
                body += piece
                if time.monotonic() > deadline:
                    raise requests.ReadTimeout(_TOO_SLOW)
        except ReadTimeoutError as error:
            raise requests.ReadTimeout(_TOO_SLOW) from error
        except HTTPError as error:
            raise requests.ConnectionError(error) from error
        return response.status_code, body


def _since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _in_short(error: Exception) -> str:
    """The kind of failure in words; requests' own text is a nest of reprs."""
    if str(error) == _TOO_SLOW:
        return _TOO_SLOW
    name = type(error).__name__
    return {
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "SSLError": "its certificate is not trusted",
        "ConnectionError": "connection refused or lost",
    }.get(name, name)
