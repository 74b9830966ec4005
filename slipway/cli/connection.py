"""Where the API is, how to ask it, and what its refusals mean for the exit code."""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.state_folder import read_run, state_folder

DEFAULT_URL = "http://127.0.0.1:7071"
TIMEOUT_S = 15.0
LOOK_S = 2.0  # for a look at whether anything is there
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SIGN_IN = "`slipway login --as alice` on the laptop; a token in SLIPWAY_TOKEN elsewhere (see `slipway login`)"
START = "`slipway run` starts a system on this laptop, --url or SLIPWAY_URL names another"

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """Where to ask: the API's address, and a CA file when the system's own do not know its certificate."""

    url: str
    ca: str | None


def find_place(url: str | None = None) -> Place:
    """`--url`, else SLIPWAY_URL, else what runs on the nearest state folder, else the fixed laptop port.

    Raises Failure (usage) for something that is no web address.
    """
    run = read_run(state_folder())
    chosen = (url or os.environ.get("SLIPWAY_URL") or (run.url if run else DEFAULT_URL)).rstrip("/")
    if urlsplit(chosen).scheme not in {"http", "https"} or not urlsplit(chosen).hostname:
        raise Failure("USAGE", f"{chosen!r} is not a web address such as {DEFAULT_URL}", ExitCode.USAGE)
    return Place(chosen, os.environ.get("SLIPWAY_CA_FILE") or (run.ca if run and run.url == chosen else None))


class Api:
    """The HTTP API as one signed-in person. Every refusal ends in a Failure with its exit code.

    `renewal` says in words how to get a new token when this one is not accepted.
    """

    def __init__(self, place: Place, token: str, renewal: str = SIGN_IN) -> None:
        if urlsplit(place.url).scheme == "http" and urlsplit(place.url).hostname not in LOOPBACK:
            raise Failure("USAGE", f"a token is not sent in the clear to {place.url}", ExitCode.USAGE)
        self._place, self._renewal = place, renewal
        self._skew = timedelta()
        self._http = http_client(place.ca, place.url, headers={"Authorization": f"Bearer {token}"})

    @property
    def on_this_machine(self) -> bool:
        """Whether the API is at a loopback address: the laptop system, not somebody's Azure."""
        return urlsplit(self._place.url).hostname in LOOPBACK

    def now(self) -> datetime:
        """The server's time, as its answers tell it; our own unless they differ by more than two seconds."""
        return datetime.now(UTC) + self._skew

    def asked_time(self) -> datetime:
        """The server's time, also when it has not answered anything yet. Raises Failure."""
        try:
            self._hear_time(self._http.head(self._place.url))
        except httpx.TransportError as error:
            raise _not_reachable(self._place.url, error) from error
        return self.now()

    def get(self, path: str, **query: str | int | None) -> Any:
        """The JSON at `path`."""
        return self._ask("GET", path, {key: value for key, value in query.items() if value is not None}, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that answers `body`."""
        return self._ask("POST", path, {}, body)

    def delete(self, path: str, **query: str | int | None) -> Any:
        """The JSON that answers the removal of what is at `path`."""
        return self._ask("DELETE", path, {key: value for key, value in query.items() if value is not None}, None)

    def _ask(self, method: str, path: str, query: dict[str, str | int], body: dict[str, Any] | None) -> Any:
        try:
            answer = self._http.request(method, self._place.url + path, params=query, json=body)
        except httpx.TransportError as error:
            raise _not_reachable(self._place.url, error) from error
        self._hear_time(answer)
        if answer.is_success:
            return _json(answer)
        refusal = _refusal(answer, self._place.url, self._renewal)
        refusal.at = self.now()
        raise refusal

    def _hear_time(self, answer: httpx.Response) -> None:
        if date := answer.headers.get("date"):
            try:
                skew = parsedate_to_datetime(date) - datetime.now(UTC)
            except ValueError:
                return
            self._skew = skew if abs(skew) > timedelta(seconds=2) else timedelta()


def promotion_path(promotion: str, *parts: str) -> str:
    """`/api/promotions/{id}/…`, each part escaped."""
    return "/".join(("/api/promotions", *(quote(part, safe="") for part in (promotion, *parts))))


def service_path(environment: str, service: str) -> str:
    """`/api/environments/{environment}/services/{service}`, each part escaped."""
    return f"/api/environments/{quote(environment, safe='')}/services/{quote(service, safe='')}"


def http_client(ca: str | None, url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """A client that trusts `ca` too, and asks no proxy on the way to this machine. Raises Failure."""
    asked = urlsplit(url)
    # Whoever is asked without TLS shows no certificate, and reading the machine's authorities takes 20 ms.
    trust = ssl.create_default_context() if asked.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        try:
            trust.load_verify_locations(ca)
        except OSError as error:
            raise Failure("USAGE", f"no certificate can be read from {ca}: {error}", ExitCode.USAGE) from error
    proxied = asked.hostname not in LOOPBACK
    return httpx.Client(verify=trust, timeout=TIMEOUT_S, trust_env=proxied, headers=headers)


def require_answer(place: Place) -> None:
    """Raises Failure when nothing answers there; any answer at all will do. No token is sent."""
    with http_client(place.ca, place.url) as http:
        try:
            http.get(f"{place.url}/api/health", timeout=LOOK_S)
        except httpx.TransportError as error:
            raise _not_reachable(place.url, error) from error


def understood(model: type[Answer], document: Any) -> Answer:
    """`document` as `model`. Raises Failure when it is not what the API promises."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"the server's answer is not understood at {where!r}: {first['msg']}"
        raise Failure("ANSWER_NOT_UNDERSTOOD", words, ExitCode.REFUSED, status=502) from error


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        words = f"{answer.request.url} answers, but not with JSON; is that address a Slipway?"
        raise Failure("ANSWER_NOT_UNDERSTOOD", words, ExitCode.REFUSED, status=502) from error


def _refusal(answer: httpx.Response, url: str, renewal: str) -> Failure:
    """What a refusal means: its own problem document when there is one. A token is judged before Slipway is
    asked, and what judges it (App Service, the laptop's host) sends no document."""
    codes = {401: ExitCode.NOT_SIGNED_IN, 403: ExitCode.NOT_SIGNED_IN, 404: ExitCode.NOT_FOUND}
    exit_code = codes.get(answer.status_code, ExitCode.REFUSED)
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "code" not in document:
        words = f"{answer.request.url} answers {answer.status_code} {answer.reason_phrase}".rstrip()
        status = answer.status_code
        if status in {502, 503, 504}:
            return Failure("NOT_REACHABLE", words, ExitCode.NOT_REACHABLE, status=status)
        if status == 401:
            words = f"{url} does not accept the token: it is wrong or has expired; {renewal}"
            return Failure("TOKEN_REFUSED", words, exit_code, status=status)
        return Failure(f"HTTP_{status}", f"{words}; is that address a Slipway?", exit_code, status=status)
    words = str(document.get("detail") or document.get("title") or document["code"])
    if answer.status_code == 401:
        words = f"{words}; {renewal}"
    return Failure(str(document["code"]), words, exit_code, document)


def _not_reachable(url: str, error: httpx.TransportError) -> Failure:
    if isinstance(error, httpx.TimeoutException):
        what = f"{url} gives no answer in time"
    elif isinstance(error, httpx.ConnectError) and "SSL" not in str(error):
        what = f"nothing answers at {url} ({error})"
    else:
        what = f"{url} cannot be reached ({error})"
    return Failure("NOT_REACHABLE", f"{what}; {START}", ExitCode.NOT_REACHABLE)
