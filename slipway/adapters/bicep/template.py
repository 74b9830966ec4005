"""What a release brings: its compiled template and, where there is one, its file of parameters, fetched from where its
artifact lies.

Both are sent along inline: a link would have to be readable for Azure itself, and could show something else by the time
it follows it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from slipway.adapters import patience
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import Answer, failed, running
from slipway.promotion.planned_changes import digest_of
from slipway.settings import Settings

LARGEST = 4 * 1024 * 1024  # bytes, Azure's own limit for a template
UNUSABLE = "TEMPLATE_UNUSABLE"
_SECURE = ("securestring", "secureobject")
_SOON_S = 5.0
_MAY_PASS = (408, 429)


@dataclass(frozen=True)
class Template:
    """`parameters` in REST's form, of the file and of the pipeline; `secrets` are texts of theirs that nobody is
    shown. `source` is the digest of what was fetched, without the pipeline's own parameters."""

    template: dict[str, Any]
    parameters: dict[str, Any]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    source: str = ""

    @property
    def digest(self) -> str:
        return digest_of([self.template, self.parameters])


class NotFetched(SlipwayError):
    """It could not be had: `may_pass` says whether to come again."""

    def __init__(self, words: str, may_pass: bool = False) -> None:
        super().__init__(UNUSABLE, words)
        self.may_pass = may_pass

    def answer(self, handle: dict[str, Any]) -> Answer:
        return running(handle, _SOON_S, self.words) if self.may_pass else failed(self.code, self.words)


def fetched(settings_: Settings, addresses: str, given: dict[str, Any]) -> Template:
    """The template at the first of `addresses` (with a space between), with the parameters at the second; `given` are
    the pipeline's, which come over those. Raises NotFetched."""
    first, *more = addresses.split()
    template = _document(settings_, first)
    if not isinstance(template.get("resources"), list | dict):
        raise NotFetched(f"{_plainly(first)} is no compiled ARM template: it has no resources")
    parameters: dict[str, Any] = {}
    for address in more:
        document = _document(settings_, address)
        found = document.get("parameters", document)
        if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
            raise NotFetched(f"{_plainly(address)} is no file of parameters")
        parameters |= found
    source = digest_of([template, parameters])
    parameters |= {name: {"value": value} for name, value in given.items()}
    declared = template.get("parameters") or {}
    secure = [name for name, each in declared.items() if str(each.get("type") or "").lower() in _SECURE]
    secrets = {text for name in secure for text in _texts((parameters.get(name) or {}).get("value"))}
    return Template(template, parameters, tuple(sorted(secrets)), source)


def _document(settings_: Settings, address: str) -> dict[str, Any]:
    import requests

    where = _plainly(address)
    try:
        with requests.get(
            address,
            timeout=(patience.CONNECT_S, patience.READ_S),
            verify=settings_.verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != 200:
                may_pass = response.status_code >= 500 or response.status_code in _MAY_PASS
                raise NotFetched(f"{where} answers {response.status_code}", may_pass)
            body = b""
            for piece in response.iter_content(65536):
                body += piece
                if len(body) > LARGEST:
                    raise NotFetched(f"{where} is larger than the 4 MB that Azure takes")
    except requests.RequestException as error:
        raise NotFetched(f"{where} cannot be fetched ({type(error).__name__})", may_pass=True) from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotFetched(f"{where} is not JSON") from error
    if not isinstance(document, dict):
        raise NotFetched(f"{where} is not a JSON object")
    return document


def _plainly(address: str) -> str:
    """Without what may be a signature."""
    return address.partition("?")[0]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)
